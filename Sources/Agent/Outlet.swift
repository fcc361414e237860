// SPDX-License-Identifier: Apache-2.0
internal import Threads

/// A bounded queue with a thread of its own at the end: whoever offers never waits for what is done with the elements.
///
/// Elements come out in the order they were offered. What is offered while `capacity` elements wait is dropped and counted.
final class Outlet<Element: Sendable>: Sendable {
    private struct State {
        var waiting: [Element] = []
        var isClosed = false
        var dropped: UInt64 = 0
    }

    private let capacity: Int
    private let state: Monitor<State>
    private let thread: WorkerThread

    /// - Parameter body: takes one element; called on the outlet's thread only.
    init(_ name: String, capacity: Int, body: @escaping @Sendable (Element) -> Void) throws(AgentError) {
        self.capacity = capacity
        var empty = State()
        empty.waiting.reserveCapacity(capacity)
        let state = Monitor(empty)
        self.state = state
        thread = try WorkerThread.ofAgent(name) {
            // The two buffers change places, so that nothing is allocated once both have their size.
            var taken: [Element] = []
            taken.reserveCapacity(capacity)
            while true {
                let isOver = state.wait { state in
                    guard !state.waiting.isEmpty else { return state.isClosed ? .done(true) : .wait(nil) }
                    swap(&state.waiting, &taken)
                    return .done(false)
                }
                if isOver { return }
                for element in taken { body(element) }
                taken.removeAll(keepingCapacity: true)
            }
        }
    }

    /// Never waits for the outlet's thread.
    ///
    /// - Returns: false where the element was dropped.
    @discardableResult
    func offer(_ element: Element) -> Bool {
        let accepted = state.withLock { state in
            guard !state.isClosed, state.waiting.count < capacity else {
                state.dropped += 1
                return false
            }
            state.waiting.append(element)
            return true
        }
        if accepted { state.wakeAll() }
        return accepted
    }

    var dropped: UInt64 { state.withLock { $0.dropped } }

    /// Takes nothing more, and waits until what was taken is done, at most `timeout`.
    ///
    /// - Returns: false where it wasn't done in time.
    @discardableResult
    func close(timeout: Duration) -> Bool {
        state.withLock { $0.isClosed = true }
        state.wakeAll()
        return thread.join(timeout: timeout)
    }
}
