// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Networks

/// The file that holds a ``BudgetRecord``, and the name of the present boot.
struct BudgetStore: Sendable {
    enum Content: Hashable, Sendable {
        case nothing
        case record(BudgetRecord)
        /// What is wrong with the file.
        case damaged(String)
    }

    let path: String

    /// - Parameter folder: where the file `budget` lies.
    /// - Throws: where the folder isn't there, or can't be written.
    init(folder: String) throws(AgentError) {
        path = folder + "/budget"
        guard unsafe access(folder, W_OK | X_OK) == 0 else {
            throw AgentError(.configuration, "keep the budget in \(folder)", unsafe String(cString: strerror(errno)))
        }
    }

    func read() -> Content {
        switch Self.bytes(of: path) {
        case .success(let bytes): BudgetRecord(bytes).map(Content.record) ?? .damaged("\(path) isn't a budget's state")
        case .failure(let failure) where failure.code == ENOENT: .nothing
        case .failure(let failure): unsafe .damaged("\(path): \(String(cString: strerror(failure.code)))")
        }
    }

    /// Returns once the record outlasts a loss of power.
    ///
    /// - Returns: why it couldn't be stored, if so.
    func write(_ record: BudgetRecord) -> String? {
        let bytes = record.bytes
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
        let line = (try? bytes(of: path).get()).map { String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self) }
        if let line, BudgetRecord.isBoot(line) { return line }
        return "unknown-\(UInt64.random(in: 0 ... .max))"
    }

    private struct Failure: Error { var code: CInt }

    /// At most one byte more than a record can have.
    private static func bytes(of path: String) -> Result<[UInt8], Failure> {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Failure(code: errno)) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= BudgetRecord.mostBytes {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
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
