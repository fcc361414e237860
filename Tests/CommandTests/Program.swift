// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Rehearsal
import TestSupport

/// One of our executables as a child process, and what it writes, line by line. Waiting ends where the program does.
final class Program: Sendable {
    enum Entry: Sendable {
        case output(String)
        case error(String)
        /// After the last line.
        case ended(ChildProcess.Ending)
    }

    /// What becomes of standard output.
    enum Reader: Sendable {
        case attentive
        /// Is there, and never reads: the pipe is full from the start.
        case stuck
        /// Closes its end at once.
        case gone
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String
    }

    let journal = Journal<Entry>()
    private let child: ChildProcess

    /// - Parameters:
    ///   - name: of the executable, which stands beside the tests; or the path of another program.
    ///   - input: the path of what standard input reads; nothing without it.
    init(_ name: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil, reader: Reader = .attentive) throws {
        let folder = TemporaryFolder()
        let output = try Self.pipe(folder("out"))
        let errors = try Self.pipe(folder("err"))
        if reader == .stuck { try Self.fill(folder("out")) }
        var command = [name.hasPrefix("/") ? name : try Self.path(of: name)] + arguments
        // The shell waits at the input until somebody opens it for writing, and becomes the program then.
        if let input { command = ["/bin/sh", "-c", "exec \"$@\" < \"$0\"", input] + command }
        let child = try ChildProcess(
            command[0], Array(command.dropFirst()), environment: environment, output: .file(folder("out")), errors: .file(folder("err")))
        self.child = child
        if reader == .gone { close(output) }
        let journal = journal
        Thread.detachNewThread {
            var pipes: [(descriptor: CInt, lines: Lines)] = [(errors, Lines { journal.record(.error($0)) })]
            if reader == .attentive { pipes.append((output, Lines { journal.record(.output($0)) })) }
            Self.read(&pipes)
            // Without a limit: who waits for the entry has one.
            if let ending = child.wait() { journal.record(.ended(ending)) }
            if reader == .stuck { close(output) }
            withExtendedLifetime(folder) {}
        }
    }

    deinit { child.kill(SIGKILL) }

    var processID: Int32 { child.processID }
    var isRunning: Bool { child.isRunning }

    func kill(_ signal: CInt) { child.kill(signal) }

    /// The number of entries until now: where to wait from for what comes next.
    var position: Int { journal.entries.count }

    /// Lines on standard output.
    var output: [String] { journal.entries.compactMap { if case .output(let line) = $0 { line } else { nil } } }
    /// Lines on standard error.
    var errors: [String] { journal.entries.compactMap { if case .error(let line) = $0 { line } else { nil } } }

    /// Waits for a line on standard output.
    ///
    /// - Throws: where the program ends without it.
    @discardableResult
    func output(from start: Int = 0, where condition: @escaping @Sendable (String) -> Bool = { _ in true }) async throws -> String {
        try await first(from: start) { if case .output(let line) = $0, condition(line) { line } else { nil } }
    }

    /// Waits for a line on standard error that contains `text`.
    @discardableResult
    func error(from start: Int = 0, containing text: String) async throws -> String {
        try await first(from: start) { if case .error(let line) = $0, line.contains(text) { line } else { nil } }
    }

    /// Waits for the end.
    func ending() async throws -> ChildProcess.Ending {
        try await journal.first { if case .ended(let ending) = $0 { ending } else { nil } }
    }

    private func first(from start: Int, _ choose: @escaping @Sendable (Entry) -> String?) async throws -> String {
        let result: Result<String, Missing> = try await journal.first(from: start) { entry in
            if let line = choose(entry) { return .success(line) }
            if case .ended(let ending) = entry { return .failure(Missing(description: "the program ended (\(ending)) before the line came")) }
            return nil
        }
        do { return try result.get() } catch { throw Missing(description: "\(error.description)\n\(errors.suffix(20).joined(separator: "\n"))") }
    }

    /// The path of an executable of this package: it stands in the folder of the tests' own.
    static func path(of name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: tests).deletingLastPathComponent().path + "/" + name
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Missing(description: "\(path) isn't there: build with `swift build -c release --build-tests`, and test with the same options")
        }
        return path
    }

    /// Makes a named pipe and opens it for reading.
    private static func pipe(_ path: String) throws -> CInt {
        guard unsafe mkfifo(path, 0o600) == 0 else { throw Missing(description: "no pipe at \(path)") }
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Missing(description: "no pipe at \(path)") }
        return descriptor
    }

    private static func fill(_ path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Missing(description: "no pipe at \(path)") }
        defer { close(descriptor) }
        let bytes = [UInt8](repeating: 10, count: 4096)
        while unsafe write(descriptor, bytes, bytes.count) > 0 {}
        let byte: [UInt8] = [10]
        while unsafe write(descriptor, byte, 1) > 0 {}
    }

    /// Cuts bytes into lines.
    private struct Lines {
        var rest: [UInt8] = []
        let take: @Sendable (String) -> Void

        init(take: @escaping @Sendable (String) -> Void) { self.take = take }

        mutating func add(_ bytes: ArraySlice<UInt8>) {
            rest += bytes
            while let end = rest.firstIndex(of: 10) {
                take(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }

        func finish() { if !rest.isEmpty { take(String(decoding: rest, as: UTF8.self)) } }
    }

    /// Reads until nobody writes any more, and closes.
    private static func read(_ pipes: inout [(descriptor: CInt, lines: Lines)]) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !pipes.isEmpty {
            var requests = pipes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = unsafe poll(&requests, nfds_t(requests.count), -1)
            for index in requests.indices.reversed() where requests[index].revents != 0 {
                let count = unsafe Glibc.read(pipes[index].descriptor, &buffer, buffer.count)
                if count > 0 {
                    pipes[index].lines.add(buffer[..<count])
                } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                    pipes[index].lines.finish()
                    close(pipes[index].descriptor)
                    pipes.remove(at: index)
                }
            }
        }
    }
}

/// Runs a command of the tool to its end.
func tool(_ arguments: [String], environment: [String: String] = [:]) async throws -> Outcome {
    try await Outcome(Program("swiftlet", arguments, environment: environment))
}

/// What a program has said, and how it ended.
struct Outcome: Sendable, CustomStringConvertible {
    var ending: ChildProcess.Ending
    var output: [String]
    var errors: [String]

    init(_ program: Program) async throws {
        ending = try await program.ending()
        output = program.output
        errors = program.errors
    }

    /// All that was said, on both streams.
    var text: String { (output + errors).joined(separator: "\n") }

    var description: String { "\(ending)\n\(output.joined(separator: "\n"))\n\(errors.joined(separator: "\n"))" }
}
