// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A file that appears at its path whole or not at all, also across a loss of power: written beside it under a temporary name,
/// flushed (fsync(2)), renamed, and the directory flushed.
package struct AtomicFile: ~Copyable {
    private let path: String
    private let temporaryPath: String
    private var descriptor: CInt

    /// Creates the temporary file.
    ///
    /// - Parameter isWrittenByOne: nobody else writes the file at the same time. The temporary name is the same each time then, so that what losses of power
    ///   leave behind doesn't pile up.
    package init(path: String, isWrittenByOne: Bool = false) throws(FileError) {
        var candidate: String
        var opened: CInt
        repeat {
            candidate = isWrittenByOne ? "\(path).part" : "\(path).\(String(UInt32.random(in: 0 ... .max), radix: 16)).part"
            opened = unsafe open(candidate, O_WRONLY | O_CREAT | (isWrittenByOne ? O_TRUNC : O_EXCL) | O_CLOEXEC, 0o666)
        } while opened < 0 && errno == EEXIST && !isWrittenByOne
        guard opened >= 0 else { throw FileError(errno: errno) }
        self.path = path
        temporaryPath = candidate
        descriptor = opened
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unsafe unlink(temporaryPath)
        }
    }

    package mutating func write(_ bytes: RawSpan) throws(FileError) {
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: written)
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw FileError(errno: errno)
            }
        }
    }

    /// Moves the file into place, replacing what was there.
    package mutating func commit() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError(errno: errno) }
        guard unsafe rename(temporaryPath, path) == 0 else { throw FileError(errno: errno) }
        close(descriptor)
        descriptor = -1
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directoryDescriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directoryDescriptor >= 0 else { throw FileError(errno: errno) }
        defer { close(directoryDescriptor) }
        guard fsync(directoryDescriptor) == 0 || errno == EINVAL else { throw FileError(errno: errno) }
    }
}
