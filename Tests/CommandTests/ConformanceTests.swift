// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import TestSupport
import Testing
import swiftlet

struct ConformanceTests {
    @Test(.needs(sharedData: "onnx-node")) func onnxsOwnNodeTestsPass() throws {
        let results = ConformanceTest.folders(under: sharedData("onnx-node")).map { ConformanceTest(folder: $0).run() }
        #expect(results.count == 254)
        for result in results { #expect(result.status == .pass, "\(result.line)") }
    }

    /// Copies one test, applies `damage` to a file of it, and gives what becomes of it.
    private func result(damaging file: String, _ damage: (inout [UInt8]) -> Void) throws -> ConformanceResult {
        let source = sharedData("onnx-node/test_sigmoid")
        let files = FileManager.default
        let folder = files.temporaryDirectory.path + "/conform-\(UUID().uuidString)"
        defer { try? files.removeItem(atPath: folder) }
        try files.createDirectory(atPath: folder + "/test_data_set_0", withIntermediateDirectories: true)
        for name in ["model.onnx", "test_data_set_0/input_0.pb", "test_data_set_0/output_0.pb"] {
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(source)/\(name)")))
            if name == file { damage(&bytes) }
            try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
        }
        return ConformanceTest(folder: folder).run()
    }

    @Test(.needs(sharedData: "onnx-node")) func aWrongOutputFails() throws {
        let result = try result(damaging: "test_data_set_0/output_0.pb") { $0[$0.count - 2] ^= 0x40 }
        #expect(result.status == .fail)
    }

    @Test(.needs(sharedData: "onnx-node")) func aDamagedFileFailsAndAnUnknownOperatorIsUnsupported() throws {
        let damaged = try result(damaging: "test_data_set_0/input_0.pb") { $0.removeLast(9) }
        #expect(damaged.status == .fail)
        let unknown = try result(damaging: "model.onnx") { bytes in
            for index in 0..<bytes.count - 7 where bytes[index..<index + 7].elementsEqual("Sigmoid".utf8) { bytes[index] = UInt8(ascii: "T") }
        }
        #expect(unknown.status == .unsupported)
        #expect(unknown.line.contains("Tigmoid"))
    }

    @Test func aFolderWithoutTestsHasNone() {
        #expect(ConformanceTest.folders(under: "/nonexistent").isEmpty)
    }
}
