// SPDX-License-Identifier: Apache-2.0

/// How fast the server is and how long requests wait there, by what its newest 16 answers say. Two in a row that took more than twice, or less than half of what was
/// usual, wait included, begin anew; of quicker ones, the first one after a silence does: what was known is old.
package struct ServerEstimate: Hashable, Sendable {
    private struct Answer: Hashable, Sendable {
        var factor: Double
        var queue: Double
    }

    /// After so many seconds without an answer nothing is known any more, so that a server that was overloaded gets another chance.
    package static let memory = 300.0
    /// So many seconds without an answer are a silence.
    package static let silence = 1.0
    private var answers = Recent<Answer>(capacity: 16)
    /// The quickest that was ever known.
    private var quickest: Conditions.Server?
    /// What the newest answer's part takes by the ``CostTable``.
    private var newest = 0.0

    package init() {}

    /// - Parameters:
    ///   - seconds: what the server took for its part.
    ///   - expected: what that takes by the ``CostTable``.
    ///   - queue: what the request waited. What isn't above 0, or 0 of the wait, is from a damaged answer and says nothing.
    package mutating func observe(_ seconds: Double, expected: Double, queue: Double, at time: Double) {
        let factor = seconds / expected
        guard factor > 0, factor.isFinite, queue >= 0, queue.isFinite else { return }
        let (took, usual) = (seconds + queue, server(at: time).time(of: expected))
        if took < usual / 2, let age = answers.age(at: time), age >= Self.silence { answers.forget() }
        answers.add(Answer(factor: factor, queue: queue), at: time, isStrange: !answers.observations.isEmpty && max(took, usual) > 2 * min(took, usual))
        newest = expected
        let server = server(at: time)
        if quickest.map({ server.time(of: expected) < $0.time(of: expected) }) ?? true { quickest = server }
    }

    package func server(at now: Double) -> Conditions.Server {
        let known = answers.values(at: now, within: Self.memory)
        guard let slowdown = known.map(\.factor).median else { return Conditions.Server() }
        return Conditions.Server(slowdown: slowdown, queue: Octiles(of: known.map(\.queue)))
    }

    /// Whether it takes more than twice as long as it once did, and may be as it was again.
    package func isSlow(at now: Double) -> Bool { quickest.map { server(at: now).time(of: newest) > 2 * $0.time(of: newest) } ?? false }

    /// Seconds since the newest answer; `nil` before the first.
    package func age(at now: Double) -> Double? { answers.age(at: now) }
}

extension Conditions.Server {
    /// Seconds from the request's coming to its answer's going.
    fileprivate func time(of expected: Double) -> Double { slowdown * expected + queue.mean }
}
