// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
internal import Synchronization
internal import Threads

/// The shell around ``FrameDecisions`` and ``PreRoute``: their lock, its clock and its timer. Events come from any thread.
final class DecisionDesk: Sendable {
    private struct State {
        var machine: FrameDecisions
        var preRoute: PreRoute
        var isConnected = false
        var budgetLeft = 1.0
        /// Reused, so that handling an event allocates nothing.
        var actions: [FrameDecisions.Action] = []
        /// Questions to cancel: by the timer thread, so that nobody does it under the lock.
        var cancels: [UInt64] = []
        var statistics = AgentStatistics()
        /// The frame thread waits until a frame is decided.
        var isAwaited = false
        /// When the timer thread wakes next; `nil` while it sleeps until it is woken.
        var wakesAt: Duration?
        var computingSince: Duration?
        /// Why the present frame isn't asked about.
        var keptBack: PreRoute.Reason?
        var isStopped = false
    }

    private let state: Monitor<State>
    private let clock: AgentClock
    private let deliver: @Sendable (DecisionRecord) -> Void
    private let compare: @Sendable (Comparison) -> Void
    private let cancel: @Sendable (UInt64) -> Void
    /// The number, plus one, of the last frame that the cloud answered while the board was at work on it; 0 before the first.
    private let rested = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - classes: of the board's network.
    ///   - deliver: receives each decision, in order, under the desk's lock: it must be quick, and not call back.
    ///   - cancel: receives the frames whose questions are of no use any more, on the timer thread.
    ///   - compare: receives what both networks said on frames that the gate trusts, as `deliver` does.
    init(
        _ settings: FrameDecisions.Settings, classes: Int, preRoute: PreRoute, clock: AgentClock, deliver: @escaping @Sendable (DecisionRecord) -> Void,
        cancel: @escaping @Sendable (UInt64) -> Void = { _ in }, compare: @escaping @Sendable (Comparison) -> Void = { _ in }
    ) {
        var initial = State(machine: FrameDecisions(settings), preRoute: preRoute)
        initial.statistics.gate = GateStatistics(classes: classes)
        initial.actions.reserveCapacity(settings.maximumInFlight + 4)
        initial.cancels.reserveCapacity(settings.maximumInFlight + 4)
        state = Monitor(initial)
        self.clock = clock
        self.deliver = deliver
        self.compare = compare
        self.cancel = cancel
    }

    /// Takes in an event.
    ///
    /// - Returns: whether the frame of the event is to be asked about.
    @discardableResult
    func handle(_ event: FrameDecisions.Event) -> Bool {
        let (asks, wakes) = state.withLock { state in
            let asks = handle(event, in: &state)
            let next = state.machine.nextTimer
            let wakes = next.map { next in state.wakesAt.map { next < $0 } ?? true } ?? false
            return (asks, wakes || state.isAwaited || state.machine.isIdle || !state.cancels.isEmpty)
        }
        if wakes { state.wakeAll() }
        return asks
    }

    /// Decides what is to be done with a frame that was taken, before its network has run.
    ///
    /// - Returns: whether it is to be asked about at once.
    func route(_ frame: UInt64, _ image: PixelStatistics) -> Bool {
        let asks = state.withLock { state in
            let hasRoom = state.machine.settings.asksCloud && state.machine.inFlight < state.machine.settings.maximumInFlight
            let link = PreRoute.Link(isConnected: state.isConnected, hasRoom: hasRoom, budgetLeft: state.budgetLeft)
            let route = state.preRoute.route(image, link: link, now: clock.now())
            if case .keepBack(let reason) = route { state.keptBack = reason }
            return route == .compute ? false : handle(.routed(frame, route), in: &state)
        }
        if asks { state.wakeAll() }
        return asks
    }

    /// The board has reached the cut of its plan.
    ///
    /// - Returns: whether the frame is to be sent; not where nobody would answer, so that the board goes on with it.
    func reached(_ frame: UInt64) -> Bool {
        let asks = state.withLock { state in
            guard state.isConnected else {
                count("nobody answers", in: &state)
                return false
            }
            return handle(.reached(frame), in: &state)
        }
        if asks { state.wakeAll() }
        return asks
    }

    /// Whether the cloud has answered the frame that the board is at work on. Waits for nothing.
    func isAnswered(_ frame: UInt64) -> Bool { rested.load(ordering: .relaxed) == frame &+ 1 }

    /// Whether the frame's question is still of use.
    func isAsked(_ frame: UInt64) -> Bool { state.withLock { $0.machine.isAsked(frame) } }

    /// Whether the cloud's answer is to decide the frame.
    func isAwaited(_ frame: UInt64) -> Bool { state.withLock { $0.machine.isAwaited(frame) } }

    /// Looks whether a frame that was taken is worth asking about at all.
    func look(_ frame: UInt64, _ image: PixelStatistics) {
        state.withLock { state in
            guard let reason = state.preRoute.emptiness(of: image) else { return }
            state.keptBack = reason
            _ = handle(.routed(frame, .keepBack(reason)), in: &state)
        }
    }

