// SPDX-License-Identifier: Apache-2.0
internal import Threads

/// Says again and again, on a thread of its own, that a snapshot of the statistics is due.
final class TelemetryClock: Sendable {
    private struct State {
        var due: Duration
        var isClosing = false
    }

    private let state: Monitor<State>
    private let thread: WorkerThread

    /// - Parameters:
    ///   - period: from one snapshot to the next, above zero; the first is due after it.
    ///   - publish: called on the thread.
    init(every period: Duration, clock: AgentClock, publish: @escaping @Sendable () -> Void) throws(AgentError) {
        let state = Monitor(State(due: clock.now() + period))
        self.state = state
        thread = try WorkerThread.ofAgent("swiftlet-tele") {
            while true {
                let isOver: Bool = state.wait { state in
                    if state.isClosing { return .done(true) }
                    let now = clock.now()
                    guard state.due <= now else { return .wait(state.due - now) }
                    // After a sleep of the machine one is due, not all that were missed.
                    state.due = now + period
                    return .done(false)
                }
                if isOver { return }
                publish()
            }
        }
    }

    /// Looks at the clock again.
    func wake() { state.wakeAll() }

    func close(timeout: Duration) {
        state.change { $0.isClosing = true }
        thread.join(timeout: timeout)
    }
}
