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
/// - What is undecided at the deadline is decided as local-unconfirmed, with the local answer or with none. A cloud answer until `expiry`, or
///   the local answer if that was what came late, then revises.
package struct FrameDecisions: Sendable {
    package struct Settings: Hashable, Sendable {
        /// From taking up a frame to its decision.
        package var deadline: Duration
        /// Frames are decided this long before the deadline, so that the decision is out by then.
        package var margin: Duration
        /// From taking up a frame to where a cloud answer is of no use any more; at least the deadline.
        package var expiry: Duration
        package var asksCloud: Bool
        package var maximumInFlight: Int
        /// `nil`: each frame is judged by itself.
        package var stream: StreamGate.Settings?

        package init(
            deadline: Duration, margin: Duration? = nil, expiry: Duration, asksCloud: Bool = true, maximumInFlight: Int = 2, stream: StreamGate.Settings? = nil
        ) {
            self.deadline = deadline
            self.margin = margin ?? min(.milliseconds(2), deadline / 10)
            self.expiry = max(expiry, deadline)
            self.asksCloud = asksCloud
            self.maximumInFlight = maximumInFlight
            self.stream = stream
        }
    }

    package enum Event: Hashable, Sendable {
        /// The frame thread starts on a frame. The name goes through to its decisions.
        case taken(UInt64, name: String? = nil)
        /// The board's network and the gate have spoken.
        case read(UInt64, Reading)
        /// The board's network couldn't be run.
        case failed(UInt64)
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
    }

    private struct Open {
        enum Phase { case computing, computingLate, asking, revisable }

        var frame: UInt64
        var name: String?
        var taken: Duration
        var phase = Phase.computing
        var localAnswer: Answer?
        var localLatency: Duration?
        var fault: Fault?
        /// Better than the local answer where no other comes.
        var carried: StreamGate.Carried?
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
        case .taken(let frame, let name):
            guard !open.contains(where: { $0.frame == frame }) else { return }
            counts.taken += 1
            open.append(Open(frame: frame, name: name, taken: now))
        case .read(let frame, let reading):
            guard let index = computing(frame) else { return }
            open[index].localAnswer = reading.confidence.map { .classification($0.classification) }
            if case .escalate(.fault(let fault)) = reading.verdict {
                counts.faults += 1
                open[index].fault = fault
            }
            conclude(index, reading, now, &actions)
        case .failed(let frame):
            guard let index = computing(frame) else { return }
            counts.failures += 1
            conclude(index, nil, now, &actions)
        case .answered(let frame, let answer):
            stream?.answered(frame, answer)
            guard let index = asked(frame) else { return countStray(frame) }
            let isRevision = open[index].phase == .revisable
            decide(index, .cloud, answer, isRevision: isRevision, now, &actions)
            close(index, wasAnswered: true)
        case .unanswered(let frame):
            stream?.unanswered(frame)
            guard let index = asked(frame) else { return }
            counts.unanswered += 1
            if open[index].phase == .asking { decideUnanswered(index, now, &actions) }
            close(index, wasAnswered: false)
        case .timer:
            break
        case .finish:
            while !open.isEmpty {
                let phase = open[0].phase
                if phase == .computing || phase == .asking { decideUnanswered(0, now, &actions) }
                close(0, wasAnswered: false)
            }
        }
    }

    /// The board's network is done with a frame.
    ///
    /// - Parameter reading: `nil` where it failed.
    private mutating func conclude(_ index: Int, _ reading: Reading?, _ now: Duration, _ actions: inout [Action]) {
        let frame = open[index]
        open[index].localLatency = now - frame.taken
        let isLate = frame.phase == .computingLate
        let isCrowded = inFlight >= settings.maximumInFlight
        let canAsk = settings.asksCloud && !isLate && !isCrowded
        let trusted = reading?.verdict.accepts ?? false
        let step = stream?.read(reading, frame: frame.frame, taken: frame.taken, now: now, canAsk: canAsk) ?? (trusted ? .accept : canAsk ? .ask(nil) : .rest(nil))
        switch step {
        case .accept:
            decide(index, .local, frame.localAnswer, isRevision: isLate, now, &actions)
            open.remove(at: index)
        case .ask(let carried):
            counts.asked += 1
            open[index].carried = carried
            open[index].phase = .asking
            actions.append(.ask(frame.frame))
        case .rest(let carried):
            open[index].carried = carried
            if canAsk { counts.spared += 1 } else if settings.asksCloud, !isLate { counts.crowded += 1 }
            if !isLate || frame.localAnswer != nil { decideUnanswered(index, isRevision: isLate, now, &actions) }
            open.remove(at: index)
        }
    }

    /// Decides on a frame that the gate doesn't trust and that no answer has come to.
    private mutating func decideUnanswered(_ index: Int, isRevision: Bool = false, _ now: Duration, _ actions: inout [Action]) {
        if let carried = open[index].carried, carried.end > now {
            decide(index, .carried, carried.answer, carriedFrom: carried.frame, isRevision: isRevision, now, &actions)
        } else {
            decide(index, .localUnconfirmed, open[index].localAnswer, isRevision: isRevision, now, &actions)
        }
    }

    private mutating func expire(_ now: Duration, _ actions: inout [Action]) {
        var index = 0
        while index < open.count {
            if let due = due(open[index]), due <= now {
                switch open[index].phase {
                case .computing:
                    decideUnanswered(index, now, &actions)
                    open[index].phase = .computingLate
                case .asking:
                    decideUnanswered(index, now, &actions)
                    open[index].phase = .revisable
                    // The expiry may have passed as well: this entry is looked at again.
                    continue
                case .revisable:
                    counts.expired += 1
                    close(index, wasAnswered: false)
                    continue
                case .computingLate:
                    break
                }
            }
            index += 1
        }
    }

    private func due(_ frame: Open) -> Duration? {
        switch frame.phase {
        case .computing, .asking: frame.taken + settings.deadline - settings.margin
        case .revisable: frame.taken + settings.expiry
        case .computingLate: nil
        }
    }

    private mutating func decide(
        _ index: Int, _ source: Decision.Source, _ answer: Answer?, carriedFrom: UInt64? = nil, isRevision: Bool = false, _ now: Duration,
        _ actions: inout [Action]
    ) {
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
                    localLatency: frame.localLatency, fault: frame.fault, latency: latency, isRevision: isRevision)))
    }

    private mutating func close(_ index: Int, wasAnswered: Bool) {
        let entry = Closed(frame: open.remove(at: index).frame, wasAnswered: wasAnswered)
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

    private var inFlight: Int { open.count { $0.phase == .asking || $0.phase == .revisable } }

    private func computing(_ frame: UInt64) -> Int? {
        open.firstIndex { $0.frame == frame && ($0.phase == .computing || $0.phase == .computingLate) }
    }

    private func asked(_ frame: UInt64) -> Int? {
        open.firstIndex { $0.frame == frame && ($0.phase == .asking || $0.phase == .revisable) }
    }
}

