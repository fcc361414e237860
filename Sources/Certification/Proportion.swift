// SPDX-License-Identifier: Apache-2.0

/// A count out of independent trials, and what it says about the probability behind it.
///
/// Bounds are those of C. J. Clopper and E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial" (1934): exact, so
/// never held less often than `confidence` says. Rounding is towards the safe side.
package struct Proportion: Hashable, Sendable {
    package let successes: Int
    package let trials: Int

    /// - Precondition: `successes` is 0 … `trials`.
    package init(_ successes: Int, of trials: Int) {
        precondition(trials >= 0 && (0...trials).contains(successes), "\(successes) of \(trials)")
        self.successes = successes
        self.trials = trials
    }

    /// NaN without trials.
    package var value: Double { Double(successes) / Double(trials) }

    /// The probability is at most this: the least p of which `P(X ≤ successes) ≤ 1 − confidence`. 1 without trials.
    package func upperBound(confidence: Double) -> Double {
        successes == trials ? 1 : crossing { Binomial(trials: trials, probability: $0).lowerTail(successes) <= 1 - confidence }.above
    }

    /// The probability is at least this: the greatest p of which `P(X ≥ successes) ≤ 1 − confidence`. 0 without trials.
    package func lowerBound(confidence: Double) -> Double {
        successes == 0 ? 0 : crossing { Binomial(trials: trials, probability: $0).upperTail(successes) > 1 - confidence }.below
    }

    /// Both bounds, each at half of what `confidence` leaves.
    package func interval(confidence: Double) -> ClosedRange<Double> {
        let each = (1 + confidence) / 2
        return lowerBound(confidence: each)...upperBound(confidence: each)
    }

    /// Neighbouring numbers in 0 … 1 between which `condition` becomes true.
    private func crossing(_ condition: (Double) -> Bool) -> (below: Double, above: Double) {
        var below = 0.0
        var above = 1.0
        while true {
            let middle = below + (above - below) / 2
            guard middle > below, middle < above else { return (below, above) }
            if condition(middle) { above = middle } else { below = middle }
        }
    }
}
