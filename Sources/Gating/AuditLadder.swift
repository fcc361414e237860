// SPDX-License-Identifier: Apache-2.0

/// Watches in the field whether a certificate still holds, and moves to a stricter rung of its gate when it doesn't, and back when it does again.
///
/// Pure: it is told what happened and when, and says what to do. Times count from any fixed moment and never go back.
///
/// - Of the frames that the gate accepts, a random share is audited: the full model is asked, and whether its answer is the same is all that is learnt. Which
///   frames depends on chance alone, never on a score. Frames of a stream resemble their neighbours, so audits keep a distance in time.
/// - What must keep to a limit is the share of all frames that are accepted with another answer than the full model gives for the upload. At the certified gate itself the limit
///   is the first certificate's ``Certificate/disagreementLimit``: the rate that was counted for it, in the same way, so that a change of it is noticed, and with it of harm, which
///   can exceed it by no more than the uploads that mislead the full model to the local answer. Once that is broken, nothing is known any more of how much of what differs is
///   harm, or loss. So a stricter rung has to keep to the certified bound itself: whatever part of it is harm, or loss, stays below the bound, but for what uploads mislead. Rungs that
///   differed more often when they were certified are passed over, but for the strictest: where even that one did, as happens with accuracy losses, which gains make up for, it has to
///   keep to its own certificate's limit. What keeps to a limit is the share of frames that are accepted, which is known without asking, times the share of audits that differ.
///   A ``DriftDetector`` for each rung sees the audits as if this rung had accepted. When the present one's sounds, the gate goes to the next rung whose own
///   doesn't, on probation, with more audits; behind the last one it is closed, and every frame goes to the cloud.
/// - What looser rungs would accept and the present one doesn't is sent to the cloud anyway. With these answers, and audits of the rest, a detector in the
///   other direction for each of them proves that it keeps to its limit; then the gate goes back to it, to the loosest that is proved. What is known of still looser ones
///   counts on. After each change there is a pause before such evidence counts, which doubles when a step back proves premature. The way back to the certified gate asks for no more
///   than staying there would have: its own limit.
/// - Without the cloud nothing can be learnt, and the gate stays where it is.
package struct AuditLadder: Sendable {
    package struct Settings: Hashable, Sendable {
        /// Of the accepted frames, those that are audited, 0 … 1; at 0 none ever is.
        package var share = 0.01
        /// The same while the gate is tightened: evidence for going back is worth more there.
        package var tightenedShare = 0.05
        /// The same on probation: for the first audits after a step to a stricter rung, which may be broken as well.
        package var probationShare = 0.25
        /// So many audits.
        package var probation = 1000
        /// Audits from one false alarm to the next, in the mean at least, and from one false step back to the next; at least 1.
        package var runLength = 10_000.0
        /// From one audit to the next, and from one frame to the next of those that count for going back: at least this.
        package var spacing = Duration.seconds(1)
        /// From any change until evidence for a step back counts; after steps that proved premature it grows to at most the other.
        package var pause = Duration.seconds(60)
        package var longestPause = Duration.seconds(3600)

        package init() {}
    }

    /// All scores are values of the certificate's measure; `rung` is the one at which the frame was read.
    package enum Event: Hashable, Sendable {
        /// The gate has spoken on a frame. The score is `nil` where there is none, which no gate accepts.
        case read(score: Double?, isAccepted: Bool)
        /// The full model has answered about a frame that was audited.
        case audited(score: Double, rung: Int, agrees: Bool)
        /// The full model has answered about a frame that the gate didn't accept.
        case escalated(score: Double, rung: Int, agrees: Bool)
    }

    package enum Action: Hashable, Sendable {
        /// Ask the full model about the frame that was read.
        case audit
        /// The gate is another one from now on.
        case move(Move)
    }

    package struct Move: Hashable, Sendable, CustomStringConvertible {
        package var from: Int
        package var to: Int
        /// How many rungs there are; `to` is this where the gate is closed.
        package var rungs: Int
        /// The audits on the rung that is left.
        package var interval: AuditInterval
        /// The share of frames that the rung that is left accepted lately.
        package var coverage: Double
        /// Of the looser one of the two.
        package var limit: Double
        /// Of the rung that is gone to; `nil` where the gate is closed.
        package var threshold: Double?

        package var isRelaxing: Bool { to < from }

        package var description: String {
            func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }
            if isRelaxing {
                return "the gate relaxes to rung \(to) of \(rungs): it accepts less than \(percent(limit)) of frames with another answer than the full model's"
            }
            let cause =
                "\(interval.events) of \(interval.count) audits differ from the full model, at \(percent(coverage)) of frames accepted; "
                + "\(percent(limit)) of frames are allowed"
            return to == rungs ? "the gate is closed, no stricter rung is left: \(cause)" : "the gate tightens to rung \(to) of \(rungs): \(cause)"
        }
    }

    package let settings: Settings
    /// The share of all frames that each rung may accept with another answer than the full model's: the bound behind the first one, unless that one's is smaller.
    private let limits: [Double]
    /// Whether each kept to its limit when it was certified; the strictest always counts as one that did.
    private let isUsable: [Bool]
    /// The present rung: 0 is the certified gate's own, ``rungs`` means that it is closed.
    package private(set) var rung = 0
    /// Audits of the present rung, since it was come to; an event is an answer that differs.
    package private(set) var interval = AuditInterval()
    /// All audits of the certificate, those before a restart as well; likewise the changes.
    package private(set) var total = AuditInterval()
    /// When the last audit was answered.
    package private(set) var lastAnswer: Duration?
    package private(set) var tightenings: UInt64 = 0
    package private(set) var relaxings: UInt64 = 0

    private let measure: Measure
    private let thresholds: [Double]
    /// The share of frames, of about the last ``shareMemory``, that each rung accepts or would accept.
    private var shares: [Double]
    private var frames = 50.0
    private static let shareMemory = 500.0
    /// One a rung.
    private var breaking: [DriftDetector]
    /// One a rung: those of the rungs before the present one are in use.
    private var holding: [DriftDetector]
    private var bands: [AuditBand]
    /// Whether the present rung was come to from a looser one.
    private var isOnProbation = false
    private var lastAudit: Duration?
    private var lastBetween: Duration?
    private var lastMove: Duration?
    private var lastRelaxing: Duration?
    private var pause: Duration

    /// - Returns: `nil` where the first certificate has no limit to hold audits against.
    package init?(_ gate: CertifiedGate, settings: Settings = Settings()) {
        let first = gate.rungs[0]
        guard first.disagreementLimit < 0.5 else { return nil }
        var limits = gate.rungs.indices.map { $0 == 0 ? first.disagreementLimit : min(first.bound, first.disagreementLimit) }
        var isUsable = zip(gate.rungs, limits).map { Double($0.disagreements) <= $1 * Double($0.samples) }
        let last = gate.rungs.count - 1
        if !isUsable[last] { limits[last] = min(gate.rungs[last].disagreementLimit, first.disagreementLimit) }
        isUsable[last] = true
        self.limits = limits
        self.isUsable = isUsable
        self.settings = settings
        measure = gate.rungs[0].measure
        thresholds = gate.rungs.map(\.threshold)
        shares = gate.rungs.map(\.coverage)
        breaking = limits.map { DriftDetector(.rise, of: $0, runLength: settings.runLength) }
        // Together they go back wrongly no more often than said.
        holding = limits.map { DriftDetector(.fall, of: $0, runLength: settings.runLength * Double(limits.count)) }
        bands = limits.map { _ in AuditBand() }
        pause = settings.pause
    }

    /// Begins where it isn't known any more which rung was the last: at the strictest one, on probation, from where only evidence leads back.
    ///
    /// Nothing speaks against a rung here, so the gate isn't closed: where the cloud is gone it would take the board's answers away, and it would spend the budget of
    /// questions where there is one. Should the strictest rung be broken as well, probation finds it soonest.
    ///
    /// - Returns: as ``init(_:settings:)``.
    package init?(cautiously gate: CertifiedGate, settings: Settings = Settings(), now: Duration) {
        self.init(gate, settings: settings)
        rung = rungs - 1
        isOnProbation = rung > 0
        lastMove = now
    }

    /// Goes on from what another one of the same gate remembers; other settings hold from now on.
    ///
    /// - Returns: `nil` where a ladder of this gate can't remember that, and as ``init(_:settings:)``.
    package init?(_ gate: CertifiedGate, settings: Settings = Settings(), from memory: AuditMemory, now: Duration) {
        self.init(gate, settings: settings)
        guard (0...rungs).contains(memory.rung), memory.shares.count == rungs, memory.shares.allSatisfy((0...1).contains),
            (1...Self.shareMemory).contains(memory.frames), [memory.breaking.count, memory.holding.count, memory.bands.count].allSatisfy({ $0 == rungs }), memory.ages.count == Self.times.count,
            memory.ages.allSatisfy({ $0.map { $0 >= .zero } ?? true })
        else { return nil }
        for index in breaking.indices {
            guard breaking[index].restore(memory.breaking[index]), holding[index].restore(memory.holding[index]), let band = AuditBand(memory.bands[index]) else { return nil }
            bands[index] = band
        }
        rung = memory.rung
        isOnProbation = memory.isOnProbation
        (interval, total) = (memory.interval, memory.total)
        (tightenings, relaxings) = (memory.tightenings, memory.relaxings)
        (frames, shares) = (memory.frames, memory.shares)
        pause = min(max(memory.pause, settings.pause), max(settings.longestPause, settings.pause))
        for (time, age) in zip(Self.times, memory.ages) { self[keyPath: time] = age.map { now - $0 } }
    }

    /// What another one needs to go on. It shares no memory with this one's counts of frames, which go on changing in place.
    package func memory(now: Duration) -> AuditMemory {
        AuditMemory(
            rung: rung, isOnProbation: isOnProbation, interval: interval, total: total, tightenings: tightenings, relaxings: relaxings, pause: pause,
            ages: Self.times.map { self[keyPath: $0].map { max(now - $0, .zero) } }, frames: frames, shares: shares.map { $0 }, bands: bands.map(\.memory),
            holding: holding.map(\.memory), breaking: breaking.map(\.memory))
    }

    /// In the order of ``AuditMemory/ages``.
    private static let times: [any WritableKeyPath<AuditLadder, Duration?> & Sendable] = [\.lastAnswer, \.lastAudit, \.lastBetween, \.lastMove, \.lastRelaxing]

    package var rungs: Int { thresholds.count }
    package var isClosed: Bool { rung == rungs }
    /// The share of all frames that the present rung may accept with another answer than the full model's; where the gate is closed, that of the strictest.
    package var limit: Double { limits[min(rung, rungs - 1)] }
    /// The share of frames that the present rung accepted lately.
    package var coverage: Double { isClosed ? 0 : shares[rung] }
    /// Of the accepted frames, those that are audited at the moment.
    private var share: Double {
        if rung == 0 { return settings.share }
        return isOnProbation && interval.count < settings.probation ? settings.probationShare : settings.tightenedShare
    }

    /// How near the present rung's alarm is, 0 … 1; 1 where the gate is closed.
    package var suspicion: Double { isClosed ? 1 : min(breaking[rung].evidence / settings.runLength, 1) }

    /// Audits until the present rung's alarm, in the mean at most, once the share of all frames that it accepts with another answer than the full model's is
    /// `disagreement`, at the coverage of the moment. `nil` where that is too near the limit to be noticed for sure, or below it, or the gate is closed.
    package func delay(disagreement: Double) -> Double? {
        guard !isClosed, disagreement > limit, shares[rung] >= disagreement else { return nil }
        return breaking[rung].delay(mean: disagreement, of: most)
    }

    /// The largest loss that an audit can bring: the share of frames that the present rung accepts.
    private var most: Double { min(max(shares[rung], 2 * limit), 1) }

    /// Takes in what happened at `now`. Allocates nothing but for a ``Move``.
    ///
    /// - Parameter random: what the draw of audits comes from.
    package mutating func handle(_ event: Event, now: Duration, using random: inout some RandomNumberGenerator) -> Action? {
        switch event {
        case .read(let score, let isAccepted):
            count(score, isAccepted: isAccepted)
            guard isAccepted else { return nil }
            // Drawn before anything else is looked at.
            let isDrawn = Double.random(in: 0..<1, using: &random) < share
            guard isDrawn, isOver(settings.spacing, since: lastAudit, now) else { return nil }
            lastAudit = now
            return .audit
        case .audited(let score, let origin, let agrees):
            lastAnswer = now
            total.add(!agrees)
            // What a stricter rung drew says too little about the present one.
            guard !isClosed, origin == rung || origin < rung && accepts(score, at: rung) else { return nil }
            interval.add(!agrees)
            let most = most
            for index in rung..<rungs {
                let isCounted = index == rung || accepts(score, at: index)
                breaking[index].add(isCounted && !agrees ? shares[rung] : 0, of: most)
            }
            if breaking[rung].isAlarmed { return .move(tighten(now)) }
            guard rung > 0, isOver(pause, since: lastMove, now) else { return nil }
            for index in 0..<rung { bands[index].addAccepted(differs: !agrees) }
            return relaxIfProved(now)
        case .escalated(let score, let origin, let agrees):
            guard rung > 0, origin == rung, accepts(score, at: 0), isOver(pause, since: lastMove, now),
                isOver(settings.spacing, since: lastBetween, now)
            else { return nil }
            lastBetween = now
            for index in 0..<rung where accepts(score, at: index) { bands[index].addBetween(differs: !agrees) }
            return relaxIfProved(now)
        }
    }

    private func isOver(_ time: Duration, since start: Duration?, _ now: Duration) -> Bool { start.map { now - $0 >= time } ?? true }

    private func accepts(_ score: Double, at rung: Int) -> Bool {
        measure.risesWithConfidence ? score >= thresholds[rung] : score <= thresholds[rung]
    }

    private mutating func count(_ score: Double?, isAccepted: Bool) {
        frames = min(frames + 1, Self.shareMemory)
        for index in shares.indices {
            let byScore = score.map { accepts($0, at: index) } ?? false
            let isCounted = index == rung ? isAccepted : index < rung ? isAccepted || byScore : isAccepted && byScore
            shares[index] += ((isCounted ? 1 : 0) - shares[index]) / frames
        }
    }

    private mutating func tighten(_ now: Duration) -> Move {
        let isPremature = lastRelaxing.map { now - $0 < pause * 4 } ?? false
        pause = isPremature ? min(pause * 2, settings.longestPause) : settings.pause
        tightenings += 1
        let next = (rung + 1..<rungs).first { isUsable[$0] && !breaking[$0].isAlarmed } ?? rungs
        for index in holding.indices { holding[index].restart() }
        return move(to: next, now)
    }

    private mutating func relaxIfProved(_ now: Duration) -> Action? {
        let inside = coverage
        for index in 0..<rung where index == 0 || isUsable[index] {
            let (limit, between) = (limits[index], max(shares[index] - inside, 0))
            guard let loss = bands[index].loss(inside: inside, between: between, rare: limit / 10),
                holding[index].add(min(loss, 1), of: min(max(inside + between, 2 * limit), 1))
            else { continue }
            relaxings += 1
            lastRelaxing = now
            for index in index..<rung {
                breaking[index].restart()
                holding[index].restart()
            }
            return .move(move(to: index, now))
        }
        return nil
    }

    private mutating func move(to next: Int, _ now: Duration) -> Move {
        let move = Move(
            from: rung, to: next, rungs: rungs, interval: interval, coverage: coverage, limit: limits[min(rung, next)],
            threshold: next < rungs ? thresholds[next] : nil)
        isOnProbation = next > rung
        rung = next
        lastMove = now
        interval = AuditInterval()
        for index in bands.indices { bands[index] = AuditBand() }
        return move
    }
}
