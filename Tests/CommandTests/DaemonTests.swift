// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Images
import Rehearsal
import TestSupport
import Testing

extension ProcessTests {
    /// `swiftletd`, without a broker.
    @Suite struct DaemonTests {
        let folder = TemporaryFolder()
        let flights = "flight: {seed: 5, rate: 50 fps}"

        private func start(
            source: String, environment: [String: String] = [:], input: String? = nil, reader: Program.Reader = .attentive
        ) async throws -> Program {
            let settings = try folder.write("agent.yaml", try await FlightBundles.shared.agentSettings(source: source))
            return try Program("swiftletd", ["--config", settings], environment: environment, input: input, reader: reader)
        }

        /// One decision for each frame that was taken up, each as the schema says.
        private func checkDecisions(_ program: Program) throws {
            let schema = try DecisionSchema()
            for line in program.output { #expect(schema.faults(line).isEmpty, "\(schema.faults(line))") }
            let frames = program.decisions().map(\.frame)
            #expect(Set(frames).count == frames.count)
            let statistics = try program.statistics()
            #expect(statistics["taken"] as? Int == frames.count, "\(statistics)")
            #expect(statistics["dropped_lines"] as? Int == 0, "\(statistics)")
        }

        @Test func aSoundConfigurationHasNoMistakes() async throws {
            let outcome = try await Outcome(Program("swiftletd", ["--check-config", FlightBundles.configuration + "/agent.yaml"]))
            #expect(outcome.ending == .exited(0), "\(outcome)")
            #expect(outcome.output.isEmpty && outcome.errors.count == 1)
        }

        @Test(arguments: ["--check-config", "--config"]) func everyMistakeOfAConfigurationIsOnALineOfItsOwn(_ option: String) async throws {
            let settings = try folder.write(
                "agent.yaml", "device: Board 1\nmodel: {bundle: a, thread: 2}\nsource: {flight: {rate: 0 fps}}\ndeadline: 3 days\n")
            let outcome = try await Outcome(Program("swiftletd", [option, settings]))
            #expect(outcome.ending == .exited(78), "\(outcome)")
            #expect(outcome.output.isEmpty && outcome.errors.count == 4, "\(outcome)")
            for (line, key) in zip(outcome.errors, ["device", "thread", "rate", "deadline"]) {
                #expect(line.hasPrefix(settings + ":") && line.contains(key), "\(line)")
            }
        }

        @Test func aLevelOfTheLogThatThereIsNotIsAMistakeOfUsage() async throws {
            let settings = try folder.write("agent.yaml", try await FlightBundles.shared.agentSettings(source: flights))
            let outcome = try await Outcome(Program("swiftletd", ["--config", settings], environment: ["SWIFTLET_LOG": "loud"]))
            #expect(outcome.ending == .exited(64) && outcome.output.isEmpty, "\(outcome)")
            #expect(outcome.errors.count == 1 && outcome.errors[0].contains("SWIFTLET_LOG: expected one of trace, debug, info,"), "\(outcome)")
        }

        @Test func aConfigurationThatIsNotThereIsABadConfiguration() async throws {
            for option in ["--check-config", "--config"] {
                let outcome = try await Outcome(Program("swiftletd", [option, folder("none.yaml")]))
                #expect(outcome.ending == .exited(78) && outcome.errors.count == 1 && outcome.output.isEmpty, "\(outcome)")
            }
        }

        @Test func anInstructionSetThatIsNotThereIsAUsageError() async throws {
            let outcome = try await Outcome(start(source: flights, environment: ["SWIFTLET_ISA": "avx3"]))
            #expect(outcome.ending == .exited(64) && outcome.errors.count == 1 && outcome.output.isEmpty, "\(outcome)")
        }

        @Test(arguments: [
            [], ["--config"], ["--config="], ["--config", "--check-config", "b"], ["--config", "a", "--check-config", "b"], ["--config", "a", "b"],
            ["--check-config", "a", "--check-config", "a"], ["--nonsense"], ["--conf", "a"], ["a"], ["-c", "a"],
        ])
        func otherArgumentsAreAUsageError(_ arguments: [String]) async throws {
            let outcome = try await Outcome(Program("swiftletd", arguments))
            #expect(outcome.ending == .exited(64), "\(outcome)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.count == 3 && outcome.errors[1].hasPrefix("Usage: swiftletd "), "\(outcome)")
        }

        @Test(arguments: [["-h"], ["--help"], ["--config", "a", "--help"]])
        func helpNamesEveryOption(_ arguments: [String]) async throws {
            let outcome = try await Outcome(Program("swiftletd", arguments))
            #expect(outcome.ending == .exited(0) && outcome.errors.isEmpty)
            for option in ["--config <file>", "--check-config <file>", "-h, --help"] {
                #expect(outcome.output.contains { $0.contains("  \(option)  ") }, "\(outcome)")
            }
        }

        @Test func aValueMayStandBehindAnEqualsSign() async throws {
            let outcome = try await Outcome(Program("swiftletd", ["--check-config=\(FlightBundles.configuration)/agent.yaml"]))
            #expect(outcome.ending == .exited(0), "\(outcome)")
        }

        @Test func aBundleThatIsNotThereIsABadConfiguration() async throws {
            let settings = try folder.write("agent.yaml", "device: a\nmodel: {bundle: none.swiftlet}\nsource: {\(flights)}\n")
            let outcome = try await Outcome(Program("swiftletd", ["--config", settings]))
            #expect(outcome.ending == .exited(78), "\(outcome)")
            #expect(outcome.output.isEmpty && outcome.errors.count == 1 && outcome.errors[0].contains("none.swiftlet"), "\(outcome)")
        }

        @Test func aDamagedBundleIsDamagedData() async throws {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: try await FlightBundles.shared.board)))
            let settings = try folder.write("agent.yaml", "device: a\nmodel: {bundle: bad.swiftlet}\nsource: {\(flights)}\n")
            var flipped = bytes
            flipped[bytes.count * 3 / 4] ^= 0x10
            for damaged in [[], Array(bytes.prefix(7)), Array(bytes.dropLast(1)), flipped, Array("not a bundle at all".utf8)] {
                _ = try folder.write("bad.swiftlet", damaged)
                let outcome = try await Outcome(Program("swiftletd", ["--config", settings]))
                #expect(outcome.ending == .exited(65), "\(outcome)")
                #expect(outcome.output.isEmpty && outcome.errors.count == 1, "\(outcome)")
            }
        }

        @Test(arguments: [SIGTERM, SIGINT]) func aSignalEndsItCleanlyWithAllDecisionsWritten(_ signal: CInt) async throws {
            let program = try await start(source: flights)
            try await program.decided(20, from: 0)
            program.kill(signal)
            #expect(try await program.ending() == .exited(0))
            try checkDecisions(program)
        }

        @Test func theSecondSignalEndsItAtOnce() async throws {
            // Its lines have nowhere to go, so that the end takes its time.
            let manager = try ServiceManagerSocket(folder("notify"))
            let program = try await start(source: flights, environment: ["NOTIFY_SOCKET": folder("notify"), "WATCHDOG_USEC": "200000"], reader: .stuck)
            for _ in 0..<20 { while try await manager.next() != "WATCHDOG=1" {} }
            // Both at once, however busy the machine is; which is the first isn't said.
            for signal in [SIGSTOP, SIGINT, SIGTERM, SIGCONT] { program.kill(signal) }
            let ending = try await program.ending()
            #expect([.exited(128 + SIGINT), .exited(128 + SIGTERM)].contains(ending), "\(ending)")
        }

        @Test func systemdHearsWhenItIsReadyAliveAndStopping() async throws {
            let manager = try ServiceManagerSocket(folder("notify"))
            let program = try await start(source: flights, environment: ["NOTIFY_SOCKET": folder("notify"), "WATCHDOG_USEC": "200000"])
            #expect(try await manager.next() == "READY=1")
            for _ in 0..<5 { #expect(try await manager.next() == "WATCHDOG=1") }
            program.kill(SIGTERM)
            var last = try await manager.next()
            while last == "WATCHDOG=1" { last = try await manager.next() }
            #expect(last == "STOPPING=1")
            #expect(try await program.ending() == .exited(0))
        }

        @Test func systemdHearsNoSignsOfLifeThatItDidNotAskFor() async throws {
            let manager = try ServiceManagerSocket(folder("notify"))
            let program = try await start(
                source: "flight: {seed: 5, rate: 50 fps, frames: 50}",
                environment: ["NOTIFY_SOCKET": folder("notify"), "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"])
            #expect(try await program.ending() == .exited(0))
            #expect(manager.waiting() == ["READY=1"])
        }

        @Test(arguments: [Program.Reader.gone, .stuck]) func aReaderThatIsGoneOrStuckDoesNotEndIt(_ reader: Program.Reader) async throws {
            let program = try await start(source: "flight: {seed: 5, rate: 50 fps, frames: 60}", reader: reader)
            #expect(try await program.ending() == .exited(0))
            let statistics = try program.statistics()
            // It decided all the same.
            let taken = try #require(statistics["taken"] as? Int)
            let replaced = try #require(statistics["replaced"] as? Int)
            let skipped = try #require(statistics["skipped"] as? Int)
            #expect(taken + replaced + skipped == 60, "\(statistics)")
            let dropped = try #require(statistics["dropped_lines"] as? Int)
            #expect(reader == .stuck || dropped == taken, "\(statistics)")
        }

        @Test func aStuckReaderDoesNotKeepASignalFromEndingIt() async throws {
            let manager = try ServiceManagerSocket(folder("notify"))
            let program = try await start(source: flights, environment: ["NOTIFY_SOCKET": folder("notify")], reader: .stuck)
            #expect(try await manager.next() == "READY=1")
            program.kill(SIGTERM)
            #expect(try await program.ending() == .exited(0))
        }

        @Test func everyImageOfAFolderIsDecidedOnceByName() async throws {
            let frames = try await FlightBundles.shared.frames
            let program = try await start(source: "folder: {path: \"\(frames)\"}")
            #expect(try await program.ending() == .exited(0))
            try checkDecisions(program)
            let names = try FileManager.default.contentsOfDirectory(atPath: frames).filter { $0.hasSuffix(".png") }.sorted()
            #expect(program.decisions().compactMap(\.name).sorted() == names)
        }

        @Test func aFolderWithoutImagesIsUnavailable() async throws {
            let program = try await start(source: "folder: {path: none}")
            let outcome = try await Outcome(program)
            #expect([ChildProcess.Ending.exited(78), .exited(69)].contains(outcome.ending), "\(outcome)")
            #expect(outcome.output.isEmpty)
        }

        @Test func framesOfAStreamAreDecidedAsTheyCome() async throws {
            let made = unsafe mkfifo(folder("video"), 0o600)
            #expect(made == 0)
            let program = try await start(source: "y4m: {path: \"-\"}", input: folder("video"))
            // Opening waits for the reader, as the reader waits for us.
            let video = try #require(FileHandle(forWritingAtPath: folder("video")))
            try video.write(contentsOf: Data("YUV4MPEG2 W96 H96 F25:1 Ip A1:1 C420jpeg\n".utf8))
            var random = SeededGenerator(seed: 11)
            var position = 0
            for frame in 0..<12 {
                let planes = (0..<96 * 96 * 3 / 2).map { _ in UInt8.random(in: 0...255, using: &random) }
                try video.write(contentsOf: Data("FRAME\n".utf8) + Data(planes))
                position = program.position
                try await program.output(from: 0) { DecisionLine($0)?.frame == UInt64(frame) }
            }
            #expect(program.isRunning && position > 0)
            try video.close()
            #expect(try await program.ending() == .exited(0))
            try checkDecisions(program)
            #expect(program.decisions().map(\.frame).sorted() == Array(0..<12))
        }

        @Test func aStreamOfAnotherFormatIsDamagedData() async throws {
            let input = try folder.write("video", "RIFF, but no YUV4MPEG2\n")
            let outcome = try await Outcome(start(source: "y4m: {path: \"-\"}", input: input))
            #expect(outcome.ending == .exited(65), "\(outcome)")
            #expect(outcome.output.isEmpty)
        }
    }
}

/// The socket on which systemd would listen.
private final class ServiceManagerSocket: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        try #require(bytes.count < 108)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    /// The next message; throws where none comes in 30 s.
    func next() async throws -> String {
        let message: String? = await withCheckedContinuation { continuation in
            let descriptor = descriptor
            Thread.detachNewThread {
                var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = unsafe poll(&request, 1, 30_000)
                continuation.resume(returning: Self.receive(descriptor))
            }
        }
        return try #require(message, "no message in 30 s")
    }

    /// The messages that are there.
    func waiting() -> [String] {
        var messages: [String] = []
        while let message = Self.receive(descriptor) { messages.append(message) }
        return messages
    }

    private static func receive(_ descriptor: CInt) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
