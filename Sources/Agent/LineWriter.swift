// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Logging
internal import Threads

/// Writes lines to a file descriptor from a thread of its own. A reader that doesn't read, or is gone, holds up nobody: its lines are
/// dropped and counted.
final class LineWriter: Sendable {
    private let outlet: Outlet<DecisionRecord>
    private let failed: Monitor<UInt64>

    /// A descriptor of the writer's own: its thread may still be at work when the caller has closed the original, whose number then means another file.
    private final class Output: Sendable {
        let descriptor: CInt

        init(copying original: CInt) throws(AgentError) {
            descriptor = fcntl(original, F_DUPFD_CLOEXEC, 0)
            guard descriptor >= 0 else { throw AgentError(.unavailable, "open the output for decisions", unsafe String(cString: strerror(errno))) }
        }

        deinit { Glibc.close(descriptor) }
    }

    /// - Parameter descriptor: stays the caller's, who may close it at any time.
    init(descriptor: CInt, labels: [String], log: AgentLog, capacity: Int = 1024) throws(AgentError) {
        let failed = Monitor<UInt64>(0)
        self.failed = failed
        let output = try Output(copying: descriptor)
        outlet = try Outlet("swiftlet-lines", capacity: capacity) { record in
            var line = record.json(labels: labels)
            line.append(UInt8(ascii: "\n"))
            if let reason = Self.write(line, to: output.descriptor) {
                failed.withLock { $0 += 1 }
                log.write(.error, kind: "output", "a decision could not be written: \(reason)")
            }
        }
    }

    func offer(_ record: DecisionRecord) { outlet.offer(record) }

    /// Lines that were not written.
    var dropped: UInt64 { outlet.dropped + failed.withLock { $0 } }

    func close(timeout: Duration) { outlet.close(timeout: timeout) }

    /// - Returns: why it could not be written, if so.
    private static func write(_ line: [UInt8], to descriptor: CInt) -> String? {
        var rest = line[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&request, 1, -1)
            } else if errno != EINTR {
                return unsafe String(cString: strerror(errno))
            }
        }
        return nil
    }
}
