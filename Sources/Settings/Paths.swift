// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ValueKind where Value == String {
    /// A path, not empty; one that is relative starts at `folder`.
    static func path(from folder: String) -> Self {
        Self("a path") { text in
            guard !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(0) else { return nil }
            return text.utf8.first == 47 || folder.isEmpty ? text : folder + "/" + text
        } format: {
            $0
        }
    }

    /// As ``path(from:)``, or `-` for standard input.
    static func pathOrStandardInput(from folder: String) -> Self {
        Self("a path, or '-' for standard input") { $0 == "-" ? "-" : path(from: folder).parse($0) } format: { $0 }
    }
}

/// Reading of small files, whole.
enum SmallFile {
    /// Why a file can't be read: the system's word for it.
    struct Failure: Error { var reason: String }

    /// - Throws: also where the file has more than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw lastFailure() }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw lastFailure() }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw Failure(reason: "Is a directory") }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw lastFailure()
            }
            if count == 0 { return result }
            result += chunk.prefix(count)
            guard result.count <= limit else { throw Failure(reason: "more than \(limit) bytes") }
        }
    }

    private static func lastFailure() -> Failure { unsafe Failure(reason: String(cString: strerror(errno))) }
}
