// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Images
internal import Synchronization

/// Asks a thread to stop, also while it waits for a file descriptor: a pipe that, once written, stays readable.
package final class StopSignal: Sendable {
    package enum Wake: Hashable, Sendable {
        case stopped
        /// The descriptor can be read without waiting, or has ended.
        case readable
        case timedOut
    }

    private let readEnd: Int32
    /// Closed, and -1, once signalled.
    private let writeEnd: Mutex<Int32>

    package init() throws(FrameError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw FrameError(.unreadable, "make a pipe", SystemError.latest) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readEnd = ends[0]
        writeEnd = Mutex(ends[1])
    }

    deinit {
        signal()
        close(readEnd)
    }

    package func signal() {
        writeEnd.withLock { end in
            guard end >= 0 else { return }
            // The byte counts, not the end of the pipe: a child process may have inherited the descriptor.
            var byte: UInt8 = 1
            _ = unsafe write(end, &byte, 1)
            close(end)
            end = -1
        }
    }

    package var isSignalled: Bool { writeEnd.withLock { $0 < 0 } }

    /// Waits for the signal, for `watched` where one is given, and at most for `timeout` where one is given. The signal goes before the rest.
    ///
    /// A timeout is rounded up to milliseconds.
    package func wait(for watched: Int32? = nil, timeout: Duration? = nil) -> Wake {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        while true {
            // poll(2) passes over a descriptor below 0.
            var polls = [
                pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0), pollfd(fd: watched ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let result = unsafe poll(&polls, 2, deadline.map { Self.milliseconds(until: $0) } ?? -1)
            if polls[0].revents != 0 { return .stopped }
            if result > 0, polls[1].revents != 0 { return .readable }
            if let deadline, ContinuousClock.now >= deadline { return .timedOut }
        }
    }

    private static func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = max(deadline - ContinuousClock.now, .zero).components
        return Int32(min(seconds, 1_000_000) * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
