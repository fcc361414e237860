// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The regularised incomplete beta function
///
///     I(x; a, b) = 1 / B(a, b) · ∫₀ˣ t^(a−1) · (1−t)^(b−1) dt
///
/// in logarithms, so that neither tail underflows.
///
/// Source: NIST Digital Library of Mathematical Functions, 8.17.22 (continued fraction) and 8.17.4 (symmetry); evaluated by Lentz's method.
enum IncompleteBeta {
    /// `ln B(a, b)`, for positive arguments.
    static func logComplete(_ a: Double, _ b: Double) -> Double { lgamma(a).0 + lgamma(b).0 - lgamma(a + b).0 }

    /// `ln I(x; a, b)`: −∞ … 0.
    ///
    /// - Precondition: `a` and `b` are positive, `x` is 0 … 1.
    static func logRegularized(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return -.infinity }
        if x >= 1 { return 0 }
        // The fraction converges fast below the mean; above it the other tail is the small one.
        guard x > (a + 1) / (a + b + 2) else { return tail(x, a, b) }
        return log1p(-exp(tail(1 - x, b, a)))
    }

    private static func tail(_ x: Double, _ a: Double, _ b: Double) -> Double {
        a * log(x) + b * log1p(-x) - logComplete(a, b) - log(a) + log(fraction(x, a, b))
    }

    private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let tiny = Double.leastNormalMagnitude
        func guarded(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var numerator = 1.0
        var denominator = 1 / guarded(1 - (a + b) * x / (a + 1))
        var result = denominator
        // About the square root of the larger argument suffices.
        for step in 1...100_000 {
            let m = Double(step)
            for coefficient in [
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
            ] {
                denominator = 1 / guarded(1 + coefficient * denominator)
                numerator = guarded(1 + coefficient / numerator)
                result *= numerator * denominator
            }
            if abs(numerator * denominator - 1) < 1e-15 { break }
        }
        return result
    }
}
