// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
internal import Glibc
#endif

/// Whole files and parts of files, by the system calls.
package enum FileBytes {
    /// Largest file that `read` takes, in bytes.
    package static let maximumCount = 1 << 28

    /// All bytes of a regular file.
    package static func read(_ path: String) throws(ImageError) -> [UInt8] {
        let file = try ReadableFile(path)
        return try file.bytes(at: 0, count: file.count)
    }

    /// Writes a file whole, or not at all.
    package static func write(_ bytes: [UInt8], to path: String) throws(ImageError) {
        var file = try WritableFile(path)
        try file.append(bytes)
        try file.finish()
    }
}

/// A file that grows under another name and takes its own when it is finished; one that isn't finished is gone.
package struct WritableFile: ~Copyable {
    private let path: String
    private var descriptor: Int32

    package init(_ path: String) throws(ImageError) {
        self.path = path
        descriptor = unsafe open("\(path).part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ImageError(.unwritable, "write \(path)", SystemError.latest) }
    }

    deinit { discard() }

    package mutating func append(_ bytes: [UInt8]) throws(ImageError) {
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if result >= 0 { written += result } else if errno != EINTR { throw failure() }
        }
    }

    package mutating func finish() throws(ImageError) {
        let closed = descriptor
        descriptor = -1
        guard close(closed) == 0, unsafe rename("\(path).part", path) == 0 else {
            let failure = failure()
            unsafe unlink("\(path).part")
            throw failure
        }
    }

    private func failure() -> ImageError { ImageError(.unwritable, "write \(path)", SystemError.latest) }

    private func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unsafe unlink("\(path).part")
    }
}

/// A regular file, open for reading at any offset, from any thread.
package final class ReadableFile: Sendable {
    package let path: String
    /// Bytes, when it was opened.
    package let count: Int
    private let descriptor: Int32

    package init(_ path: String) throws(ImageError) {
        let operation = "read \(path)"
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ImageError(.unreadable, operation, SystemError.latest) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ImageError(.unreadable, operation, "not a file")
        }
        self.path = path
        self.descriptor = descriptor
        count = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Exactly `count` bytes from `offset` on.
    package func bytes(at offset: Int, count: Int) throws(ImageError) -> [UInt8] {
        guard count <= FileBytes.maximumCount else {
            throw ImageError(.tooLarge, "read \(path)", "\(count) bytes; the limit is \(FileBytes.maximumCount)")
        }
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let result = unsafe bytes.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress! + filled, count - filled, offset + filled)
            }
            if result > 0 {
                filled += result
            } else if result == 0 {
                throw ImageError(.truncated, "read \(path)", "the file ends at byte \(offset + filled)")
            } else if errno != EINTR {
                throw ImageError(.unreadable, "read \(path)", SystemError.latest)
            }
        }
        return bytes
    }
}
