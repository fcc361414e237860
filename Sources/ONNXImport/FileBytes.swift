// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
internal import Glibc
#endif

/// Reads a part of a regular file.
///
/// - Parameters:
///   - length: bytes from `offset` on; `nil` for all that follow.
///   - limit: the most bytes that are read.
/// - Throws: ``ImportError`` of code `file` or `size`; the part must lie inside the file.
func readFile(_ path: String, offset: Int = 0, length: Int? = nil, limit: Int) throws(ImportError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw ImportError(.file, "can't be opened: \(systemMessage())", subject: path) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw ImportError(.file, "is not a regular file", subject: path)
    }
    let size = Int(status.st_size)
    guard offset >= 0, offset <= size, (length ?? 0) >= 0, (length ?? 0) <= size - offset else {
        throw ImportError(.file, "has \(size) bytes, \(length.map { "\($0) bytes" } ?? "those") from \(offset) on are outside", subject: path)
    }
    let wanted = length ?? size - offset
    guard wanted <= limit else { throw ImportError(.size, "\(wanted) bytes, at most \(limit) are read", subject: path) }
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
        while count < wanted, let start = buffer.baseAddress {
            let read = unsafe pread(descriptor, start + count, wanted - count, off_t(offset + count))
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { break }
            count += read
        }
    }
    guard bytes.count == wanted else { throw ImportError(.file, "ended or failed after \(bytes.count) of \(wanted) bytes", subject: path) }
    return bytes
}

/// The path with every link followed; `nil` where it doesn't exist.
func resolvedPath(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}

private func systemMessage() -> String { unsafe String(cString: strerror(errno)) }
