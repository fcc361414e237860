// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What happened, in order; tests wait for entries in it instead of sleeping. Waiting ends when the test's time limit cancels it.
package final class Journal<Entry: Sendable>: Sendable {
    private struct Waiter: Sendable {
        /// Whether the entries so far satisfied it.
        var attempt: @Sendable ([Entry]) -> Bool
        var cancel: @Sendable () -> Void
    }

    private struct State: Sendable {
        var entries: [Entry] = []
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var entries: [Entry] { state.withLock { $0.entries } }

    package func record(_ entry: Entry) {
        state.withLock { state in
            state.entries.append(entry)
            for (id, waiter) in state.waiters where waiter.attempt(state.entries) { state.waiters[id] = nil }
        }
    }

    /// What `choose` makes of the first entry, from position `start` on, that it makes something of; waits until there is one.
    package func first<Choice: Sendable>(from start: Int = 0, _ choose: @escaping @Sendable (Entry) -> Choice?) async throws -> Choice {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Choice, any Error>) in
                let waiter = Waiter(
                    attempt: { entries in
                        for entry in entries.dropFirst(start) {
                            if let choice = choose(entry) {
                                continuation.resume(returning: choice)
                                return true
                            }
                        }
                        return false
                    }, cancel: { continuation.resume(throwing: CancellationError()) })
                let isCancelled = Task.isCancelled
                state.withLock { state in
                    if waiter.attempt(state.entries) { return }
                    if isCancelled { waiter.cancel() } else { state.waiters[id] = waiter }
                }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.cancel()
        }
    }

    /// Waits until `condition` holds for an entry from position `start` on.
    package func wait(from start: Int = 0, for condition: @escaping @Sendable (Entry) -> Bool) async throws {
        _ = try await first(from: start) { condition($0) ? true : nil }
    }
}
