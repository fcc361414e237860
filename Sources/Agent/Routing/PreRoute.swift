// SPDX-License-Identifier: Apache-2.0
package import Images

/// What is done with a frame before the board's network has seen it: from a glance at the pixels, from how the last frames went, and from the link.
///
/// - ``Route/sendAtOnce``: the frame goes to the cloud beside the board's network. With `p` the probability that the gate will not accept, `t` the time of the
///   board's network, `d` the deadline, `a(x)` the share of answers that arrive within `x`, and `b` the bytes of a question, that is when
///
///       p · (a(d − t) · t + (a(d) − a(d − t)) · d) · w · l  >  (1 − p) · b
///
///   where `w` says how many wasted bytes a second is worth, and `l` is the share of the budget that is left; and at least half of the answers arrive in time.
/// - ``Route/keepBack(_:)``: the cloud isn't asked even where the gate doesn't accept: there is nothing to see, or answers come too late
///   to be of use. Now and then one frame tries the link all the same.
///
/// Pure, and allocates nothing after `init`. The board's network runs on every frame, whatever the route.
package struct PreRoute: Sendable {
    package enum Route: Hashable, Sendable {
        case compute
        case sendAtOnce
        case keepBack(Reason)
    }

    /// Why the cloud isn't asked.
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        case nothingToSee = "kept back: nothing to see"
        case blurred = "kept back: blurred"
        case tooSlow = "kept back: answers come too late"
    }

    package struct Settings: Hashable, Sendable {
        package var deadline: Duration
        package var expiry: Duration
        /// Without it no frame is sent at once.
        package var speculates: Bool
        /// What an answer a second sooner is worth, in bytes sent for nothing.
        package var bytesPerSavedSecond: Double
        /// Below it (``PixelStatistics/contrast``) an image is black, or one colour.
        package var leastContrast = 2.0
        /// Below it (``PixelStatistics/sharpness``) there is no edge anywhere: rounding to 8 bits alone gives a colour image 0.6.
        package var leastSharpness = 0.75

        package init(deadline: Duration, expiry: Duration, speculates: Bool = false, bytesPerSavedSecond: Double = 1_000_000) {
            self.deadline = deadline
            self.expiry = max(expiry, deadline)
            self.speculates = speculates
            self.bytesPerSavedSecond = bytesPerSavedSecond
        }
    }

    /// The state of the link.
    package struct Link: Hashable, Sendable {
        /// Workers answer; the breaker is closed.
        package var isConnected: Bool
        /// Whether another question may be under way.
        package var hasRoom: Bool
        /// The smallest share of a budget that is left, 0 … 1.
        package var budgetLeft: Double

        package init(isConnected: Bool = true, hasRoom: Bool = true, budgetLeft: Double = 1) {
            self.isConnected = isConnected
            self.hasRoom = hasRoom
            self.budgetLeft = budgetLeft
        }
    }

    package let settings: Settings
    package private(set) var history: EscalationHistory
    package private(set) var arrivals = ArrivalTimes()
    private var computing = RunningMean()
    private var bytes: RunningMean
    private var asked: [(frame: UInt64, at: Duration)] = []
    private var lastAsked: Duration?
    /// The image of the frame before.
    private var before: PixelStatistics?

    /// Of two such images the second shows the same scene.
    static let sameScene = 4.0
    /// So many answers say what the link is like.
    private static let leastArrivals = 8
    /// Fewer in time than this share: the link is of no use.
    private static let hopeless = 0.1
    /// What is remembered of questions under way; more are never.
    private static let mostAsked = 64

    /// - Parameter bytes: of a question, as far as is known before the first.
    package init(_ settings: Settings, bytes: Double = 20_000) {
        self.settings = settings
        history = EscalationHistory()
        self.bytes = RunningMean(bytes)
        asked.reserveCapacity(Self.mostAsked)
    }

    /// Whether, as things are, the gate will not accept the next frame, 0 … 1; the frame is of the same scene or not.
    package func escalationProbability(sameScene: Bool) -> Double { history.probability(sameScene: sameScene) }

    /// Decides on a frame; its ``computed(accepted:score:after:)`` follows before the next.
    package mutating func route(_ image: PixelStatistics, link: Link, now: Duration) -> Route {
        expire(now)
        let isSame = before.map { image.difference(from: $0) < Self.sameScene } ?? false
        before = image
        history.begin(sameScene: isSame)
        if let reason = emptiness(of: image) { return .keepBack(reason) }
        if isHopeless, lastAsked.map({ now - $0 < probeInterval }) ?? false { return .keepBack(.tooSlow) }
        return paysToSend(history.probability(sameScene: isSame), link) ? .sendAtOnce : .compute
    }

    /// Why an image isn't worth asking about, whatever the link is like; `nil` where it may be.
    package func emptiness(of image: PixelStatistics) -> Reason? {
        if !(image.contrast >= settings.leastContrast) { return .nothingToSee }
        if !(image.sharpness >= settings.leastSharpness) { return .blurred }
        return nil
    }

    private var isHopeless: Bool {
        arrivals.count >= Self.leastArrivals && arrivals.share(within: settings.expiry - computing.time) < Self.hopeless
    }

    /// So long after a question a link that is too slow is tried again.
    package var probeInterval: Duration { max(settings.expiry * 5, .seconds(10)) }

    private func paysToSend(_ probability: Double, _ link: Link) -> Bool {
        guard settings.speculates, link.isConnected, link.hasRoom, arrivals.count >= Self.leastArrivals, history.isKnown else { return false }
        let deadline = settings.deadline / .seconds(1)
        let time = min(computing.value, deadline)
        let now = arrivals.share(within: settings.deadline)
        let later = arrivals.share(within: settings.deadline - computing.time)
        guard now >= 0.5 else { return false }
        let saved = later * time + (now - later) * deadline
        return probability * saved * settings.bytesPerSavedSecond * link.budgetLeft > (1 - probability) * bytes.value
    }

    /// The board's network and the gate have spoken on the frame that was routed last.
    ///
    /// - Parameters:
    ///   - score: the higher the surer, 0 … 1; `nil` where the network failed.
    ///   - time: that the network took.
    package mutating func computed(accepted: Bool, score: Double?, after time: Duration) {
        history.end(accepted: accepted, score: score ?? 0)
        computing.add(time / .seconds(1))
    }

    /// A question was asked.
    package mutating func asked(_ frame: UInt64, now: Duration) {
        lastAsked = now
        if asked.count == Self.mostAsked { asked.removeFirst() }
        asked.append((frame, now))
    }

    /// Its image is compressed.
    package mutating func compressed(bytes count: Int) { bytes.add(Double(count)) }

    package mutating func answered(_ frame: UInt64, now: Duration) {
        guard let index = asked.firstIndex(where: { $0.frame == frame }) else { return }
        arrivals.add(now - asked.remove(at: index).at)
    }

    /// The question was refused, or nobody answered: that says something of the link's speed only where it took all the time that there was.
    package mutating func unanswered(_ frame: UInt64, now: Duration) {
        guard let index = asked.firstIndex(where: { $0.frame == frame }) else { return }
        let time = now - asked.remove(at: index).at
        if time >= (settings.expiry - computing.time) * 0.9 { arrivals.addLost() }
    }

    private mutating func expire(_ now: Duration) {
        while let first = asked.first, now - first.at >= settings.expiry {
            asked.removeFirst()
            arrivals.addLost()
        }
    }
}

/// The mean of about the last values, sixteen by default.
struct RunningMean: Hashable, Sendable {
    private(set) var value: Double
    private var count = 0.0
    private let memory: Double

    init(_ first: Double = 0, memory: Double = 16) {
        value = first
        self.memory = memory
    }

    mutating func add(_ next: Double) {
        guard next.isFinite else { return }
        count = min(count + 1, memory)
        value += (next - value) / count
    }

    var time: Duration { .seconds(value) }
}
