// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Which outcomes on n independent samples prove that a risk is below a bound.
///
/// If the risk is at or above the bound, a proof turns up with probability `1 − confidence` at most. ``Certificate/Risk/harm`` is tested by the exact
/// binomial test, ``Certificate/Risk/accuracyLoss`` by the exact trinomial test, which is nearly that one where nothing can be gained.
package struct RiskTest: Hashable, Sendable {
    package let risk: Certificate.Risk
    package let samples: Int
    package let bound: Double
    package let confidence: Double
    /// The most losses that prove the bound beside 0, 1, … gains; −1 where none do. The last one goes for any further gain.
    private let limits: [Int]

    /// Takes microseconds for harm, and for accuracy loss some tenths of a second at 2,500 samples, in proportion to their number: made once, it serves every
    /// threshold.
    ///
    /// - Precondition: `samples` is 0 or more; `bound` and `confidence` are above 0 and below 1.
    package init(_ risk: Certificate.Risk, below bound: Double, confidence: Double, samples: Int) {
        precondition(samples >= 0 && bound > 0 && bound < 1 && confidence > 0 && confidence < 1, "\(risk) \(bound) at \(confidence) on \(samples)")
        self.risk = risk
        self.samples = samples
        self.bound = bound
        self.confidence = confidence
        if samples < Self.samplesNeeded(bound: bound, confidence: confidence) {
            limits = [-1]
        } else {
            switch risk {
            case .harm: limits = [Binomial(trials: samples, probability: bound).quantile(1 - confidence)]
            case .accuracyLoss: limits = TrinomialTest(samples: samples, bound: bound).limits(significance: 1 - confidence)
            }
        }
    }

    /// The most losses beside `gains` that are a proof; −1 where not even none of them is one.
    ///
    /// - Parameter gains: samples that only the system has right; they don't count for ``Certificate/Risk/harm``.
    package func mostLosses(gains: Int = 0) -> Int { limits[min(gains, limits.count - 1)] }

    /// - Parameter losses: harms, or samples that the full model has right and the system hasn't.
    package func proves(losses: Int, gains: Int) -> Bool { losses <= mostLosses(gains: gains) }

    /// The probability, at most, of an outcome as good as this one if the risk is at or above the bound.
    package func pValue(losses: Int, gains: Int) -> Double {
        switch risk {
        case .harm: Binomial(trials: samples, probability: bound).lowerTail(losses)
        case .accuracyLoss: TrinomialTest(samples: samples, bound: bound).pValue(losses: losses, gains: gains)
        }
    }

    /// Samples with which the same shares of losses and gains would be a proof: for planning, since a rate met in the end may be another one. Exact for harm; for
    /// accuracy loss from the distance of the outcome, which grows as the square root of their number, and so an estimate.
    ///
    /// - Returns: `nil` where no number is enough, as the loss isn't below the bound, or 2³⁰ and more are needed.
    package func samplesNeeded(losses: Int, gains: Int) -> Int? {
        guard samples > 0 else { return nil }
        switch risk {
        case .harm: return Self.samplesNeeded(bound: bound, confidence: confidence, expectedRate: Double(losses) / Double(samples))
        case .accuracyLoss:
            let test = TrinomialTest(samples: samples, bound: bound)
            let most = min(gains, limits.count - 1)
            guard let proving = limits[most] >= 0 ? most : limits.firstIndex(where: { $0 >= 0 }) else { return nil }
            let (needed, reached) = (test.distance(limits[proving], proving), test.distance(losses, gains))
            guard reached < 0 else { return nil }
            let count = (Double(samples) * max(needed / reached * (needed / reached), 1)).rounded(.up)
            return count < 0x1p30 ? Int(count) : nil
        }
    }
}

extension RiskTest {
    /// Samples with which a risk can be proved to be below `bound`, when accepted samples do harm at `expectedRate` (of all samples).
    ///
    /// The least n at which `⌈n · expectedRate⌉` harms are a proof by the binomial test: with `expectedRate` 0, the samples without a single error below
    /// which nothing can be certified. Samples gained count for nothing here. It's planning: a rate met in the end may be another one.
    ///
    /// - Returns: `nil` where no number is enough, as the rate isn't below the bound, or 2³⁰ and more are needed.
    package static func samplesNeeded(bound: Double, confidence: Double, expectedRate: Double) -> Int? {
        precondition(bound > 0 && bound < 1 && confidence > 0 && confidence < 1, "\(bound) at \(confidence)")
        guard expectedRate < bound else { return nil }
        guard expectedRate > 0 else {
            let needed = samplesNeeded(bound: bound, confidence: confidence)
            return needed < 1 << 30 ? needed : nil
        }
        /// The least samples that `harms` are expected in and prove the bound in.
        func samples(harms: Int) -> Int? {
            let most = (Double(harms) / expectedRate).rounded(.down)
            let needed = leastSamples(provingWith: harms, bound: bound, significance: 1 - confidence)
            return needed < 1 << 30 && Double(needed) <= most ? max(needed, Int((Double(harms - 1) / expectedRate).rounded(.down)) + 1) : nil
        }
        var enough = 1
        while samples(harms: enough) == nil {
            enough *= 2
            guard enough < 1 << 30 else { return nil }
        }
        var few = enough / 2
        while enough - few > 1 {
            let middle = (few + enough) / 2
            if samples(harms: middle) == nil { few = middle } else { enough = middle }
        }
        return samples(harms: enough)
    }

    /// The samples without a single error that are needed to prove anything: the least n of which `(1 − bound)ⁿ ≤ 1 − confidence`, or 2³⁰ if that is less.
    static func samplesNeeded(bound: Double, confidence: Double) -> Int { leastSamples(provingWith: 0, bound: bound, significance: 1 - confidence) }

    /// The least n of which `P(at most harms of n) ≤ significance`, or 2³⁰ where that is less.
    private static func leastSamples(provingWith harms: Int, bound: Double, significance: Double) -> Int {
        func isEnough(_ samples: Int) -> Bool { Binomial(trials: samples, probability: bound).lowerTail(harms) <= significance }
        var enough = harms + 1
        while !isEnough(enough) {
            guard enough < 1 << 30 else { return 1 << 30 }
            enough = min(enough * 2, 1 << 30)
        }
        var few = enough / 2
        while enough - few > 1 {
            let middle = (few + enough) / 2
            if isEnough(middle) { enough = middle } else { few = middle }
        }
        return enough
    }
}

extension Binomial {
    /// The greatest k with `P(X ≤ k) ≤ share`; −1 where not even `P(X = 0)` is.
    func quantile(_ share: Double) -> Int {
        var within = -1
        var beyond = trials
        while beyond - within > 1 {
            let middle = (within + beyond) / 2
            if lowerTail(middle) <= share { within = middle } else { beyond = middle }
        }
        return within
    }
}
