// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A POSIX thread with a name that `top -H` shows.
package struct WorkerThread: Sendable {
    private let finished = Monitor(false)

    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread. There a reader that goes away is an error of `write`, in any program: SIGPIPE is blocked.
    ///
    /// - Parameter name: at most 15 bytes.
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let finished = finished
        let start = unsafe Unmanaged.passRetained(
            Start {
                Self.setName(name)
                Self.blockBrokenPipes()
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
            throw ThreadError(operation: "start the thread \(name)", cause: unsafe String(cString: strerror(result)))
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

    private static func blockBrokenPipes() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
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
