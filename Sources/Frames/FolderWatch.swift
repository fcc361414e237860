// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Images

/// Tells which files of a folder become complete: inotify(7), for files closed after writing and files moved in.
final class FolderWatch: Sendable {
    enum News: Hashable {
        /// File names, the oldest first, each once.
        case names([String])
        /// The kernel's queue was full; names are missing.
        case overflowed
    }

    /// Readable when there is news.
    let descriptor: Int32
    private let path: String

    init(path: String) throws(FrameError) {
        self.path = path
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw FrameError(.unreadable, "watch \(path)", SystemError.latest) }
        let mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
        guard unsafe inotify_add_watch(descriptor, path, UInt32(mask)) >= 0 else {
            let cause = SystemError.latest
            close(descriptor)
            throw FrameError(.unreadable, "watch \(path)", cause)
        }
    }

    deinit { close(descriptor) }

    /// All news there is. Throws when the folder is deleted, moved or unmounted.
    func read() throws(FrameError) -> News {
        var names: [String] = []
        while true {
            var bytes = [UInt8](repeating: 0, count: 16_384)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return .names(names) }
            guard count > 0 else { throw FrameError(.unreadable, "watch \(path)", SystemError.latest) }
            for event in Self.events(bytes[..<count]) {
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return .overflowed }
                if event.mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT) != 0 {
                    throw FrameError(.unreadable, "watch \(path)", "the folder was deleted, moved or unmounted")
                }
                names.removeAll { $0 == event.name }
                names.append(event.name)
            }
        }
    }

    /// Takes `struct inotify_event` records apart: watch, mask, cookie and length of the name, 4 bytes each, then the name with zeros behind it.
    private static func events(_ bytes: ArraySlice<UInt8>) -> [(mask: UInt32, name: String)] {
        var events: [(mask: UInt32, name: String)] = []
        var position = bytes.startIndex
        func word(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[position + offset + $1]) << UInt32(8 * $1) }
        }
        while position + 16 <= bytes.endIndex {
            let end = position + 16 + Int(word(12))
            guard end <= bytes.endIndex else { break }
            events.append((word(4), String(decoding: bytes[position + 16..<end].prefix { $0 != 0 }, as: UTF8.self)))
            position = end
        }
        return events
    }
}
