// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Networks

/// `swiftlet verify MODEL.onnx|BUNDLE`: whether the engine computes in int8 what the definitions say, bit for bit.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that a network in int8 gives what its definition says, bit for bit.",
        discussion: """
            The values of the network are compared with the definitions of their operations, on every instruction set of this processor and for \
            one, two and three threads; so are the outputs of a network that keeps no other value. Left out are values rounded in float32 on their way (a softmax, say), \
            and 8-bit ones computed from these, which may fall on the other side of a step: how many were compared and left out is said. \
            The input is random, from --seed; a model takes its ranges from it.
            """)

    @Argument(help: "ONNX models or bundles.")
    var networks: [String]

    @Option(help: "Of the random input.")
    var seed: UInt64 = 1

    @Flag(help: "Print one JSON object a line and network.")
    var json = false

    func validate() throws {
        guard !networks.isEmpty else { throw ValidationError("no network is named") }
    }

    func run() throws { try exiting { try verify() } }

    private func verify() throws {
        var isGood = true
        for path in networks {
            let file = try ModelFile(path)
            let input = file.graph.randomInput(seed: seed)
            let report = try Verification(try file.runnable(precision: .int8, samples: input), input: input).report(name: ModelFile.name(of: path))
            guard report.values > 0 else { throw CommandFailure(.badData, "\(path) has no value in 8 bits to compare: all of it is rounded in float32") }
            isGood = isGood && report.differences.isEmpty
            if json { try printJSON(report) } else { try printLine(report) }
        }
        if !isGood { throw ExitCode(ExitStatus.failure.rawValue) }
    }
}
