// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A value behind a lock, with a way to sleep until it changes.
///
/// `@unchecked Sendable`: POSIX guarantees that between `pthread_mutex_lock` and `pthread_mutex_unlock` of one mutex there is one thread
/// at a time, and the value is touched nowhere else.
@safe
package final class Monitor<State>: @unchecked Sendable {
    /// What a sleeper does next.
    package enum Next<Result> {
        case done(Result)
        /// Look again after a change, or after this long.
        case wait(Duration?)
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    package init(_ state: sending State) {
        self.state = state
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe changed.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Reads or changes the value, without waking anybody.
    package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the value and wakes all that sleep.
    package func change<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        defer { wakeAll() }
        return try withLock(body)
    }

    /// Wakes all that sleep in ``wait(_:)``.
    package func wakeAll() { unsafe pthread_cond_broadcast(changed) }

    /// Looks at the value, and again after each change, until `body` is done. The lock is free while it sleeps.
    package func wait<Result>(_ body: (inout State) -> Next<Result>) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            switch body(&state) {
            case .done(let result): return result
            case .wait(nil): unsafe pthread_cond_wait(changed, mutex)
            case .wait(let timeout?):
                var time = timespec()
                unsafe clock_gettime(CLOCK_MONOTONIC, &time)
                let until = Duration.seconds(time.tv_sec) + .nanoseconds(time.tv_nsec) + min(timeout, .seconds(3600))
                time.tv_sec = Int(until.components.seconds)
                time.tv_nsec = Int(until.components.attoseconds / 1_000_000_000)
                unsafe pthread_cond_timedwait(changed, mutex, &time)
            }
        }
    }
}
