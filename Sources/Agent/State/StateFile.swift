// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Networks

/// One file of the folder for what outlasts a restart. One thread writes it, and nobody else.
struct StateFile: Sendable {
    enum Content<Record> {
        case nothing
        case record(Record)
        /// What is wrong with the file.
        case damaged(String)
    }

    let path: String

    /// - Parameter subject: what is kept in the folder, for errors.
    /// - Throws: where the folder isn't there, or can't be written.
    init(_ name: String, in folder: String, of subject: String) throws(AgentError) {
        path = folder + "/" + name
        guard unsafe access(folder, W_OK | X_OK) == 0 else {
            throw AgentError(.configuration, "keep \(subject) in \(folder)", unsafe String(cString: strerror(errno)))
        }
    }

    /// - Parameters:
    ///   - most: longer files are no records.
    ///   - record: the record that bytes are; `nil` where they are none.
    func read<Record>(atMost most: Int, _ record: ([UInt8]) -> Record?) -> Content<Record> {
        switch Self.bytes(of: path, atMost: most) {
        case .success(let bytes): record(bytes).map(Content.record) ?? .damaged("\(path) isn't what was stored there")
        case .failure(let failure) where failure.code == ENOENT: .nothing
        case .failure(let failure): unsafe .damaged("\(path): \(String(cString: strerror(failure.code)))")
        }
    }

    /// Returns once the bytes outlast a loss of power; until then what was there before does.
    ///
    /// - Returns: why they couldn't be stored, if so.
    func write(_ bytes: [UInt8]) -> String? {
        do throws(FileError) {
            var file = try AtomicFile(path: path, isWrittenByOne: true)
            try unsafe bytes.span.withUnsafeBytes { bytes throws(FileError) in try unsafe file.write(bytes.bytes) }
            try file.commit()
            return nil
        } catch {
            return "\(path): \(error)"
        }
    }

    /// The kernel's name for the present boot; a name that no other has where it gives none.
    static func boot(_ path: String = "/proc/sys/kernel/random/boot_id") -> String {
        let line = (try? bytes(of: path, atMost: 64).get()).map { String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self) }
        if let line, StateText.isBoot(line) { return line }
        return "unknown-\(UInt64.random(in: 0 ... .max))"
    }

    private struct Failure: Error { var code: CInt }

    /// At most one byte more than `most`.
    private static func bytes(of path: String, atMost most: Int) -> Result<[UInt8], Failure> {
        // A pipe that somebody has put there must not be waited for.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Failure(code: errno)) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= most {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, min($0.count, most + 1 - bytes.count)) }
            if count == 0 { break }
            if count > 0 {
                bytes += chunk.prefix(count)
            } else if errno != EINTR {
                return .failure(Failure(code: errno))
            }
        }
        return .success(bytes)
    }
}
