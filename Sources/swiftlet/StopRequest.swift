// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// SIGINT and SIGTERM as something to wait for.
struct StopRequest {
    /// Blocks the signals for the calling thread and all that it starts later: make it before any other thread is started. SIGPIPE is
    /// ignored: a reader that goes away is an error of `write`.
    init() {
        signal(SIGPIPE, SIG_IGN)
        var signals = Self.signals
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits that many seconds.
    ///
    /// - Returns: whether a signal came. It is taken: the next call waits for another.
    func wait(for seconds: Double) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            let rest = max((end - ContinuousClock.now).seconds, 0)
            var time = timespec(tv_sec: Int(rest), tv_nsec: Int((rest - rest.rounded(.down)) * 1e9))
            var signals = Self.signals
            if unsafe sigtimedwait(&signals, nil, &time) > 0 { return true }
            // EAGAIN: the time is over. EINTR: another signal's handler ran.
            if errno == EAGAIN { return false }
        }
    }

    /// Waits for a signal, and takes it.
    func wait() { while !wait(for: 3600) {} }

    /// Whether a signal has come since the last look. It is taken.
    var isRaised: Bool { wait(for: 0) }

    private static var signals: sigset_t {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        return signals
    }
}
