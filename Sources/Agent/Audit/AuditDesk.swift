// SPDX-License-Identifier: Apache-2.0
internal import Answers
internal import Gating
internal import Logging
internal import Settings
internal import Synchronization
internal import Threads

/// The shell around ``AuditLadder``: its lock, its clock, its random numbers, the frames whose answers it waits for, its file and the thread that writes it. Calls come
/// from any thread, and none waits for the file.
final class AuditDesk: Sendable {
    /// Whether the full model is asked about a frame that the gate has spoken on anyway.
    enum Asked {
        case not
        /// Before the gate spoke, on whose word it doesn't depend. Where the gate accepts, the answer is only compared, so that it serves an audit as well.
        case inAdvance
        /// Its answer decides, also about a frame that the gate accepts, in an unsure stretch of a stream: that is never an audit.
        case toDecide
    }

    /// A frame that the full model was asked about.
    fileprivate struct Question {
        var frame: UInt64
        var classIndex: Int
        var score: Double
        var rung: Int
        /// Somebody else has asked it, and waits for the answer, too.
        var isShared = false
    }

    /// An answer that came before the gate had spoken on its frame.
    fileprivate struct Early {
        var frame: UInt64
        /// `nil`: it is evidence of nothing.
        var classIndex: Int?
        var counts: Bool
    }

    fileprivate struct State {
        var ladder: AuditLadder
        /// One at a time, so that audits take little from what recovery may have under way.
        var audit: Question?
        /// The newest of the frames that were asked about because the gate didn't accept them.
        var escalated: [Question] = []
        var next = 0
        /// The newest answers that nobody has asked for yet.
        var early: [Early] = []
        var nextEarly = 0
        var asked: UInt64 = 0
        var unanswered: UInt64 = 0
        /// Answers to audits by a model that the certificate isn't about.
        var uncounted: UInt64 = 0
        /// Nothing is audited before.
        var quietUntil = Duration.zero
        var schedule: AuditSchedule
        var isClosing = false
        /// In the order of the moves, under the lock: it must be quick, and not call back.
        var onMove: (@Sendable (AuditLadder.Move) -> Void)?
    }

    private static let remembered = 16
    /// After an answer that doesn't count the next audit is so much later: it would hardly count either.
    private static let quietTime = Duration.seconds(60)

    /// One a rung, and the closed one.
    let gates: [Gate]
    private let measure: Measure
    private let clock: AgentClock
    private let state: Monitor<State>
    private let present: Atomic<Int>
    private let keeper: WorkerThread?

    /// Takes up what the folder holds of earlier audits of the same certificate.
    ///
    /// - Parameters:
    ///   - folder: `nil`: nothing outlasts a restart.
    ///   - certificate: names what was proved; what is stored about another one is discarded.
    ///   - boot: names the present boot, which `clock` counts from.
    ///   - onMove: called with each move in their order, under the desk's lock: it must be quick, and not call back.
    /// - Returns: `nil` where the certificate gives audits nothing to be held against.
    /// - Throws: where the folder can't be used.
    init?(
        _ gate: CertifiedGate, settings: AuditLadder.Settings, folder: String?, certificate: String, boot: String = StateFile.boot(), clock: AgentClock,
        log: AgentLog, onMove: @escaping @Sendable (AuditLadder.Move) -> Void
    ) throws(AgentError) {
        guard let fresh = AuditLadder(gate, settings: settings) else { return nil }
        let file: StateFile? = if let folder { try StateFile("audit", in: folder, of: "what audits find") } else { nil }
        let now = clock.now()
        var initial = State(ladder: fresh, schedule: AuditSchedule(now: now), onMove: onMove)
        initial.escalated.reserveCapacity(Self.remembered)
        initial.early.reserveCapacity(Self.remembered)
        switch file?.read(atMost: AuditRecord.mostBytes, AuditRecord.init) {
        case nil: log.write(.notice, "audit: the gate begins as certified with each start: the settings name no folder for its state")
        case .nothing?: break
        case .record(let record)? where record.certificate != certificate:
            log.write(.notice, "audit: what is stored is about another certificate, and is discarded: the gate begins as certified")
            initial.schedule.note(.move, now: now)
        case .record(let record)?:
            if let ladder = AuditLadder(gate, settings: settings, from: record.memory(boot: boot, now: now), now: now) {
                initial.ladder = ladder
                if ladder.rung > 0 { log.write(.warning, "audit: the gate goes on \(ladder.place), where audits have put it") }
            } else {
                initial.beginCautiously(gate, settings, "what is stored can't be true of the certificate", now, log)
            }
        case .damaged(let reason)?: initial.beginCautiously(gate, settings, reason, now, log)
        }
        gates = gate.rungs.map { .threshold($0.measure, $0.threshold) } + [.any([])]
        measure = gate.rungs[0].measure
        self.clock = clock
        present = Atomic(initial.ladder.rung)
        let state = Monitor(initial)
        self.state = state
        keeper =
            if let file {
                try WorkerThread.ofAgent("swiftlet-audit") {
                    Self.keep(state, clock, log) { now, memory in
                        file.write(AuditRecord(certificate: certificate, boot: boot, time: now, memory: memory).bytes)
                    }
                }
            } else {
                nil
            }
    }

