// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// `SCHED_BATCH`, which the C library names only for GNU sources.
private let batchPolicy: CInt = 3

/// A POSIX thread of the agent, with a name that `top -H` shows.
package struct WorkerThread: Sendable {
    private let finished = Monitor(false)

    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes.
    ///   - yields: whether it can wait while threads that don't yield want the processor.
    package init(_ name: String, yields: Bool = false, _ body: @escaping @Sendable () -> Void) throws(AgentError) {
        let finished = finished
        let start = unsafe Unmanaged.passRetained(
            Start {
                Self.setName(name)
                if yields { Self.yieldToOthers() }
                body()
                finished.withLock { $0 = true }
                finished.wakeAll()
            })
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                if let context = unsafe context { unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            unsafe start.release()
            throw AgentError(.unavailable, "start the thread \(name)", unsafe String(cString: strerror(result)))
        }
        pthread_detach(thread)
    }

    /// Where the name can't be set, the thread has its program's.
    private static func setName(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = unsafe name.withCString { unsafe write(file, $0, strlen($0)) }
        close(file)
    }

    /// On a full core a batch thread that wakes doesn't push aside the thread that runs (sched(7)); the nice value gives it the smaller share.
    private static func yieldToOthers() {
        var parameters = sched_param()
        _ = unsafe sched_setscheduler(0, batchPolicy, &parameters)
        let process = __priority_which_t(PRIO_PROCESS.rawValue)
        _ = setpriority(process, 0, getpriority(process, 0) + 5)
    }

    /// Waits until the thread's body has returned.
    ///
    /// - Returns: false where it hasn't after `timeout`; it goes on then by itself.
    @discardableResult
    package func join(timeout: Duration? = nil) -> Bool {
        var isFirst = true
        return finished.wait { isFinished in
            if isFinished { return .done(true) }
            defer { isFirst = false }
            return isFirst || timeout == nil ? .wait(timeout) : .done(false)
        }
    }
}
