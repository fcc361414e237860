// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Glibc
internal import Threads

/// SIGTERM and SIGINT as calls on a thread. SIGPIPE is ignored: a reader that goes away is an error of `write`.
///
/// The signals are caught, not blocked for sigwait(3): libraries start threads as they are loaded, before any mask of ours, and a signal
/// that one thread doesn't block goes there and ends the program.
struct StopSignals {
    private let descriptor: CInt

    /// Catches the signals from now on. Where the system has no pipe for it, they end the program at once.
    init() {
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
        signal(SIGTERM, noteSignal)
        signal(SIGINT, noteSignal)
    }

    /// Runs `body` on a thread at the first signal; the second ends the program at once.
    func onStop(_ body: @escaping @Sendable () -> Void) throws(AgentError) {
        let descriptor = descriptor
        guard descriptor >= 0 else { return }
        _ = try WorkerThread.ofAgent("swiftlet-signal") {
            Self.wait(descriptor)
            _ = try? WorkerThread.ofAgent("swiftlet-stop", body)
            _exit(128 + Self.wait(descriptor))
        }
    }

    /// Waits for a signal.
    ///
    /// - Returns: its number.
    @discardableResult
    private static func wait(_ descriptor: CInt) -> CInt {
        var number: UInt8 = 0
        while unsafe read(descriptor, &number, 1) != 1 {}
        return CInt(number)
    }
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
