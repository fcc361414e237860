// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// How the numbers of a value are spread over many inputs: extremes, and a histogram that is symmetric about 0 and doubles its range when it
/// has to. Zeros, which every quantisation represents exactly, are counted apart; what isn't finite, or not below ``bound``, is left out.
package struct RangeStatistics: Sendable {
    package private(set) var minimum: Float = .infinity
    package private(set) var maximum: Float = -.infinity
    /// Of all numbers, zeros included.
    package private(set) var count = 0
    /// `bins[i]` counts the numbers in `(i − half … i + 1 − half) · limit / half`.
    private var bins = [Int](repeating: 0, count: 2 * Self.half)
    /// A power of 2.
    private var limit: Float = 0x1p-40

    /// Whether a number was left out: the quantisation can't represent what was seen.
    package private(set) var hasOverflow = false

    /// Numbers of this magnitude or more are taken for an overflow.
    package static let bound: Float = 0x1p100
    private static let half = 4096

    package init() {}

    package mutating func observe(_ numbers: Span<Float>) {
        var low = Float.infinity
        var high = -Float.infinity
        for index in numbers.indices {
            let number = numbers[index]
            if number.magnitude < Self.bound {
                low = min(low, number)
                high = max(high, number)
            }
        }
        guard low <= high else {
            if !numbers.isEmpty { hasOverflow = true }
            return
        }
        minimum = min(minimum, low)
        maximum = max(maximum, high)
        while max(high, -low) >= limit { double() }
        let scale = Float(Self.half) / limit
        var target = bins.mutableSpan
        var seen = 0
        for index in numbers.indices {
            let number = numbers[index]
            guard number.magnitude < Self.bound else { continue }
            seen += 1
            if number != 0 { target[Int((number * scale).rounded(.down)) + Self.half] += 1 }
        }
        count += seen
        if seen < numbers.count { hasOverflow = true }
    }

    /// Joins the numbers of another value.
    package mutating func merge(_ other: RangeStatistics) {
        var other = other
        while limit < other.limit { double() }
        while other.limit < limit { other.double() }
        for index in bins.indices { bins[index] += other.bins[index] }
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        count += other.count
        hasOverflow = hasOverflow || other.hasOverflow
    }

    /// Twice the range: two bins become one.
    private mutating func double() {
        var wider = [Int](repeating: 0, count: bins.count)
        for (index, bin) in bins.enumerated() { wider[(index - Self.half) >> 1 + Self.half] += bin }
        bins = wider
        limit *= 2
    }

    /// The quantisation that `rule` picks for these numbers.
    package func quantization(_ rule: RangeRule) -> Quantization {
        guard count > 0, minimum <= maximum else { return .activations(minimum: 0, maximum: 0) }
        switch rule {
        case .extremes: return .activations(minimum: minimum, maximum: maximum)
        case .percentile(let share): return percentile(share)
        case .leastSquares: return leastSquares()
        }
    }

    private func center(_ bin: Int) -> Float { (Float(bin - Self.half) + 0.5) * limit / Float(Self.half) }

    /// Leaves `1 − share` of all numbers outside on each side.
    private func percentile(_ share: Double) -> Quantization {
        let allowed = Int((Double(count) * (1 - share)).rounded(.down))
        func edge(_ order: some Sequence<Int>, outward: Int) -> Float? {
            var outside = 0
            for bin in order {
                outside += bins[bin]
                if outside > allowed { return Float(bin + outward - Self.half) * limit / Float(Self.half) }
            }
            return nil
        }
        let low = edge(bins.indices, outward: 0) ?? 0
        let high = edge(bins.indices.reversed(), outward: 1) ?? 0
        return .activations(minimum: max(min(low, 0), minimum), maximum: min(max(high, 0), maximum))
    }

    /// Minimises the mean squared difference between a number and what its quantised form stands for: `step² / 12` inside the range, the square
    /// of the distance to the range outside. The range is searched on a grid of fractions of the extremes.
    private func leastSquares() -> Quantization {
        let sums = PrefixSums(bins: bins, center: center)
        let steps = 200
        let highs = maximum > 0 ? (0..<steps).map { maximum * Float(steps - $0) / Float(steps) } : [0]
        let lows = minimum < 0 ? (0..<steps).map { minimum * Float(steps - $0) / Float(steps) } : [0]
        var best = (error: Double.infinity, low: minimum, high: maximum)
        for low in lows {
            let below = sums.squaredDistances(below: low, bin: bin(of: low))
            for high in highs {
                let step = Double(high - low) / 255
                let above = sums.squaredDistances(above: high, bin: bin(of: high))
                let error = below + above + Double(sums.total) * step * step / 12
                if error < best.error { best = (error, low, high) }
            }
        }
        return .activations(minimum: best.low, maximum: best.high)
    }

    private func bin(of number: Float) -> Int {
        min(max(Int((number / limit * Float(Self.half)).rounded(.down)) + Self.half, 0), bins.count - 1)
    }
}

/// Which range a quantisation covers.
package enum RangeRule: Hashable, Sendable, CustomStringConvertible {
    /// Everything that was seen.
    case extremes
    /// Without a share of the numbers on each side.
    case percentile(Double)
    /// The least mean squared error.
    case leastSquares

    package static let all: [RangeRule] = [.extremes, .percentile(0.9999), .leastSquares]

    package var description: String {
        switch self {
        case .extremes: "extremes"
        case .percentile(let share): "percentile \(share * 100)"
        case .leastSquares: "least squares"
        }
    }
}

/// Sums of counts, numbers and squares over the bins before a position.
private struct PrefixSums {
    var counts: [Double] = [0]
    var numbers: [Double] = [0]
    var squares: [Double] = [0]

    init(bins: [Int], center: (Int) -> Float) {
        for (index, bin) in bins.enumerated() {
            let (count, number) = (Double(bin), Double(center(index)))
            counts.append(counts[index] + count)
            numbers.append(numbers[index] + count * number)
            squares.append(squares[index] + count * number * number)
        }
    }

    var total: Double { counts[counts.count - 1] }

    /// `Σ (number − edge)²` over the bins behind the one that holds `edge`.
    func squaredDistances(above edge: Float, bin: Int) -> Double {
        let edge = Double(edge)
        let last = counts.count - 1
        return squares[last] - squares[bin + 1] - 2 * edge * (numbers[last] - numbers[bin + 1]) + edge * edge * (counts[last] - counts[bin + 1])
    }

    /// `Σ (number − edge)²` over the bins before the one that holds `edge`.
    func squaredDistances(below edge: Float, bin: Int) -> Double {
        let edge = Double(edge)
        return squares[bin] - 2 * edge * numbers[bin] + edge * edge * counts[bin]
    }
}
