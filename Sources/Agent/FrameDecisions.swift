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

        package init(deadline: Duration, margin: Duration? = nil, expiry: Duration, asksCloud: Bool = true, maximumInFlight: Int = 2) {
            self.deadline = deadline
            self.margin = margin ?? min(.milliseconds(2), deadline / 10)
            self.expiry = max(expiry, deadline)
            self.asksCloud = asksCloud
            self.maximumInFlight = maximumInFlight
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
    }

    /// A frame that was asked about and is closed; of these the newest are remembered, to tell late answers from unknown ones.
    private struct Closed {
        var frame: UInt64
        var wasAnswered: Bool
    }

    package let settings: Settings
    package private(set) var counts = DecisionCounts()
    private var open: [Open] = []
    private var closed: [Closed] = []
    private var nextClosed = 0
    private static let remembered = 64

    package init(_ settings: Settings) {
        self.settings = settings
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
            conclude(index, trusted: reading.verdict.accepts, now, &actions)
        case .failed(let frame):
            guard let index = computing(frame) else { return }
            counts.failures += 1
            conclude(index, trusted: false, now, &actions)
        case .answered(let frame, let answer):
            guard let index = asked(frame) else { return countStray(frame) }
            let isRevision = open[index].phase == .revisable
            decide(index, .cloud, answer, isRevision: isRevision, now, &actions)
            close(index, wasAnswered: true)
        case .unanswered(let frame):
            guard let index = asked(frame) else { return }
            counts.unanswered += 1
            if open[index].phase == .asking { decide(index, .localUnconfirmed, open[index].localAnswer, now, &actions) }
            close(index, wasAnswered: false)
        case .timer:
            break
        case .finish:
            while !open.isEmpty {
                let phase = open[0].phase
                if phase == .computing || phase == .asking { decide(0, .localUnconfirmed, open[0].localAnswer, now, &actions) }
                close(0, wasAnswered: false)
            }
        }
    }

    /// The board's network is done with a frame, with an answer or without.
    private mutating func conclude(_ index: Int, trusted: Bool, _ now: Duration, _ actions: inout [Action]) {
        let answer = open[index].localAnswer
        open[index].localLatency = now - open[index].taken
        if open[index].phase == .computingLate {
            if answer != nil { decide(index, trusted ? .local : .localUnconfirmed, answer, isRevision: true, now, &actions) }
            open.remove(at: index)
        } else if trusted {
            decide(index, .local, answer, now, &actions)
            open.remove(at: index)
        } else if settings.asksCloud, inFlight < settings.maximumInFlight {
            counts.asked += 1
            open[index].phase = .asking
            actions.append(.ask(open[index].frame))
        } else {
            if settings.asksCloud { counts.crowded += 1 }
            decide(index, .localUnconfirmed, answer, now, &actions)
            open.remove(at: index)
        }
    }

    private mutating func expire(_ now: Duration, _ actions: inout [Action]) {
        var index = 0
        while index < open.count {
            if let due = due(open[index]), due <= now {
                switch open[index].phase {
                case .computing:
                    decide(index, .localUnconfirmed, nil, now, &actions)
                    open[index].phase = .computingLate
                case .asking:
                    decide(index, .localUnconfirmed, open[index].localAnswer, now, &actions)
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
        _ index: Int, _ source: Decision.Source, _ answer: Answer?, isRevision: Bool = false, _ now: Duration, _ actions: inout [Action]
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
                    frame: frame.frame, name: frame.name, source: source, answer: answer, localAnswer: frame.localAnswer,
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

/// What became of the frames since the start. Every frame taken up is in exactly one of `local`, `cloud` and `unconfirmed`, or still open.
package struct DecisionCounts: Hashable, Sendable {
    package var taken: UInt64 = 0
    package var local: UInt64 = 0
    package var cloud: UInt64 = 0
    package var unconfirmed: UInt64 = 0
    package var revisions: UInt64 = 0
    /// Decided later than the deadline: the machine was too busy to wake up in time.
    package var overdue: UInt64 = 0
    /// Questions to the cloud.
    package var asked: UInt64 = 0
    /// Not asked about, because too many questions were open.
    package var crowded: UInt64 = 0
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

    package var decided: UInt64 { local + cloud + unconfirmed }

    package subscript(source: Decision.Source) -> UInt64 {
        get {
            switch source {
            case .local: local
            case .cloud: cloud
            case .localUnconfirmed: unconfirmed
            }
        }
        set {
            switch source {
            case .local: local = newValue
            case .cloud: cloud = newValue
            case .localUnconfirmed: unconfirmed = newValue
            }
        }
    }
}
