// SPDX-License-Identifier: Apache-2.0

/// How fast the server is and how long requests wait there, by what its newest 16 answers say; two in a row that are twice as fast, or half as fast, as was
/// usual begin anew.
package struct ServerEstimate: Hashable, Sendable {
    private struct Answer: Hashable, Sendable {
        var factor: Double
        var queue: Double
    }

    /// After so many seconds without an answer nothing is known any more, so that a server that was overloaded gets another chance.
    package static let memory = 300.0
    private var answers = Recent<Answer>(capacity: 16)

    package init() {}

    /// - Parameters:
    ///   - seconds: what the server took for its part.
    ///   - expected: what that takes by the ``CostTable``.
    ///   - queue: what the request waited. What isn't above 0, or 0 of the wait, is from a damaged answer and says nothing.
    package mutating func observe(_ seconds: Double, expected: Double, queue: Double, at time: Double) {
        let factor = seconds / expected
        guard factor > 0, factor.isFinite, queue >= 0, queue.isFinite else { return }
        let usual = server(at: time).slowdown
        answers.add(Answer(factor: factor, queue: queue), at: time, isStrange: !answers.observations.isEmpty && max(factor, usual) > 2 * min(factor, usual))
    }

    package func server(at now: Double) -> Conditions.Server {
        let known = answers.values(at: now, within: Self.memory)
        guard let slowdown = known.map(\.factor).median else { return Conditions.Server() }
        return Conditions.Server(slowdown: slowdown, queue: Octiles(of: known.map(\.queue)))
    }

    /// Seconds since the newest answer; `nil` before the first.
    package func age(at now: Double) -> Double? { answers.age(at: now) }
}
