// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What is known of the rate of an event after `count` trials, at every moment at once: one may look after each trial and stop when one likes.
///
/// With `k` events in `n` trials, the rate `p` is at most ``upper(confidence:)`` at all times together with the stated probability, as long as each trial's
/// chance of the event, given what came before it, is at least `p`; it is the p at which the evidence against "at least p",
///
///     M(p) = ∫₀¹ a·v^(a−1) · v^k · ((1 − p·v) / (1 − p))^(n−k) dv
///          = a · p^(−a−k) · (1−p)^(k−n) · B(k+a, n−k+1) · I(p; k+a, n−k+1),
///
/// reaches `1 / (1 − confidence)`. M is a mixture, over smaller rates q = p·v, of likelihood ratios: a non-negative supermartingale that starts at 1 and rises
/// with p, so Ville's inequality holds for all p at once. The lower bound is the same with events and their absence exchanged.
///
/// Source: S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021),
/// beta-binomial mixture; here one-sided.
package struct AuditInterval: Hashable, Sendable, Codable {
    package private(set) var count: Int
    package private(set) var events: Int

    package init() { (count, events) = (0, 0) }

    /// - Returns: `nil` unless there are at least as many trials as events, and no fewer than none.
    package init?(count: Int, events: Int) {
        guard events >= 0, count >= events else { return nil }
        (self.count, self.events) = (count, events)
    }

    package mutating func add(_ isEvent: Bool) {
        count += 1
        if isEvent { events += 1 }
    }

    /// 0 … 1; `nil` before the first trial.
    package var rate: Double? { count > 0 ? Double(events) / Double(count) : nil }

    /// The rate is at most this; 1 where nothing is known.
    ///
    /// - Precondition: above 0, below 1.
    package func upper(confidence: Double) -> Double {
        Self.bound(events, count - events, weight: Self.smallRates, confidence)
    }

    /// The rate is at least this; 0 where nothing is known.
    ///
    /// - Precondition: as ``upper(confidence:)``.
    package func lower(confidence: Double) -> Double {
        1 - Self.bound(count - events, events, weight: Self.nearRates, confidence)
    }

    /// Both at once, each with half of what may go wrong.
    package func bounds(confidence: Double) -> ClosedRange<Double> {
        let each = (1 + confidence) / 2
        let lower = lower(confidence: each)
        return lower...max(upper(confidence: each), lower)
    }

    /// The `a` of the upper bound: evenly over orders of magnitude, nearly.
    private static let smallRates = 0.5
    /// The same for the lower bound: most of it on rates up to an eighth above p.
    private static let nearRates = 8.0

    private static func bound(_ events: Int, _ others: Int, weight a: Double, _ confidence: Double) -> Double {
        precondition(confidence > 0 && confidence < 1, "a confidence of \(confidence)")
        let k = Double(events) + a
        let rest = Double(others)
        let needed = -log1p(-confidence)
        let fixed = log(a) + IncompleteBeta.logComplete(k, rest + 1)
        var low = 0.0
        var high = 1.0
        // The bound is rounded up, by less than a part in 10¹⁸ of 1.
        for _ in 0..<60 {
            let p = (low + high) / 2
            let evidence = fixed - k * log(p) - rest * log1p(-p) + IncompleteBeta.logRegularized(p, k, rest + 1)
            if evidence < needed { low = p } else { high = p }
        }
        return high
    }
}
