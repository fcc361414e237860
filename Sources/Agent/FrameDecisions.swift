// SPDX-License-Identifier: Apache-2.0
package import Answers
package import Gating

/// Brings every frame that is taken up to exactly one decision by its deadline, and to at most one revision after it.
///
/// Pure: it is told what happened and when, and says what to do. Times count from any fixed moment and never go back.
///
/// - A local answer that the gate trusts decides at once.
/// - One that it doesn't trust asks the cloud, if that is allowed and fewer than `maximumInFlight` questions are open; the cloud's answer decides.
///   Where it can't ask, is refused, or the cloud fails, the frame is decided at once as local-unconfirmed.
/// - In a stream (``StreamGate``) fewer frames are trusted and far fewer asked about; for these an answer that the cloud gave to an earlier frame may be carried, which the
///   decision says. A frame that is asked about falls back on what is carried too.
/// - A frame may be asked about before the board's network has spoken (``PreRoute/Route/sendAtOnce``). What comes first, a local answer that the gate trusts or the
///   cloud's, decides. Where both are known in the end and the gate trusts the local one, they are compared: evidence on the gate.
/// - A frame that is kept back (``PreRoute/Route/keepBack(_:)``) isn't asked about.
/// - Under a plan (``Settings/followsPlan``) the cloud is asked where the board reaches the plan's cut, and nowhere else. Each exit on the way that isn't sure leaves an answer in hand. What
///   comes first decides and ends the other's work: a local answer that its gate trusts cancels the question (``Action/cancel(_:)``), the cloud's answer lets the board rest
///   (``Action/rest(_:)``).
/// - What is undecided at the deadline is decided as local-unconfirmed, with the local answer or with none. A cloud answer until `expiry`, or
///   the local answer if that was what came late, then revises.
package struct FrameDecisions: Sendable {
    package struct Settings: Hashable, Sendable {
        /// From taking up a frame to where its decision is to be out.
        package var deadline: Duration
        /// Frames are decided this long before the deadline, so that the decision is out by then.
        package var margin: Duration
        /// From taking up a frame to where a cloud answer is of no use any more; at least the deadline.
        package var expiry: Duration
        package var asksCloud: Bool
        package var maximumInFlight: Int
        /// `nil`: each frame is judged by itself.
        package var stream: StreamGate.Settings?
        /// Whether a plan says when the cloud is asked (``Event/reached(_:)``); else the gate's word does. There is no `stream` with it.
        package var followsPlan: Bool

        /// From taking up a frame to its decision, at the latest.
        package var decision: Duration { deadline - margin }

        package init(
            deadline: Duration, margin: Duration? = nil, expiry: Duration, asksCloud: Bool = true, maximumInFlight: Int = 2, stream: StreamGate.Settings? = nil,
            followsPlan: Bool = false
        ) {
            precondition(!followsPlan || stream == nil, "a stream's gate under a plan")
            self.deadline = deadline
            self.margin = margin ?? min(.milliseconds(2), deadline / 10)
            self.expiry = max(expiry, deadline)
            self.asksCloud = asksCloud
            self.maximumInFlight = maximumInFlight
            self.stream = stream
            self.followsPlan = followsPlan
        }
    }

    package enum Event: Hashable, Sendable {
        /// The frame thread starts on a frame. The name, and the number of the plan, go through to its decisions.
        case taken(UInt64, name: String? = nil, plan: Int? = nil)
        /// What is to be done with the frame, before its network has spoken.
        case routed(UInt64, PreRoute.Route)
        /// An exit has spoken that isn't sure enough, and the board goes on with the frame.
        case glimpsed(UInt64, Reading, exit: Int? = nil)
        /// The board has reached the cut of its plan.
        case reached(UInt64)
        /// The board has stopped with the frame: its plan ends at the cut, or the cloud was first.
        case rested(UInt64)
        /// The board's network and the gate have spoken.
        case read(UInt64, Reading, exit: Int? = nil)
        /// The board's network couldn't be run.
        case failed(UInt64)
        /// A question is on its way, in so many bytes; `nil`: it isn't, after all.
        case sent(UInt64, bytes: Int?)
        /// The cloud answered.
        case answered(UInt64, Answer)
        /// The question was refused on the way, or the cloud couldn't answer.
        case unanswered(UInt64)
        /// Time has passed.
        case timer
        /// The agent stops: decides what is undecided.
        case finish
    }

    package enum Action: Hashable, Sendable {
        case decide(Decision)
        /// Ask the cloud about the frame; answer with ``Event/answered(_:_:)`` or ``Event/unanswered(_:)``.
        case ask(UInt64)
        /// The cloud's answer to the frame is of no use any more.
        case cancel(UInt64)
        /// What the board may still find out about the frame is of no use any more; answer with ``Event/rested(_:)``, or with what it has found out.
        case rest(UInt64)
        /// Both networks have spoken on a frame whose local answer the gate trusts.
        case compare(Comparison)
    }

    private struct Open {
        enum Phase {
            /// The board's network is at work: before the deadline, after it.
            case computing, computingLate
            /// It has spoken, and the frame waits for the cloud: undecided; decided, and open to a revision.
            case asking, revisable
            /// Decided by the gate's word; the cloud's answer will only be compared with it.
            case settled
            /// Decided by the cloud; the board's network is still at work.
            case answered
        }

        enum Question {
            case none, open, ended
            /// It isn't to be asked.
            case barred
        }

        var frame: UInt64
        var name: String?
        var plan: Int?
        var taken: Duration
        var phase = Phase.computing
        var question = Question.none
        var confidence: Confidence?
        var exit: Int?
        var localLatency: Duration?
        var sentBytes: Int?
        var fault: Fault?
        /// Better than the local answer where no other comes.
        var carried: StreamGate.Carried?
        var cloudAnswer: Answer?
        /// Whether the last decision had an answer.
        var hasAnswer = false
        /// The decision at the deadline had no answer: the local one, which came later, revises it unless the cloud does.
        var owesLocalAnswer = false

        var localAnswer: Answer? { confidence.map { .classification($0.classification) } }
    }

    /// A frame that was asked about and is closed; of these the newest are remembered, to tell late answers from unknown ones.
    private struct Closed {
        var frame: UInt64
        var wasAnswered: Bool
    }

    package let settings: Settings
    package private(set) var counts = DecisionCounts()
    private var stream: StreamGate?
    private var open: [Open] = []
    private var closed: [Closed] = []
    private var nextClosed = 0
    private static let remembered = 64

    package init(_ settings: Settings) {
        self.settings = settings
        stream = settings.stream.map { StreamGate($0) }
        open.reserveCapacity(settings.maximumInFlight + 2)
        closed.reserveCapacity(Self.remembered)
    }

    /// When ``Event/timer`` is next due; `nil` while nothing waits.
    package var nextTimer: Duration? { open.lazy.compactMap(due).min() }

    /// Whether every frame that was taken up is decided and nothing is waited for.
    package var isIdle: Bool { open.isEmpty }

    /// Takes in what happened at `now`; what is due by then is done first.
    ///
    /// - Parameter actions: receives what to do, in this order. Its memory is the caller's to reuse.
    package mutating func handle(_ event: Event, now: Duration, into actions: inout [Action]) {
        expire(now, &actions)
        switch event {
        case .taken(let frame, let name, let plan):
            guard !open.contains(where: { $0.frame == frame }) else { return }
            counts.taken += 1
            open.append(Open(frame: frame, name: name, plan: plan, taken: now))
        case .routed(let frame, let route):
            guard let index = computing(frame), open[index].phase == .computing, open[index].question == .none else { return }
            switch route {
            case .compute: break
            case .sendAtOnce:
                guard settings.asksCloud, inFlight < settings.maximumInFlight else { return }
                counts.sentAtOnce += 1
                ask(index, &actions)
            case .keepBack: open[index].question = .barred
            }
        case .glimpsed(let frame, let reading, let exit):
            guard let index = computing(frame) else { return }
            note(reading, exit, index, now)
        case .reached(let frame):
            guard let index = computing(frame), settings.asksCloud, open[index].phase == .computing, open[index].question == .none else { return }
            guard inFlight < settings.maximumInFlight else {
                counts.crowded += 1
                return
            }
            ask(index, &actions)
        case .rested(let frame):
            guard let index = computing(frame) else { return }
            rest(index, now, &actions)
        case .read(let frame, let reading, let exit):
            guard let index = computing(frame) else { return }
            note(reading, exit, index, now)
            conclude(index, reading, now, &actions)
        case .failed(let frame):
            guard let index = computing(frame) else { return }
            counts.failures += 1
            conclude(index, nil, now, &actions)
        case .sent(let frame, let bytes):
            if let index = asked(frame) { open[index].sentBytes = bytes }
        case .answered(let frame, let answer):
            stream?.answered(frame, answer)
            guard let index = asked(frame) else { return countStray(frame) }
            take(answer, index, now, &actions)
        case .unanswered(let frame):
            stream?.unanswered(frame)
            guard let index = asked(frame) else { return }
            counts.unanswered += 1
            giveUp(index, now, &actions)
        case .timer:
            break
        case .finish:
            while !open.isEmpty {
                let phase = open[0].phase
                if phase == .computing || phase == .asking { decideUnanswered(0, now, &actions) }
                if open[0].question == .open { endQuestion(0, wasAnswered: false) }
                payLocalAnswer(0, now, &actions)
                open.remove(at: 0)
            }
        }
    }

    /// What an output of the board's network says. The deepest sound one counts.
    private mutating func note(_ reading: Reading, _ exit: Int?, _ index: Int, _ now: Duration) {
        if case .escalate(.fault(let fault)) = reading.verdict {
            counts.faults += 1
            open[index].fault = fault
        }
        guard let confidence = reading.confidence else { return }
        open[index].confidence = confidence
        open[index].exit = exit
        open[index].localLatency = now - open[index].taken
        open[index].fault = nil
    }

    /// The board's network is done with a frame.
    ///
    /// - Parameter reading: `nil` where it failed.
    private mutating func conclude(_ index: Int, _ reading: Reading?, _ now: Duration, _ actions: inout [Action]) {
        open[index].localLatency = now - open[index].taken
        let frame = open[index]
        let isLate = frame.phase == .computingLate
        let isDecided = frame.phase == .answered
        let isOpen = frame.question == .open
        let canAsk = settings.asksCloud && !settings.followsPlan && !isLate && frame.question == .none && inFlight < settings.maximumInFlight
        let trusted = reading?.verdict.accepts ?? false
        let step =
            stream?.read(reading, frame: frame.frame, taken: frame.taken, now: now, canAsk: canAsk || (isOpen && !isLate))
            ?? (trusted ? .accept : canAsk ? .ask(nil) : .rest(nil))
        if trusted, !settings.followsPlan, isOpen || frame.question == .ended { counts.needless += 1 }
        switch step {
        case _ where isDecided:
            if trusted { compare(index, &actions) }
            open.remove(at: index)
        case .accept:
            decide(index, .local, frame.localAnswer, isRevision: isLate, now, &actions)
            if isOpen, settings.followsPlan { cancel(index, &actions) }
            if open[index].question == .open { open[index].phase = .settled } else { open.remove(at: index) }
        case .ask(let carried) where isOpen, .rest(let carried) where isOpen:
            open[index].carried = carried
            expectAnswer(index)
        case .ask(let carried):
            open[index].carried = carried
            open[index].phase = .asking
            ask(index, &actions)
        case .rest(let carried):
            open[index].carried = carried
            if canAsk {
                counts.spared += 1
            } else if frame.question == .barred {
                counts.keptBack += 1
            } else if settings.asksCloud, !settings.followsPlan, !isLate, frame.question == .none {
                counts.crowded += 1
            }
            settle(index, now, &actions)
        }
    }

    /// The board does no more for a frame.
    private mutating func rest(_ index: Int, _ now: Duration, _ actions: inout [Action]) {
        if open[index].phase == .answered {
            counts.rested += 1
            open.remove(at: index)
        } else if open[index].question == .open {
            expectAnswer(index)
        } else {
            if open[index].question == .barred { counts.keptBack += 1 }
            settle(index, now, &actions)
        }
    }

    /// The board has done what it could, and the cloud may still answer.
    private mutating func expectAnswer(_ index: Int) {
        let isLate = open[index].phase == .computingLate
        open[index].owesLocalAnswer = isLate && open[index].localAnswer != nil && !open[index].hasAnswer
        open[index].phase = isLate ? .revisable : .asking
    }

    /// The board has done what it could, the gate doesn't trust it, and nobody else will answer.
    private mutating func settle(_ index: Int, _ now: Duration, _ actions: inout [Action]) {
        let isLate = open[index].phase == .computingLate
        if !isLate || (open[index].localAnswer != nil && !open[index].hasAnswer) { decideUnanswered(index, isRevision: isLate, now, &actions) }
        open.remove(at: index)
    }

    /// Decides on a frame that the gate doesn't trust and that no answer has come to.
    private mutating func decideUnanswered(_ index: Int, isRevision: Bool = false, _ now: Duration, _ actions: inout [Action]) {
        if let carried = open[index].carried, carried.end > now {
            decide(index, .carried, carried.answer, carriedFrom: carried.frame, isRevision: isRevision, now, &actions)
        } else {
            decide(index, .localUnconfirmed, open[index].localAnswer, isRevision: isRevision, now, &actions)
        }
    }

    /// The cloud has answered an open question.
    private mutating func take(_ answer: Answer, _ index: Int, _ now: Duration, _ actions: inout [Action]) {
        endQuestion(index, wasAnswered: true)
        open[index].cloudAnswer = answer
        switch open[index].phase {
        case .computing, .computingLate:
            decide(index, .cloud, answer, isRevision: open[index].phase == .computingLate, now, &actions)
            open[index].phase = .answered
            if settings.followsPlan { actions.append(.rest(open[index].frame)) }
        case .asking, .revisable:
            decide(index, .cloud, answer, isRevision: open[index].phase == .revisable, now, &actions)
            open.remove(at: index)
        case .settled, .answered:
            compare(index, &actions)
            open.remove(at: index)
        }
    }

    /// An open question won't be answered.
    private mutating func giveUp(_ index: Int, _ now: Duration, _ actions: inout [Action]) {
        endQuestion(index, wasAnswered: false)
        switch open[index].phase {
        case .computing, .computingLate, .answered: return
        case .asking: decideUnanswered(index, now, &actions)
        case .revisable: payLocalAnswer(index, now, &actions)
        case .settled: break
        }
        open.remove(at: index)
    }

    private mutating func ask(_ index: Int, _ actions: inout [Action]) {
        counts.asked += 1
        open[index].question = .open
        actions.append(.ask(open[index].frame))
    }

    /// Whatever the cloud would say, the frame is decided.
    private mutating func cancel(_ index: Int, _ actions: inout [Action]) {
        counts.cancelled += 1
        endQuestion(index, wasAnswered: false)
        actions.append(.cancel(open[index].frame))
    }

    private mutating func payLocalAnswer(_ index: Int, _ now: Duration, _ actions: inout [Action]) {
        guard open[index].owesLocalAnswer else { return }
        open[index].owesLocalAnswer = false
        decideUnanswered(index, isRevision: true, now, &actions)
    }

    private mutating func compare(_ index: Int, _ actions: inout [Action]) {
        guard !settings.followsPlan, let confidence = open[index].confidence, let answer = open[index].cloudAnswer else { return }
        actions.append(.compare(Comparison(frame: open[index].frame, confidence: confidence, cloudAnswer: answer, cause: .sentAtOnce)))
    }

    private mutating func expire(_ now: Duration, _ actions: inout [Action]) {
        var index = 0
        while index < open.count {
            guard let due = due(open[index]), due <= now else {
                index += 1
                continue
            }
            // What is left of a frame is looked at again: its expiry may have passed as well.
            switch open[index].phase {
            case .computing:
                decideUnanswered(index, now, &actions)
                open[index].phase = .computingLate
            case .asking:
                decideUnanswered(index, now, &actions)
                open[index].phase = .revisable
            case .computingLate, .revisable, .settled, .answered:
                counts.expired += 1
                giveUp(index, now, &actions)
            }
        }
    }

    private func due(_ frame: Open) -> Duration? {
        switch frame.phase {
        case .computing, .asking: frame.taken + settings.deadline - settings.margin
        case .computingLate, .revisable, .settled, .answered: frame.question == .open ? frame.taken + settings.expiry : nil
        }
    }

    private mutating func decide(
        _ index: Int, _ source: Decision.Source, _ answer: Answer?, carriedFrom: UInt64? = nil, isRevision: Bool = false, _ now: Duration,
        _ actions: inout [Action]
    ) {
        open[index].hasAnswer = answer != nil
        let frame = open[index]
        let latency = now - frame.taken
        if isRevision {
            counts.revisions += 1
        } else {
            counts[source] += 1
            if latency > settings.deadline { counts.overdue += 1 }
        }
        actions.append(
            .decide(
                Decision(
                    frame: frame.frame, name: frame.name, source: source, answer: answer, carriedFrom: carriedFrom, localAnswer: frame.localAnswer,
                    exit: frame.exit, plan: frame.plan, sentBytes: frame.sentBytes, localLatency: frame.localLatency, fault: frame.fault, latency: latency, isRevision: isRevision)))
    }

    private mutating func endQuestion(_ index: Int, wasAnswered: Bool) {
        open[index].question = .ended
        let entry = Closed(frame: open[index].frame, wasAnswered: wasAnswered)
        if closed.count < Self.remembered { closed.append(entry) } else { closed[nextClosed] = entry }
        nextClosed = (nextClosed + 1) % Self.remembered
    }

    private mutating func countStray(_ frame: UInt64) {
        switch closed.last(where: { $0.frame == frame })?.wasAnswered {
        case true: counts.duplicateAnswers += 1
        case false: counts.lateAnswers += 1
        case nil: counts.unknownAnswers += 1
        }
    }

    /// Whether an answer to a question on the frame is of use.
    package func isAsked(_ frame: UInt64) -> Bool { asked(frame) != nil }

    /// Whether the board has done what it could for a frame, and the cloud's answer is to decide it or to revise it.
    package func isAwaited(_ frame: UInt64) -> Bool { open.contains { $0.frame == frame && ($0.phase == .asking || $0.phase == .revisable) } }

    /// Questions that are open.
    package var inFlight: Int { open.count { $0.question == .open } }

    private func computing(_ frame: UInt64) -> Int? {
        open.firstIndex { $0.frame == frame && ($0.phase == .computing || $0.phase == .computingLate || $0.phase == .answered) }
    }

    private func asked(_ frame: UInt64) -> Int? { open.firstIndex { $0.frame == frame && $0.question == .open } }
}
