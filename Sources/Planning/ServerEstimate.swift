// SPDX-License-Identifier: Apache-2.0

/// How fast the server is and how long requests wait there, by what its newest 16 answers say. Two in a row that took more than twice, or less than half of what was
/// usual, wait included, begin anew; the answer to a trial does at once where it was quick.
package struct ServerEstimate: Hashable, Sendable {
    private struct Answer: Hashable, Sendable {
        var factor: Double
        var queue: Double
    }

    /// The quickest that was known, and when the server last was about as quick.
    private struct Quickest: Hashable, Sendable {
        var server: Conditions.Server
        var time: Double
    }

    /// After so many seconds without an answer nothing is known any more, so that a server that was overloaded gets another chance; after so many of answers that are all
    /// slower than once, that is how the server is.
    package static let memory = 300.0
    private var answers = Recent<Answer>(capacity: 16)
    private var quickest: Quickest?
    /// What the newest answer's part takes by the ``CostTable``.
    private var newest = 0.0

    package init() {}

    /// - Parameters:
    ///   - seconds: what the server took for its part.
    ///   - expected: what that takes by the ``CostTable``.
    ///   - queue: what the request waited. What isn't above 0, or 0 of the wait, is from a damaged answer and says nothing.
    ///   - isTrial: whether it was asked to see what the server is like.
    package mutating func observe(_ seconds: Double, expected: Double, queue: Double, isTrial: Bool = false, at time: Double) {
        let factor = seconds / expected
        guard seconds > 0, expected > 0, factor > 0, factor.isFinite, queue >= 0, queue.isFinite else { return }
        let (took, usual) = (seconds + queue, server(at: time).time(of: expected))
        if isTrial, took < usual / 2 { answers.forget() }
        answers.add(Answer(factor: factor, queue: queue), at: time, isStrange: !answers.observations.isEmpty && max(took, usual) > 2 * min(took, usual))
        newest = expected
        let server = server(at: time)
        guard let quickest, time - quickest.time <= Self.memory, server.time(of: expected) >= quickest.server.time(of: expected) else {
            self.quickest = Quickest(server: server, time: time)
            return
        }
        if !isSlow(at: time) { self.quickest?.time = time }
    }

    /// A request was refused: it would have waited for so many seconds at least. Otherwise only those that others let through would be seen.
    package mutating func refused(after waited: Double, expected: Double, at time: Double) {
        let server = server(at: time)
        guard waited > server.queue.mean else { return }
        observe(server.slowdown * expected, expected: expected, queue: waited, at: time)
    }

    package func server(at now: Double) -> Conditions.Server {
        let known = answers.values(at: now, within: Self.memory)
        guard let slowdown = known.map(\.factor).median else { return Conditions.Server() }
        return Conditions.Server(slowdown: slowdown, queue: Octiles(of: known.map(\.queue)))
    }

    /// Whether it takes more than twice as long as it did not long ago, and may be as it was again.
    package func isSlow(at now: Double) -> Bool {
        guard let quickest, now - quickest.time <= Self.memory, let age = age(at: now), age <= Self.memory else { return false }
        return server(at: now).time(of: newest) > 2 * quickest.server.time(of: newest)
    }

    /// Seconds since the newest answer; `nil` before the first.
    package func age(at now: Double) -> Double? { answers.age(at: now) }
}

extension Conditions.Server {
    /// Seconds from the request's coming to its answer's going.
    fileprivate func time(of expected: Double) -> Double { slowdown * expected + queue.mean }
}
