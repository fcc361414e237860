// SPDX-License-Identifier: Apache-2.0

/// A quantity that varies, as eight equally probable classes of it, each by its mean: the mean stays exact, and the highest class stands near the 95th percentile.
package struct Octiles: Hashable, Sendable {
    /// Rising.
    package let classes: SIMD8<Double>

    /// A quantity that doesn't vary.
    package init(_ value: Double) { classes = SIMD8(repeating: value) }

    /// Equally probable values, in any order; those on the border of two classes count in both, by their parts.
    ///
    /// - Precondition: there is one, and all are finite.
    package init(of values: [Double]) {
        precondition(!values.isEmpty, "octiles of nothing")
        let sorted = values.sorted()
        let width = Double(sorted.count) / 8
        var classes = SIMD8<Double>()
        for index in 0..<8 {
            let (start, end) = (width * Double(index), min(width * Double(index + 1), Double(sorted.count)))
            var sum = 0.0
            for place in Int(start)..<min(Int(end.rounded(.up)), sorted.count) {
                sum += sorted[place] * (min(end, Double(place + 1)) - max(start, Double(place)))
            }
            classes[index] = sum / (end - start)
        }
        // Rounding may put a class below the one before it.
        for index in 1..<8 { classes[index] = max(classes[index], classes[index - 1]) }
        self.classes = classes
    }

    package var mean: Double { classes.sum() / 8 }
    package var highest: Double { classes[7] }
    /// The variance over the square of the mean; 0 where that is 0.
    package var variation: Double { mean > 0 ? max((classes * classes).sum() / 8 / (mean * mean) - 1, 0) : 0 }
}