    /// The rung of the moment; waits for nothing.
    var rung: Int { present.load(ordering: .relaxed) }

    func gate(at rung: Int) -> Gate { gates[rung] }

    /// The gate of `rung` has spoken on a frame.
    ///
    /// - Returns: the score where the frame is to be audited and nobody has asked: ask the full model, and tell ``answered(_:_:counts:)`` or ``unanswered(_:)``.
    func read(_ frame: UInt64, _ reading: Reading, rung: Int, asked: Asked) -> Double? {
        // One look's score is another quantity than the certificate's of two.
        let score = reading.verdict == .escalate(.noSecondLook) ? nil : reading.confidence?[measure]
        let isAccepted = reading.verdict.accepts && asked != .toDecide
        return state.withLock { state in
            let action = handle(.read(score: score, isAccepted: isAccepted), in: &state)
            let early = asked == .not ? nil : state.takeEarly(frame)
            guard let score, let confidence = reading.confidence else { return nil }
            let question = Question(frame: frame, classIndex: confidence.classIndex, score: score, rung: rung, isShared: asked != .not)
            if case .audit? = action, state.audit == nil, state.quietUntil <= clock.now() {
                state.asked += 1
                guard let early else {
                    state.audit = question
                    return asked == .not ? score : nil
                }
                audited(question, early.classIndex, counts: early.counts, in: &state)
                return nil
            }
            // An accepted frame that wasn't drawn is no evidence, whoever asks: only what is drawn at random is fair.
            guard asked != .not, !isAccepted else { return nil }
            if let early {
                escalated(question, early.classIndex, in: &state)
            } else {
                if state.escalated.count < Self.remembered { state.escalated.append(question) } else { state.escalated[state.next] = question }
                state.next = (state.next + 1) % Self.remembered
            }
            return nil
        }
    }

    /// A full model has answered about a frame.
    ///
    /// - Parameter counts: whether it may be the model that the certificate is about. What another one says is evidence neither for nor against it.
    /// - Returns: whether it was an audit, which decides nothing, and nothing else.
    func answered(_ frame: UInt64, _ answer: Answer, counts: Bool) -> Bool {
        defer { wake() }
        return state.withLock { state in
            // Boxes are compared with nothing yet.
            let answer: Int? = if counts, case .classification(let classification) = answer { classification.classIndex } else { nil }
            if let audit = state.audit, audit.frame == frame {
                state.audit = nil
                audited(audit, answer, counts: counts, in: &state)
                return !audit.isShared
            }
            if let index = state.escalated.firstIndex(where: { $0.frame == frame && $0.rung >= 0 }) {
                let question = state.escalated[index]
                // Each counts once.
                state.escalated[index].rung = -1
                escalated(question, answer, in: &state)
            } else {
                let early = Early(frame: frame, classIndex: answer, counts: counts)
                if state.early.count < Self.remembered { state.early.append(early) } else { state.early[state.nextEarly] = early }
                state.nextEarly = (state.nextEarly + 1) % Self.remembered
            }
            return false
        }
    }

    /// - Parameter answer: the full model's class; `nil`: nothing to compare with.
    private func audited(_ question: Question, _ answer: Int?, counts: Bool, in state: inout State) {
        if !counts {
            state.uncounted += 1
            state.quietUntil = clock.now() + Self.quietTime
        }
        if let answer { handle(.audited(score: question.score, rung: question.rung, agrees: question.classIndex == answer), in: &state) }
    }

    private func escalated(_ question: Question, _ answer: Int?, in state: inout State) {
        if let answer { handle(.escalated(score: question.score, rung: question.rung, agrees: question.classIndex == answer), in: &state) }
    }

    /// The full model won't answer.
    ///
    /// - Returns: whether it was an audit, and nothing else.
    @discardableResult
    func unanswered(_ frame: UInt64) -> Bool {
        state.withLock { state in
            guard let audit = state.audit, audit.frame == frame else { return false }
            state.audit = nil
            state.unanswered += 1
            return !audit.isShared
        }
    }

