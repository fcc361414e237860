// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Glibc

/// SIGTERM and SIGINT as calls on a thread. SIGPIPE is ignored: a reader that goes away is an error of `write`.
struct StopSignals {
    /// Blocks the signals for the calling thread and all that it starts later: call it before any other thread is started.
    init() {
        signal(SIGPIPE, SIG_IGN)
        var signals = Self.signals
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Runs `body` on a thread at the first signal; the second ends the program at once.
    func onStop(_ body: @escaping @Sendable () -> Void) throws(AgentError) {
        _ = try WorkerThread("swiftlet-signal") {
            Self.wait()
            _ = try? WorkerThread("swiftlet-stop", body)
            _exit(128 + Self.wait())
        }
    }

    @discardableResult
    private static func wait() -> Int32 {
        var signals = signals
        var number: Int32 = 0
        while unsafe sigwait(&signals, &number) != 0 {}
        return number
    }

    private static var signals: sigset_t {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        return signals
    }
}
