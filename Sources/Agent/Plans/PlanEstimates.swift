// SPDX-License-Identifier: Apache-2.0
package import Planning
package import Settings

/// What board, link and server are like, by what frames and answers took. Pure: times are seconds of any clock that doesn't go back.
package struct PlanEstimates: Sendable {
    package struct Settings: Hashable, Sendable {
        /// Assumed of the network before anything was sent over it, with its name and the powers of its states.
        package var radio: Radio
        /// Whether another kind of network brings another radio.
        package var followsNetwork = false
        /// Watts that computing draws, beside what the board draws anyway.
        package var power: Double
        /// From frame to frame, before any came.
        package var framePeriod: Double
        /// Whether the source waits until there is room for a frame.
        package var framesWait = false

        package init(radio: Radio = .wifi, power: Double = 3, framePeriod: Double = 0.1) {
            (self.radio, self.power, self.framePeriod) = (radio, power, framePeriod)
        }

        package init(_ settings: PlanSettings) {
            let radio: Radio =
                switch settings.radio {
                case .auto, .wifi: .wifi
                case .lte: .lte
                case .threeG: .threeG
                case .wired: .wired
                }
            self.init(radio: radio, power: settings.power)
            followsNetwork = settings.radio == .auto
        }
    }

    /// What was sent and has no answer yet.
    private struct Open {
        var frame: UInt64
        var bytes: Int
        /// What the server takes at its own speed.
        var server: Double
        var sent: Double
        var isProbe: Bool
    }

    /// Seconds since each was last observed; `nil` before.
    package struct Ages: Hashable, Sendable {
        package var board: Double?
        package var link: Double?
        package var server: Double?
    }

    /// A pause is longer than so many periods.
    private static let pause = 8.0
    private static let periods = 64.0
    /// More are never under way; of more the oldest are forgotten.
    private static let mostOpen = 64

    package let settings: Settings
    package private(set) var isConnected = false
    /// Of the network that is in use, or was last.
    package private(set) var radio: Radio
    private var board = BoardEstimate()
    private var links = LinkEstimates()
    private var server = ServerEstimate()
    private var period: RunningMean
    private var lastTaken: Double?
    private var pauses = 0
    private var open: [Open] = []
    private var connectedSince = 0.0
    /// When the last of those sent before had its answer: until then they had the uplink.
    private var freeSince = 0.0

    package init(_ settings: Settings = Settings()) {
        self.settings = settings
        radio = settings.radio
        period = RunningMean(settings.framePeriod, memory: Self.periods)
        open.reserveCapacity(Self.mostOpen)
    }

    /// A frame is taken up.
    package mutating func taken(at now: Double) {
        defer { lastTaken = now }
        guard let lastTaken else { return }
        let gap = now - lastTaken
        // One pause says nothing of the frames before and after it; two are another pace.
        pauses = gap > Self.pause * period.value ? pauses + 1 : 0
        if pauses == 2 { period = RunningMean(gap, memory: Self.periods) }
        if pauses != 1 { period.add(gap) }
        if pauses == 2 { pauses = 0 }
    }

    /// The board has run a part of the network.
    ///
    /// - Parameter expected: what that takes by the costs that plans are made of.
    package mutating func ran(_ seconds: Double, expected: Double, at now: Double) { board.observe(seconds, expected: expected, at: now) }

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
        guard settings.followsNetwork else { return }
        let radio: Radio =
            switch network {
            case .wifi: .wifi
            case .cellular: .lte
            case .wired: .wired
            case nil: settings.radio
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
            if let question { server.observe(transfer.inference.inSeconds, expected: question.server, queue: transfer.queue.inSeconds, at: now) }
        }
        freeSince = now
        return question?.isProbe ?? false
    }

    /// A question ends without an answer: it's cancelled, or too old. Where it took much longer than was expected, it's a transfer that took so long at least.
    ///
    /// - Parameter isHeard: whether a worker has refused it, so that it isn't the link's fault.
    /// - Returns: whether the question was a probe.
    @discardableResult
    package mutating func ended(_ frame: UInt64, isHeard: Bool = false, at now: Double) -> Bool {
        guard let index = open.firstIndex(where: { $0.frame == frame }) else { return false }
        let isFirst = index == 0
        let question = open.remove(at: index)
        if isConnected, isFirst, !isHeard { links[radio] = link(with: question, at: now) }
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
    /// Whether the link has become slow, or a question stayed without an answer, and all may be as it was again.
    package var doubtsLink: Bool { links[radio].isDoubtful }

    /// What is known at the moment, transfers that have no answer yet included.
    package func conditions(at now: Double) -> Conditions {
        var link: Conditions.Link?
        if isConnected { link = (open.first.map { self.link(with: $0, at: now) } ?? links[radio]).link(at: now) }
        return Conditions(board: board.board(power: settings.power, at: now), link: link, server: server.server(at: now), framePeriod: max(period.value, 0.001), framesWait: settings.framesWait)
    }

    package func ages(at now: Double) -> Ages {
        Ages(board: board.age(at: now), link: links[radio].age(at: now), server: server.age(at: now))
    }
}

extension Duration {
    var inSeconds: Double { self / .seconds(1) }
}
