// SPDX-License-Identifier: Apache-2.0

/// Which range of an activation its codes cover; what lies outside is clipped.
package enum RangeRule: Hashable, Sendable {
    /// From the smallest number to the largest.
    case full
    /// A part of that, from 1/4 to all of it in steps of 1/32, that makes the sum of squared errors least, estimated on a histogram of
    /// 1,024 bins. Numbers below 0 and above are narrowed alike; where there are none below 0, or none above, that end stays.
    /// Of use for linear outputs with rare extremes; behind a ReLU one bit more costs no more bytes, once they are coded, and keeps more.
    case leastSquares

    func limits(of values: Span<Float>, bits: Int) throws(PackingError) -> (low: Float, high: Float) {
        guard values.count > 0 else { return (0, 0) }
        var (low, high) = (values[0], values[0])
        var allFinite = true
        for position in values.indices {
            let value = values[position]
            allFinite = allFinite && value.isFinite
            low = value < low ? value : low
            high = value > high ? value : high
        }
        guard allFinite, (high - low).isFinite else {
            throw PackingError(.notFinite, "quantise", "the numbers lie in \(low) … \(high), or some are NaN")
        }
        // −0 and 0 compare as equal: what is written shall not depend on which comes first.
        if low == 0 { low = 0 }
        guard self == .leastSquares, high - low > 0 else { return (low, high) }
        return Self.narrowed(low: low, high: high, values, bits: bits)
    }

    private static func narrowed(low: Float, high: Float, _ values: Span<Float>, bits: Int) -> (low: Float, high: Float) {
        let bins = 1024
        let width = (high - low) / Float(bins)
        guard width.isNormal else { return (low, high) }
        var histogram = [Int](repeating: 0, count: bins)
        for position in values.indices {
            histogram[max(0, min(bins - 1, Int((values[position] - low) / width)))] += 1
        }
        let largest = Float(1 << bits - 1)
        var best = (low, high)
        var least = Double.infinity
        for part in stride(from: 32, through: 8, by: -1) {
            let share = Float(part) / 32
            let candidate =
                low < 0 && high > 0
                ? (low * share, high * share) : low >= 0 ? (low, low + (high - low) * share) : (high + (low - high) * share, high)
            let step = (candidate.1 - candidate.0) / largest
            guard step.isNormal else { continue }
            var error = 0.0
            for bin in 0..<bins where histogram[bin] > 0 {
                let value = low + (Float(bin) + 0.5) * width
                let code = max(0, min(largest, ((value - candidate.0) / step).rounded(.toNearestOrEven)))
                let difference = Double(value - (candidate.0 + code * step))
                error += difference * difference * Double(histogram[bin])
            }
            if error < least { (least, best) = (error, candidate) }
        }
        return best
    }
}
