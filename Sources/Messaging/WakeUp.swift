// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A flag that one thread raises and another waits for, also among sockets: a pipe to oneself.
package final class WakeUp: Sendable {
    /// Readable while the flag is up.
    let descriptor: CInt
    private let source: CInt

    package init() throws(LinkFault) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw LinkFault(.resource, "pipe", "error \(errno)") }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (descriptor, source) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(source)
    }

    package func raise() {
        var byte: UInt8 = 1
        _ = unsafe write(source, &byte, 1)
    }

    package func lower() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while unsafe read(descriptor, &bytes, bytes.count) == bytes.count {}
    }

    /// Waits until the flag is up, without lowering it; false after `timeout`.
    package func wait(for timeout: Duration) -> Bool {
        let end = MonotonicClock.now() + timeout
        while true {
            let left = max(.zero, end - MonotonicClock.now())
            var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
            let count = unsafe poll(&descriptors, 1, CInt(clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1))
            if count > 0 { return true }
            if left == .zero { return false }
        }
    }
}