    @discardableResult
    private func handle(_ event: AuditLadder.Event, in state: inout State) -> AuditLadder.Action? {
        var random = SystemRandomNumberGenerator()
        let now = clock.now()
        let action = state.ladder.handle(event, now: now, using: &random)
        if case .move(let move)? = action {
            present.store(move.to, ordering: .relaxed)
            state.onMove?(move)
            state.schedule.note(.move, now: now)
        } else if let news = event.news {
            state.schedule.note(news, now: now)
        }
        return action
    }

    /// Lets the thread that writes look at the clock again.
    func wake() { if keeper != nil { state.wakeAll() } }

    /// Stores what is known. What is learnt after it is lost.
    func close(timeout: Duration) {
        state.change { $0.isClosing = true }
        keeper?.join(timeout: timeout)
    }

    /// The thread that writes.
    ///
    /// - Parameter write: gives why it failed, if so.
    private static func keep(_ state: Monitor<State>, _ clock: AgentClock, _ log: AgentLog, write: (Duration, AuditMemory) -> String?) {
        while true {
            let (now, memory, isLast): (Duration, AuditMemory, Bool) = state.wait { state in
                let now = clock.now()
                if !state.isClosing {
                    guard let due = state.schedule.due else { return .wait(nil) }
                    guard due <= now else { return .wait(due - now) }
                }
                state.schedule.begin(now: now)
                return .done((now, state.ladder.memory(now: now), state.isClosing))
            }
            if let failure = write(now, memory) {
                state.withLock { $0.schedule.failed(now: clock.now()) }
                log.write(.warning, kind: "audit state", "audit: \(failure): a restart would forget what audits have found")
            }
            if isLast { return }
        }
    }

    /// What the audits are for, in one line for people.
    var promise: String {
        state.withLock { state in
            let ladder = state.ladder
            let limit = "\((ladder.limit * 10_000).rounded() / 100) %"
            let delays = [2.0, 5].map { multiple in ladder.delay(disagreement: ladder.limit * multiple).map { "\(Int($0.rounded(.up)))" } ?? "–" }
            return "at most \(limit) of frames may be accepted with another answer than the full model's; twice as many are noticed within \(delays[0]) audits "
                + "in the mean, five times as many within \(delays[1])"
        }
    }

    var statistics: AuditStatistics {
        state.withLock { state in
            let ladder = state.ladder
            return AuditStatistics(
                rung: ladder.rung, rungs: ladder.rungs, coverage: ladder.coverage, limit: ladder.limit, interval: ladder.interval, total: ladder.total,
                suspicion: ladder.suspicion, tightenings: ladder.tightenings, relaxings: ladder.relaxings, asked: state.asked, unanswered: state.unanswered, uncounted: state.uncounted,
                age: ladder.lastAnswer.map { clock.now() - $0 })
        }
    }
}

extension AuditDesk.State {
    fileprivate mutating func takeEarly(_ frame: UInt64) -> AuditDesk.Early? {
        guard let index = early.firstIndex(where: { $0.frame == frame }) else { return nil }
        defer { early[index].frame = .max }
        return early[index]
    }

    /// Begins at the strictest rung, since it isn't known which one was the last.
    fileprivate mutating func beginCautiously(_ gate: CertifiedGate, _ settings: AuditLadder.Settings, _ reason: String, _ now: Duration, _ log: AgentLog) {
        guard let ladder = AuditLadder(cautiously: gate, settings: settings, now: now) else { return }
        self.ladder = ladder
        log.write(.warning, "audit: \(reason): the gate begins \(ladder.place), the strictest, until audits speak for more")
        schedule.note(.move, now: now)
    }
}

extension AuditLadder {
    fileprivate var place: String { isClosed ? "closed" : "at rung \(rung) of \(rungs)" }
}

extension AuditLadder.Event {
    /// What there is to store of it; `nil` for what comes with every frame.
    fileprivate var news: AuditSchedule.News? {
        switch self {
        case .read: nil
        case .audited(_, _, let agrees): agrees ? .agreeing : .differing
        case .escalated: .agreeing
        }
    }
}

extension AuditLadder.Settings {
    /// - Parameter asks: without it nothing is audited.
    init(_ settings: AgentSettings.Audit, asks: Bool) {
        self.init()
        share = asks ? settings.share : 0
        tightenedShare = asks ? settings.tightenedShare : 0
        probationShare = asks ? settings.probationShare : 0
        spacing = settings.spacing
        runLength = Double(settings.falseAlarmAfter)
        pause = settings.pause
        longestPause = max(settings.pause * 60, settings.pause)
    }
}
