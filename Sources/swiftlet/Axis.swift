// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Glibc

/// One axis of a ``Panel``.
struct Axis {
    let name: String
    let range: ClosedRange<Double>
    /// Round values within the range.
    let ticks: [Double]
    private let isLogarithmic: Bool
    private let isShare: Bool

    /// Linear, about five ticks.
    ///
    /// - Parameter isShare: ticks are in per cent; `nil`: where the range ends at 1 or before.
    init(_ name: String, _ range: ClosedRange<Double>, isShare: Bool? = nil) {
        (self.name, self.range, isLogarithmic) = (name, range, false)
        self.isShare = isShare ?? (range.upperBound <= 1)
        ticks = Self.ticks(range)
    }

    /// - Precondition: the range is above 0.
    init(logarithmic name: String, _ range: ClosedRange<Double>, ticks: [Double]) {
        (self.name, self.range, self.ticks, isLogarithmic, isShare) = (name, range, ticks, true, false)
    }

    /// 0 … 1 within the range.
    func place(_ value: Double) -> Double {
        let (low, high) = (range.lowerBound, range.upperBound)
        if isLogarithmic { return log(value / low) / log(high / low) }
        return (value - low) / max(high - low, .leastNormalMagnitude)
    }

    func label(_ value: Double) -> String {
        if isLogarithmic { return fixed(value, value < 1 ? 1 : 0) }
        let span = range.upperBound - range.lowerBound
        if !isShare { return fixed(value, span < 0.05 ? 3 : span < 2 ? 2 : span < 6 ? 1 : 0) }
        return fixed(value * 100, span < 0.005 ? 2 : span < 0.05 ? 1 : 0) + " %"
    }

    private static func ticks(_ range: ClosedRange<Double>) -> [Double] {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else { return [range.lowerBound] }
        var step = 1e-9
        let factors = [2.0, 2.5, 2.0]
        var index = 0
        while span / step > 6 {
            step *= factors[index % 3]
            index += 1
        }
        return Array(stride(from: (range.lowerBound / step).rounded(.up) * step, through: range.upperBound, by: step))
    }
}
