// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Threads

/// The shell around ``FrameDecisions``: its lock, its clock and its timer. Events come from any thread.
final class DecisionDesk: Sendable {
    private struct State {
        var machine: FrameDecisions
        /// Reused, so that handling an event allocates nothing.
        var actions: [FrameDecisions.Action] = []
        var statistics = AgentStatistics()
        /// When the timer thread wakes next; `nil` while it sleeps until it is woken.
        var wakesAt: Duration?
        var computingSince: Duration?
        var isStopped = false
    }

    private let state: Monitor<State>
    private let clock: AgentClock
    private let deliver: @Sendable (DecisionRecord) -> Void

    /// - Parameters:
    ///   - classes: of the board's network.
    ///   - deliver: receives each decision, in order, under the desk's lock: it must be quick, and not call back.
    init(_ settings: FrameDecisions.Settings, classes: Int, clock: AgentClock, deliver: @escaping @Sendable (DecisionRecord) -> Void) {
        var initial = State(machine: FrameDecisions(settings))
        initial.statistics.gate = GateStatistics(classes: classes)
        initial.actions.reserveCapacity(settings.maximumInFlight + 4)
        state = Monitor(initial)
        self.clock = clock
        self.deliver = deliver
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
            return (asks, wakes || state.machine.isIdle)
        }
        if wakes { state.wakeAll() }
        return asks
    }

    private func handle(_ event: FrameDecisions.Event, in state: inout State) -> Bool {
        let now = clock.now()
        switch event {
        case .taken: state.computingSince = now
        case .read(_, let reading):
            state.computingSince.map { state.statistics.frameTimes.add(now - $0) }
            state.computingSince = nil
            if let confidence = reading.confidence { state.statistics.confidences.add(confidence.topOne) }
            state.statistics.gate.add(reading)
        case .failed:
            state.computingSince = nil
            state.statistics.gate.addFailure()
        case .answered, .unanswered, .timer, .finish: break
        }
        state.actions.removeAll(keepingCapacity: true)
        state.machine.handle(event, now: now, into: &state.actions)
        var asks = false
        for action in state.actions {
            switch action {
            case .ask: asks = true
            case .decide(let decision):
                if !decision.isRevision { state.statistics.latencies.add(decision.latency) }
                deliver(DecisionRecord(decision: decision, time: clock.wall(), uptime: now))
            }
        }
        return asks
    }

    /// Counts a question that wasn't sent.
    func count(refusal: String) {
        state.withLock { state in
            // Reasons are few; a link that invents them must not grow the table.
            if state.statistics.refusals.count < 64 || state.statistics.refusals[refusal] != nil {
                state.statistics.refusals[refusal, default: 0] += 1
            }
        }
    }

    /// Counts a frame that is looked at twice.
    func countSecondLook() { state.withLock { $0.statistics.secondLooks += 1 } }

    /// The timer thread: decides what is due until ``stop()``.
    func runTimer() {
        state.wait { state in
            guard !state.isStopped else { return .done(()) }
            if let due = state.machine.nextTimer, due <= clock.now() {
                _ = handle(.timer, in: &state)
                if state.machine.isIdle { wake() }
            }
            state.wakesAt = state.machine.nextTimer
            return .wait(state.wakesAt.map { max($0 - clock.now(), .zero) })
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
