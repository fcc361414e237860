// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
internal import Threads

/// Threads, a flag between them, and a clock: what a rehearsal needs of the system.
enum Background {
    /// Runs `body` on a new thread.
    static func run(_ body: @escaping @Sendable () -> Void) throws(RehearsalError) {
        do {
            _ = try WorkerThread("swiftlet-child", body)
        } catch {
            throw RehearsalError(.system, error.operation, error.cause)
        }
    }

    /// Time since boot.
    static func now() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// A flag that stays up once raised; a thread can wait for it, also among sockets.
final class Flag: Sendable {
    /// Readable while the flag is up.
    let descriptor: CInt
    private let source: CInt

    init() throws(RehearsalError) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw RehearsalError("pipe") }
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

    func raise() {
        var byte: UInt8 = 1
        _ = unsafe write(source, &byte, 1)
    }

    func lower() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(descriptor, &bytes, bytes.count) == bytes.count {}
    }

    /// Whether the flag is up, at the latest after `timeout`; `nil` waits for ever.
    func wait(for timeout: Duration?) -> Bool {
        let end = timeout.map { Background.now() + $0 }
        while true {
            let left = end.map { max(.zero, $0 - Background.now()) }
            let milliseconds = left.map { CInt(clamping: Int64(($0 / .milliseconds(1)).rounded(.up))) } ?? -1
            var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
            if unsafe poll(&descriptors, 1, milliseconds) > 0 { return true }
            if left == .zero { return false }
        }
    }
}
