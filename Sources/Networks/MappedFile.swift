// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A regular file, mapped read-only for as long as this object lives.
///
/// `@unchecked Sendable`: the bytes are never written through this mapping, and ``Bundle/write(to:)`` replaces files by renaming, so
/// that the mapped ones stay as they are. A program that shortens a mapped file in place ends this one with SIGBUS (mmap(2)).
@safe
package final class MappedFile: @unchecked Sendable {
    package let bytes: UnsafeRawBufferPointer

    /// - Throws: an `errno` as ``FileError``.
    package init(path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(errno: EINVAL) }
        let count = Int(status.st_size)
        guard count > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        // All of it will be read, at least to be checked: at once costs less than page by page.
        guard let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0), unsafe address != MAP_FAILED else {
            throw FileError(errno: errno)
        }
        unsafe bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let address = unsafe bytes.baseAddress { unsafe munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}

/// An `errno` with its text.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    package var errno: CInt

    package init(errno: CInt) { self.errno = errno }

    package var description: String {
        guard let text = unsafe strerror(errno) else { return "error \(errno)" }
        return unsafe String(cString: text)
    }
}
