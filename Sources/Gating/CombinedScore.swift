// SPDX-License-Identifier: Apache-2.0

/// The estimated probability that a network's best class is the right one: the lead over the second class, and which class it is.
///
///     score = 1 / (1 + exp(−(intercept + slope · odds + offsets[class])))
///     odds  = ln(margin / (1 − margin)), within −6 … 36
///
/// Within a class the score orders frames as ``Confidence/margin`` does. Offsets move classes that are wrong more often than their margin says behind the others.
///
/// Top-1, entropy and energy have no part in it: beside the margin's odds they follow the images of the fit, and order others worse.
package struct CombinedScore: Hashable, Sendable, Codable {
    package var intercept: Double
    /// Above 0, so that a higher margin is never a lower score.
    package var slope: Double
    /// One a class, in the order of the output; a class beyond the last has 0.
    package var offsets: [Double]

    package init(intercept: Double, slope: Double, offsets: [Double] = []) {
        self.intercept = intercept
        self.slope = slope
        self.offsets = offsets
    }

    /// Whether every score is a number and rises with the margin: no more is known of one that was read from a file.
    package var isUsable: Bool {
        let limits = -1000.0...1000.0
        return limits.contains(intercept) && slope > 0 && slope <= limits.upperBound && offsets.allSatisfy(limits.contains)
    }

    /// 0 … 1. Allocates nothing.
    ///
    /// - Parameter odds: of the margin, as above.
    func score(odds: Double, classIndex: Int) -> Double {
        1 / (1 + exponential(-(intercept + slope * odds + (offsets.indices.contains(classIndex) ? offsets[classIndex] : 0))))
    }

    /// Odds stay within these, so that ties and 8-bit outputs without any doubt are far away but not at infinity.
    static let oddsRange = -6.0...36.0
}
