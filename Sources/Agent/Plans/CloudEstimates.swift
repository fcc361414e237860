// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What link and server are like, by what questions and answers took. Pure: times are seconds of any clock that doesn't go back.
package struct CloudEstimates: Sendable {
    /// What was sent and has no answer yet.
    private struct Open {
        var frame: UInt64
        var bytes: Int
        /// What the server takes at its own speed.
        var server: Double
        var sent: Double
        var isProbe: Bool
    }

    /// More are never under way; of more the oldest are forgotten.
    private static let mostOpen = 64

    private let assumptions: PlanAssumptions
    package private(set) var isConnected = false
    /// Of the network that is in use, or was last.
    package private(set) var radio: Radio
    private var links = LinkEstimates()
    private var server = ServerEstimate()
    private var open: [Open] = []
    private var connectedSince = 0.0
    /// When the last of those sent before had its answer: until then they had the uplink.
    private var freeSince = 0.0

    package init(_ assumptions: PlanAssumptions = PlanAssumptions()) {
        self.assumptions = assumptions
        radio = assumptions.radio
        open.reserveCapacity(Self.mostOpen)
    }

    /// Whether anybody answers.
    package mutating func setConnected(_ isConnected: Bool, at now: Double) {
        if isConnected, !self.isConnected { connectedSince = now }
        self.isConnected = isConnected
        // Their fate says nothing of the link's speed.
        if !isConnected { open.removeAll(keepingCapacity: true) }
    }

    /// The way to the cloud begins with this kind of network from now on: what is known of the link is what was learnt over such a one, or assumed of it.
    ///
    /// - Parameter network: `nil`: it isn't known, and the radio is the one that is assumed.
    package mutating func setNetwork(_ network: CloudStatus.Network?) {
        guard assumptions.followsNetwork else { return }
        let radio: Radio =
            switch network {
            case .wifi: .wifi
            case .cellular: .lte
            case .wired: .wired
            case nil: assumptions.radio
            }
        guard radio.name != self.radio.name else { return }
        self.radio = radio
        // They went another way.
        open.removeAll(keepingCapacity: true)
    }

    /// A question is handed to the link.
    ///
    /// - Parameters:
    ///   - server: seconds that its part of the network takes on the server, by the costs that plans are made of.
    ///   - isProbe: whether it is asked for the link's sake alone.
    package mutating func sent(_ frame: UInt64, bytes: Int, server: Double, isProbe: Bool = false, at now: Double) {
        open.removeAll { $0.frame == frame }
        if open.count == Self.mostOpen { open.removeFirst() }
        open.append(Open(frame: frame, bytes: bytes, server: server, sent: now, isProbe: isProbe))
    }

    /// The link has refused the question that it was handed.
    package mutating func refused(_ frame: UInt64) { open.removeAll { $0.frame == frame } }

    /// An answer has come, in time or not; also one to a question that was given up, of which nothing but the transfer is known.
    ///
    /// - Returns: whether the question was a probe.
    @discardableResult
    package mutating func answered(_ frame: UInt64, _ transfer: CloudTransfer?, at now: Double) -> Bool {
        let index = open.firstIndex { $0.frame == frame }
        let question = index.map { open.remove(at: $0) }
        if let transfer {
            let seconds = transfer.onTheWay.inSeconds
            // An answer to a question of an earlier connection has waited for this one, and may have gone another way.
            if seconds <= now - connectedSince { links[radio].observe(bytes: transfer.bytes, seconds: seconds, occupied: transfer.occupied?.inSeconds, at: now) }
            if let question {
                server.observe(transfer.inference.inSeconds, expected: question.server, queue: transfer.queue.inSeconds, isTrial: question.isProbe, at: now)
            }
        }
        freeSince = now
        return question?.isProbe ?? false
    }

    /// A question ends without an answer: it's cancelled, or too old. Where it took much longer than was expected, it's a transfer that took so long at least.
    ///
    /// - Parameters:
    ///   - isExcused: whether a worker has refused it, or the connection has ended, so that it says nothing of the link's speed.
    ///   - waited: how long it did there before.
    /// - Returns: whether the question was a probe.
    @discardableResult
    package mutating func ended(_ frame: UInt64, isExcused: Bool = false, waited: Double? = nil, at now: Double) -> Bool {
        guard let index = open.firstIndex(where: { $0.frame == frame }) else { return false }
        let isFirst = index == 0
        let question = open.remove(at: index)
        if isConnected, isFirst, !isExcused { links[radio] = link(with: question, at: now) }
        if let waited { server.refused(after: waited, expected: question.server, at: now) }
        freeSince = now
        return question.isProbe
    }

    private func link(with question: Open, at now: Double) -> LinkEstimate {
        let server = server.server(at: now)
        let onTheWay = now - max(question.sent, freeSince) - question.server * server.slowdown - server.queue.mean
        return links[radio].with(unansweredBytes: question.bytes, seconds: max(onTheWay, 0), at: now)
    }

    package var hasOpen: Bool { !open.isEmpty }
    /// Whether the link's latency and bandwidth were ever found apart.
    package var knowsLink: Bool { links[radio].isKnown }
    /// Whether the link or the server has become slow, or a question stayed without an answer, and all may be as it was again.
    package func isDoubtful(at now: Double) -> Bool { links[radio].isDoubtful || server.isSlow(at: now) }

    /// What is known at the moment, transfers that have no answer yet included; `nil` while nobody answers.
    package func link(at now: Double) -> Conditions.Link? {
        guard isConnected else { return nil }
        return (open.first.map { link(with: $0, at: now) } ?? links[radio]).link(at: now)
    }

    package func server(at now: Double) -> Conditions.Server { server.server(at: now) }

    /// Seconds since each was last observed; `nil` before.
    package func ages(at now: Double) -> (link: Double?, server: Double?) { (links[radio].age(at: now), server.age(at: now)) }
}

extension Duration {
    var inSeconds: Double { self / .seconds(1) }
}
