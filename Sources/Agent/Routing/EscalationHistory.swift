// SPDX-License-Identifier: Apache-2.0

/// How likely the gate is not to accept the next frame, learnt from the stream itself.
///
/// A frame stands in one of eight contexts: how the frame before went (accepted with a score at or above the usual, accepted below it, not accepted; nothing known)
/// and whether it shows the same scene. Each context counts, the last 64 or so, how often its frames were not accepted:
///
///     p = (not accepted + 2 q) / (frames + 2)        q: the same over all contexts, beginning at one half
package struct EscalationHistory: Hashable, Sendable {
    private struct Count: Hashable, Sendable {
        var escalated = 0.0
        var all = 0.0

        func share(prior: Double) -> Double { (escalated + 2 * prior) / (all + 2) }

        mutating func add(_ isEscalated: Bool) {
            let memory = 1 - 1.0 / 64
            escalated = escalated * memory + (isEscalated ? 1 : 0)
            all = all * memory + 1
        }
    }

    private enum Outcome: Int { case none, sure, unsure, escalated }

    private var counts = [Count](repeating: Count(), count: 8)
    private var overall = Count()
    private var last = Outcome.none
    private var context: Int?
    private var usualScore = RunningMean()

    package init() {}

    /// Whether enough frames went by to say anything.
    package var isKnown: Bool { overall.all >= 8 }

    package func probability(sameScene: Bool) -> Double {
        counts[Self.context(last, sameScene)].share(prior: overall.share(prior: 0.5))
    }

    /// A frame begins.
    mutating func begin(sameScene: Bool) { context = Self.context(last, sameScene) }

    /// And ends.
    mutating func end(accepted: Bool, score: Double) {
        if let context {
            counts[context].add(!accepted)
            overall.add(!accepted)
        }
        context = nil
        last = !accepted ? .escalated : score >= usualScore.value ? .sure : .unsure
        if accepted { usualScore.add(score) }
    }

    private static func context(_ last: Outcome, _ sameScene: Bool) -> Int { 2 * last.rawValue + (sameScene ? 1 : 0) }
}
