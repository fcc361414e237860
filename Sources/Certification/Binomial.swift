// SPDX-License-Identifier: Apache-2.0

/// How often something of probability p happens in n independent trials.
///
/// Relative error of the tails: about 1e-12 up to a million trials, down to the smallest normal number.
package struct Binomial: Hashable, Sendable {
    package let trials: Int
    package let probability: Double

    /// - Precondition: `trials` is 0 or more, `probability` is 0 … 1.
    package init(trials: Int, probability: Double) {
        precondition(trials >= 0 && (0...1).contains(probability), "\(trials) trials of probability \(probability)")
        self.trials = trials
        self.probability = probability
    }

    /// `ln P(X = k)`; −∞ where that can't be.
    ///
    /// Source: C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000): the saddle-point expansion, which has none of the cancellation of
    /// a difference of log-factorials.
    package func logProbability(of k: Int) -> Double {
        guard (0...trials).contains(k) else { return -.infinity }
        if probability == 0 { return k == 0 ? 0 : -.infinity }
        if probability == 1 { return k == trials ? 0 : -.infinity }
        let n = Double(trials)
        if k == 0 { return n * logarithm(onePlus: -probability) }
        if k == trials { return n * logarithm(probability) }
        let x = Double(k)
        return stirlingError(trials) - stirlingError(k) - stirlingError(trials - k)
            - deviance(x, from: n * probability) - deviance(n - x, from: n * (1 - probability))
            + logarithm(n / (2 * .pi * x * (n - x))) / 2
    }

    package func probability(of k: Int) -> Double { exponential(logProbability(of: k)) }

    /// `P(X ≤ k)`.
    package func lowerTail(_ k: Int) -> Double {
        if k < 0 { return 0 }
        if k >= trials { return 1 }
        return Double(k) <= mean ? sumDownward(from: k) : 1 - sumUpward(from: k + 1)
    }

    /// `P(X ≥ k)`.
    package func upperTail(_ k: Int) -> Double {
        if k <= 0 { return 1 }
        if k > trials { return 0 }
        return Double(k) >= mean ? sumUpward(from: k) : 1 - sumDownward(from: k - 1)
    }

    private var mean: Double { Double(trials) * probability }

    /// `P(X ≤ k)` for `k` at or below the mean: each term is smaller than the one before.
    private func sumDownward(from k: Int) -> Double {
        guard probability < 1 else { return 0 }
        var sum = 1.0
        var term = 1.0
        var j = Double(k)
        let odds = (1 - probability) / probability
        while j > 0, term > sum * 1e-18 {
            term *= j / (Double(trials) - j + 1) * odds
            sum += term
            j -= 1
        }
        return probability(of: k) * sum
    }

    /// `P(X ≥ k)` for `k` at or above the mean.
    private func sumUpward(from k: Int) -> Double {
        guard probability > 0 else { return 0 }
        var sum = 1.0
        var term = 1.0
        var j = Double(k)
        let odds = probability / (1 - probability)
        while j < Double(trials), term > sum * 1e-18 {
            term *= (Double(trials) - j) / (j + 1) * odds
            sum += term
            j += 1
        }
        return probability(of: k) * sum
    }
}

/// `x·ln(x/m) + m − x`, accurate also where `x` is near `m`.
private func deviance(_ x: Double, from m: Double) -> Double {
    guard abs(x - m) < 0.1 * (x + m) else { return x * logarithm(x / m) + m - x }
    let v = (x - m) / (x + m)
    var sum = (x - m) * v
    var power = 2 * x * v
    var divisor = 3.0
    while true {
        power *= v * v
        let next = sum + power / divisor
        if next == sum { return sum }
        sum = next
        divisor += 2
    }
}

/// `ln n! − ln(√(2πn) · (n/e)ⁿ)`, for n above 0.
private func stirlingError(_ n: Int) -> Double {
    if n < smallStirlingErrors.count { return smallStirlingErrors[n] }
    let x = Double(n)
    let square = 1 / (x * x)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - square / 1188) * square) * square) * square) / x
}

private let smallStirlingErrors = [
    0, 0.081061466795327258, 0.041340695955409294, 0.027677925684998339, 0.020790672103765093, 0.016644691189821192, 0.013876128823070748,
    0.01189670994589177, 0.010411265261972096, 0.0092554621827127329, 0.0083305634333628713, 0.0075736754879518408, 0.0069428401072095299,
    0.0064089941880042071, 0.0059513701127588477, 0.0055547335519628014,
]
