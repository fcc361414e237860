// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Rehearsal
import Tensors
import TestSupport
import Testing
import swiftlet

/// `swiftlet bench --worker`: what `Packaging/bench-peers` talks to.
struct BenchWorkerTests {
    private struct Ready: Decodable {
        var ready: Bool
        var load_ms: Double
        var first_ms: Double
        var macs: Int
    }

    private struct Times: Decodable { var times_ms: [Double] }

    private func run(_ lines: String, _ arguments: [String] = []) async throws -> (output: [String], errors: [String], ending: ChildProcess.Ending) {
        let folder = TemporaryFolder()
        try Data(lines.utf8).write(to: URL(filePath: folder("lines")))
        let bundles = try await FlightBundles.shared
        let program = try Program("swiftlet", ["bench", bundles.board, "--worker"] + arguments, input: folder("lines"))
        let ending = try await program.journal.first { if case .ended(let ending) = $0 { ending } else { nil } }
        let errors = program.journal.entries.compactMap { if case .error(let line) = $0 { line } else { nil } }
        return (program.output, errors, ending)
    }

    @Test(.timeLimit(.minutes(1))) func eachCommandIsAnsweredByALine() async throws {
        let folder = TemporaryFolder()
        let size = 3 * 96 * 96
        let input = Tensor(shape: [1, 3, 96, 96], (0..<size).map { Float($0 % 17) / 8 - 1 })
        try Data(NPY.bytes(input)).write(to: URL(filePath: folder("in.npy")))
        let (output, _, ending) = try await run("run 0.01\nrun 0\noutput \(folder("out.npy"))\n", ["--input", folder("in.npy")])
        #expect(ending == .exited(0) && output.count == 4)
        let ready = try JSONDecoder().decode(Ready.self, from: Data(output[0].utf8))
        #expect(ready.ready && ready.load_ms > 0 && ready.first_ms > 0 && ready.macs > 1_000_000)
        #expect(try JSONDecoder().decode(Times.self, from: Data(output[1].utf8)).times_ms.reduce(0, +) >= 5)
        #expect(try JSONDecoder().decode(Times.self, from: Data(output[2].utf8)).times_ms.count == 1)
        let result = try NPY.tensor([UInt8](try Data(contentsOf: URL(filePath: folder("out.npy")))))
        let expected = try ModelFile(try await FlightBundles.shared.board).runnable().end(for: input)
        #expect(result.elements(of: Float.self) == expected.elements(of: Float.self))
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["jump", "run", "run fast", "run -1", "run nan", "output /none/out.npy", ""])
    func aWrongCommandEndsTheWorkerWithOneLine(_ command: String) async throws {
        let (output, errors, ending) = try await run(command + "\n")
        #expect(ending == .exited(command.hasPrefix("output") ? 73 : 64))
        #expect(output.count == 1 && errors.count == 1 && errors[0].hasPrefix("swiftlet: "))
    }
}

/// `swiftlet bench --together`.
struct BenchTogetherTests {
    private struct Report: Decodable {
        struct Cut: Decodable {
            var alone: Double
            var together: Double
            var work: Double
        }

        var inputs: Int
        var from: String?
        var cuts: [Cut]
    }

    @Test func whatIsGainedIsShownFromSeveralCuts() async throws {
        let outcome = try await tool(["bench", FlightBundles.shared.cloud, "--together", "3", "--runs", "2", "--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
        // Whether anything is gained is the machine's word; where it is, there are figures of both ways.
        #expect(report.inputs == 3 && (report.from == nil) == report.cuts.isEmpty)
        #expect(report.cuts.allSatisfy { $0.alone > 0 && $0.together > 0 && (0...1).contains($0.work) })
    }
}
