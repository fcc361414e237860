// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Images

/// Buffered reading from a descriptor, which stays the caller's. Waits for bytes no longer than until it is asked to stop.
struct ByteStream: Sendable {
    enum Byte: Hashable {
        case byte(UInt8)
        case over
        case stopped
    }

    enum Block: Hashable {
        case bytes([UInt8])
        /// The stream ended after so many of the bytes.
        case over(Int)
        case stopped
    }

    private let descriptor: Int32
    private let name: String
    /// For the lines between the frames, which are read to where they belong.
    private var buffer = [UInt8](repeating: 0, count: 4096)
    private var unread = 0..<0

    /// - Parameter name: names the stream in errors.
    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Whether bytes come at their own pace: so it is with everything but a regular file.
    var isLive: Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG
    }

    mutating func next(_ stop: StopSignal) throws(FrameError) -> Byte {
        if unread.isEmpty {
            switch try Self.read(descriptor, name, stop, into: &buffer, from: 0) {
            case .some(0): return .over
            case .some(let count): unread = 0..<count
            case nil: return .stopped
            }
        }
        defer { unread = unread.lowerBound + 1..<unread.upperBound }
        return .byte(buffer[unread.lowerBound])
    }

    mutating func block(of count: Int, _ stop: StopSignal) throws(FrameError) -> Block {
        let ready = unread.prefix(count)
        var block = [UInt8](repeating: 0, count: count)
        block.replaceSubrange(0..<ready.count, with: buffer[ready])
        unread = unread.lowerBound + ready.count..<unread.upperBound
        var filled = ready.count
        while filled < count {
            switch try Self.read(descriptor, name, stop, into: &block, from: filled) {
            case .some(0): return .over(filled)
            case .some(let count): filled += count
            case nil: return .stopped
            }
        }
        return .bytes(block)
    }

    /// Reads what there is, at most up to the end of `bytes`; 0 where the stream is over, `nil` when asked to stop.
    private static func read(
        _ descriptor: Int32, _ name: String, _ stop: StopSignal, into bytes: inout [UInt8], from first: Int
    ) throws(FrameError) -> Int? {
        while true {
            guard stop.wait(for: descriptor) == .readable else { return nil }
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress! + first, $0.count - first) }
            if count >= 0 { return count }
            guard errno == EINTR || errno == EAGAIN else { throw FrameError(.unreadable, "read \(name)", SystemError.latest) }
        }
    }
}