    /// Waits while as many questions as may be are open: until one expires at the longest.
    func waitForRoom() {
        state.wait { state in
            state.isAwaited = !state.isStopped && state.machine.inFlight >= state.machine.settings.maximumInFlight
            return state.isAwaited ? .wait(nil) : .done(())
        }
    }

    /// Whether workers answer.
    func setConnected(_ isConnected: Bool) { state.withLock { $0.isConnected = isConnected } }

    /// A question's image is compressed.
    ///
    /// - Parameter budgetLeft: the smallest share of a budget that is left.
    func compressed(bytes: Int, budgetLeft: Double) {
        state.withLock { state in
            state.preRoute.compressed(bytes: bytes)
            state.budgetLeft = budgetLeft
        }
    }

    private func handle(_ event: FrameDecisions.Event, in state: inout State) -> Bool {
        let now = clock.now()
        switch event {
        case .taken:
            state.computingSince = now
            state.keptBack = nil
        case .read(_, let reading, _):
            state.computingSince.map { state.statistics.frameTimes.add(now - $0) }
            if let confidence = reading.confidence { state.statistics.confidences.add(confidence.topOne) }
            state.statistics.gate.add(reading)
            computed(reading, now, &state)
        case .failed:
            state.statistics.gate.addFailure()
            computed(nil, now, &state)
        case .rested: state.computingSince = nil
        case .answered(let frame, _): state.preRoute.answered(frame, now: now)
        case .unanswered(let frame): state.preRoute.unanswered(frame, now: now)
        case .glimpsed, .reached, .routed, .sent, .timer, .finish: break
        }
        state.actions.removeAll(keepingCapacity: true)
        let keptBack = state.machine.counts.keptBack
        state.machine.handle(event, now: now, into: &state.actions)
        if let reason = state.keptBack, state.machine.counts.keptBack > keptBack { count(reason.rawValue, in: &state) }
        var asks = false
        for action in state.actions {
            switch action {
            case .ask(let frame):
                asks = true
                state.preRoute.asked(frame, now: now)
            case .cancel(let frame): state.cancels.append(frame)
            case .rest(let frame): rested.store(frame &+ 1, ordering: .relaxed)
            case .compare(let comparison):
                switch comparison.agrees {
                case true?: state.statistics.agreements += 1
                case false?: state.statistics.disagreements += 1
                case nil: break
                }
                compare(comparison)
            case .decide(let decision):
                if !decision.isRevision { state.statistics.latencies.add(decision.latency) }
                deliver(DecisionRecord(decision: decision, time: clock.wall(), uptime: now))
            }
        }
        return asks
    }

    private func computed(_ reading: Reading?, _ now: Duration, _ state: inout State) {
        guard let since = state.computingSince else { return }
        state.preRoute.computed(accepted: reading?.verdict.accepts ?? false, score: reading?.confidence?.topOne, after: now - since)
        state.computingSince = nil
    }

    /// Counts a question that wasn't sent.
    func count(refusal: String) { state.withLock { count(refusal, in: &$0) } }

    private func count(_ refusal: String, in state: inout State) {
        // Reasons are few; a link that invents them must not grow the table.
        guard state.statistics.refusals.count < 64 || state.statistics.refusals[refusal] != nil else { return }
        state.statistics.refusals[refusal, default: 0] += 1
    }

    /// Counts a frame that is looked at twice.
    func countSecondLook() { state.withLock { $0.statistics.secondLooks += 1 } }

    /// Counts an answer that the board's network can't give.
    func countUnfit() { state.withLock { $0.statistics.unfitAnswers += 1 } }

    /// The timer thread: decides what is due, and cancels questions, until ``stop()``.
    func runTimer() {
        // The two buffers change places, so that nothing is allocated.
        var cancels: [UInt64] = []
        cancels.reserveCapacity(state.withLock { $0.cancels.capacity })
        while true {
            let isOver: Bool = state.wait { state in
                guard !state.isStopped else { return .done(true) }
                if let due = state.machine.nextTimer, due <= clock.now() {
                    _ = handle(.timer, in: &state)
                    if state.machine.isIdle || state.isAwaited { wake() }
                }
                guard state.cancels.isEmpty else {
                    swap(&state.cancels, &cancels)
                    state.wakesAt = .zero
                    return .done(false)
                }
                state.wakesAt = state.machine.nextTimer
                return .wait(state.wakesAt.map { max($0 - clock.now(), .zero) })
            }
            if isOver { return }
            for frame in cancels { cancel(frame) }
            cancels.removeAll(keepingCapacity: true)
        }
    }

    /// Lets the timer look at the clock again, and ``waitUntilIdle()`` at what is open.
    func wake() { state.wakeAll() }

    /// Waits until every frame that was taken up is decided and no answer is waited for.
    func waitUntilIdle() {
        state.wait { $0.machine.isIdle || $0.isStopped ? .done(()) : .wait(nil) }
    }

    func stop() {
        handle(.finish)
        state.withLock { $0.isStopped = true }
        state.wakeAll()
    }

    /// How long the board's network has been at work on the present frame; `nil` while it waits for one.
    var computingTime: Duration? {
        let now = clock.now()
        return state.withLock { $0.computingSince.map { now - $0 } }
    }

    var statistics: AgentStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.decisions = state.machine.counts
            return statistics
        }
    }
}