/// What became of the frames since the start. Every frame taken up is in exactly one of `local`, `cloud`, `carried` and `unconfirmed`, or still open.
package struct DecisionCounts: Hashable, Sendable {
    package var taken: UInt64 = 0
    package var local: UInt64 = 0
    package var cloud: UInt64 = 0
    package var carried: UInt64 = 0
    package var unconfirmed: UInt64 = 0
    package var revisions: UInt64 = 0
    /// Decided later than the deadline: the machine was too busy to wake up in time.
    package var overdue: UInt64 = 0
    /// Questions to the cloud.
    package var asked: UInt64 = 0
    /// Not asked about, because too many questions were open.
    package var crowded: UInt64 = 0
    /// Not asked about, because a frame like it was a moment ago.
    package var spared: UInt64 = 0
    /// Questions that were refused on the way or that the cloud couldn't answer.
    package var unanswered: UInt64 = 0
    /// Questions without an answer until the expiry.
    package var expired: UInt64 = 0
    /// Answers after the expiry, or after the frame was closed in another way.
    package var lateAnswers: UInt64 = 0
    package var duplicateAnswers: UInt64 = 0
    /// Answers to what wasn't asked.
    package var unknownAnswers: UInt64 = 0
    /// Damaged outputs of the board's network.
    package var faults: UInt64 = 0
    /// Runs of the board's network that failed.
    package var failures: UInt64 = 0

    package init() {}

    package var decided: UInt64 { local + cloud + carried + unconfirmed }

    package subscript(source: Decision.Source) -> UInt64 {
        get {
            switch source {
            case .local: local
            case .cloud: cloud
            case .carried: carried
            case .localUnconfirmed: unconfirmed
            }
        }
        set {
            switch source {
            case .local: local = newValue
            case .cloud: cloud = newValue
            case .carried: carried = newValue
            case .localUnconfirmed: unconfirmed = newValue
            }
        }
    }
}
