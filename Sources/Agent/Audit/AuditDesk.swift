// SPDX-License-Identifier: Apache-2.0
internal import Answers
internal import Gating
internal import Settings
internal import Synchronization
internal import Threads

/// The shell around ``AuditLadder``: its lock, its clock, its random numbers, and the frames whose answers it waits for. Calls come from any thread.
final class AuditDesk: Sendable {
    /// A frame that the full model was asked about.
    private struct Question {
        var frame: UInt64
        var classIndex: Int
        var score: Double
        var rung: Int
    }

    private struct State {
        var ladder: AuditLadder
        /// One at a time, so that audits take little from what recovery may have under way.
        var audit: Question?
        /// The newest of the frames that were asked about because the gate didn't accept them.
        var escalated: [Question] = []
        var next = 0
        var asked: UInt64 = 0
        var unanswered: UInt64 = 0
        /// In the order of the moves, under the lock: it must be quick, and not call back.
        var onMove: (@Sendable (AuditLadder.Move) -> Void)?
    }

    private static let remembered = 16

    /// One a rung, and the closed one.
    private let gates: [Gate]
    private let measure: Measure
    private let clock: AgentClock
    private let state: Monitor<State>
    private let present = Atomic<Int>(0)

    /// - Returns: `nil` where the certificate gives audits nothing to be held against.
    init?(_ gate: CertifiedGate, settings: AuditLadder.Settings, clock: AgentClock, onMove: @escaping @Sendable (AuditLadder.Move) -> Void) {
        guard let ladder = AuditLadder(gate, settings: settings) else { return nil }
        gates = gate.rungs.map { .threshold($0.measure, $0.threshold) } + [.any([])]
        measure = gate.rungs[0].measure
        self.clock = clock
        var initial = State(ladder: ladder, onMove: onMove)
        initial.escalated.reserveCapacity(Self.remembered)
        state = Monitor(initial)
    }

    /// The rung of the moment; waits for nothing.
    var rung: Int { present.load(ordering: .relaxed) }

    func gate(at rung: Int) -> Gate { gates[rung] }

    /// The gate of `rung` has spoken on a frame.
    ///
    /// - Parameter isAsked: whether the full model is asked about it anyway: also about a frame that the gate accepts, in an unsure stretch of a stream. That is
    ///   never an audit, since the answer decides.
    /// - Returns: the score where the frame is to be audited: ask the full model, and tell ``answered(_:_:)`` or ``unanswered(_:)``.
    func read(_ frame: UInt64, _ reading: Reading, rung: Int, isAsked: Bool) -> Double? {
        let score = reading.confidence?[measure]
        return state.withLock { state in
            let action = handle(.read(score: score, isAccepted: reading.verdict.accepts && !isAsked), in: &state)
            guard let score, let confidence = reading.confidence else { return nil }
            let question = Question(frame: frame, classIndex: confidence.classIndex, score: score, rung: rung)
            if case .audit? = action, state.audit == nil {
                state.asked += 1
                state.audit = question
                return score
            }
            guard isAsked else { return nil }
            if state.escalated.count < Self.remembered { state.escalated.append(question) } else { state.escalated[state.next] = question }
            state.next = (state.next + 1) % Self.remembered
            return nil
        }
    }

    /// The full model has answered about a frame.
    ///
    /// - Returns: whether it was an audit, which decides nothing.
    func answered(_ frame: UInt64, _ answer: Answer) -> Bool {
        state.withLock { state in
            // Boxes are compared with nothing yet.
            let answer: Int? = if case .classification(let classification) = answer { classification.classIndex } else { nil }
            if let audit = state.audit, audit.frame == frame {
                state.audit = nil
                if let answer { handle(.audited(score: audit.score, rung: audit.rung, agrees: audit.classIndex == answer), in: &state) }
                return true
            }
            if let answer, let index = state.escalated.firstIndex(where: { $0.frame == frame && $0.rung >= 0 }) {
                let question = state.escalated[index]
                // Each counts once.
                state.escalated[index].rung = -1
                handle(.escalated(score: question.score, rung: question.rung, agrees: question.classIndex == answer), in: &state)
            }
            return false
        }
    }

    /// The full model won't answer.
    ///
    /// - Returns: whether it was an audit.
    @discardableResult
    func unanswered(_ frame: UInt64) -> Bool {
        state.withLock { state in
            guard state.audit?.frame == frame else { return false }
            state.audit = nil
            state.unanswered += 1
            return true
        }
    }

    @discardableResult
    private func handle(_ event: AuditLadder.Event, in state: inout State) -> AuditLadder.Action? {
        var random = SystemRandomNumberGenerator()
        let action = state.ladder.handle(event, now: clock.now(), using: &random)
        if case .move(let move)? = action {
            present.store(move.to, ordering: .relaxed)
            state.onMove?(move)
        }
        return action
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
                suspicion: ladder.suspicion, tightenings: ladder.tightenings, relaxings: ladder.relaxings, asked: state.asked, unanswered: state.unanswered,
                age: ladder.lastAnswer.map { clock.now() - $0 })
        }
    }
}

extension AuditLadder.Settings {
    init(_ settings: AgentSettings.Audit) {
        self.init()
        share = settings.share
        tightenedShare = settings.tightenedShare
        probationShare = settings.probationShare
        spacing = settings.spacing
        runLength = Double(settings.falseAlarmAfter)
        pause = settings.pause
        longestPause = max(settings.pause * 60, settings.pause)
    }
}
