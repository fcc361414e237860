// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import FoundationEssentials

/// `swiftlet conform DIR… [--json]`: runs tests in ONNX's own layout.
///
/// Exit status: 0, 1 when a test fails, 65 when a folder holds no test, 66 when there is none.
struct ConformCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conform", abstract: "Run tests in ONNX's backend-test layout.",
        discussion: """
            A test is a folder with model.onnx and test_data_set_*/{input,output}_*.pb. Real numbers must agree within
            1e-7 + 1e-3 of the expected magnitude, everything else exactly.
            """)

    @Argument(help: ArgumentHelp("A test, or a folder with tests at any depth.", valueName: "dir"))
    var folders: [String]

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        try exiting {
            var tests: [String] = []
            for folder in folders {
                guard FileManager.default.fileExists(atPath: folder) else { throw CommandFailure(.noInput, "\(folder): there is no such folder") }
                let found = ConformanceTest.folders(under: folder)
                guard !found.isEmpty else { throw CommandFailure(.badData, "\(folder): no model.onnx here or below") }
                tests += found
            }
            var report = ConformanceReport()
            for folder in tests {
                let result = ConformanceTest(folder: folder).run()
                if !json { try printLine(result.line) }
                report.add(result)
            }
            if json { try printJSON(report) } else { try printLine(report.summary) }
            if report.failed > 0 { throw ExitCode(ExitStatus.failure.rawValue) }
        }
    }
}
