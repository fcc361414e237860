// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// SIGINT and SIGTERM as something to wait for. SIGPIPE is ignored: a reader that goes away is an error of `write`.
///
/// The signals are caught, not blocked for sigwait(3): libraries start threads as they are loaded, before any mask of ours, and a signal
/// that one thread doesn't block goes there and ends the program.
package struct StopSignals: Sendable {
    private let descriptor: CInt

    /// Catches the signals from now on; make one only. Where the system has no pipe for it, they end the program at once.
    package init() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            descriptor = -1
            return
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // The handler never waits: more signals than a pipe holds say nothing new.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        descriptor = ends[0]
        unsafe signalPipe = ends[1]
        signal(SIGINT, noteSignal)
        signal(SIGTERM, noteSignal)
    }

    /// Waits for a signal and takes it: the next call waits for another.
    ///
    /// - Returns: its number; `nil` after `timeout`.
    package func wait(for timeout: Duration) -> CInt? {
        let end = ContinuousClock.now + timeout
        while true {
            let rest = max(end - ContinuousClock.now, .zero)
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = CInt(min((rest / .milliseconds(1)).rounded(.up), 3_600_000))
            if unsafe poll(&request, 1, milliseconds) > 0 {
                var number: UInt8 = 0
                if unsafe read(descriptor, &number, 1) == 1 { return CInt(number) }
            }
            if ContinuousClock.now >= end { return nil }
        }
    }

    /// Waits for a signal, and takes it.
    @discardableResult
    package func wait() -> CInt {
        while true {
            if let number = wait(for: .seconds(3600)) { return number }
        }
    }

    /// Whether a signal has come since the last look. It is taken.
    package var isRaised: Bool { wait(for: .zero) != nil }
}

/// Written once, before the handler is installed.
private nonisolated(unsafe) var signalPipe: CInt = -1

/// The handler: calls only what signal-safety(7) allows.
private func noteSignal(_ number: CInt) {
    let error = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = unsafe write(signalPipe, &byte, 1)
    errno = error
}
