// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A detached POSIX thread.
package enum Thread {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// `SCHED_BATCH`, which the C library names only for GNU sources.
    private static let batchPolicy: CInt = 3

    /// Runs `body` on a new thread.
    ///
    /// - Parameter yields: whether it can wait while threads that don't yield want the processor.
    package static func run(yields: Bool = false, _ body: @escaping @Sendable () -> Void) throws(LinkFault) {
        let box = unsafe Unmanaged.passRetained(
            Box {
                if yields { yieldToOthers() }
                body()
            })
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                if let context = unsafe context { unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            unsafe box.release()
            throw LinkFault(.resource, "start a thread", "error \(result)")
        }
        pthread_detach(thread)
    }

    /// On a full core a batch thread that wakes doesn't push aside the thread that runs (sched(7)); the nice value gives it the smaller share.
    private static func yieldToOthers() {
        var parameters = sched_param()
        _ = unsafe sched_setscheduler(0, batchPolicy, &parameters)
        let process = __priority_which_t(PRIO_PROCESS.rawValue)
        _ = setpriority(process, 0, getpriority(process, 0) + 5)
    }
}
