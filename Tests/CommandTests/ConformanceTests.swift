// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import TestSupport
import Testing
import swiftlet

struct ConformanceTests {
    @Test func onnxsOwnNodeTestsPass() throws {
        guard let folder = sharedData("onnx-node") else { return }
        let results = ConformanceTest.folders(under: folder).map { ConformanceTest(folder: $0).run() }
        #expect(results.count == 254)
        for result in results { #expect(result.status == .pass, "\(result.line)") }
    }

    /// Copies one test, applies `damage` to a file of it, and gives what becomes of it.
    private func result(damaging file: String, _ damage: (inout [UInt8]) -> Void) throws -> ConformanceResult? {
        guard let source = sharedData("onnx-node/test_sigmoid") else { return nil }
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

    @Test func aWrongOutputFails() throws {
        guard let result = try result(damaging: "test_data_set_0/output_0.pb", { $0[$0.count - 2] ^= 0x40 }) else { return }
        #expect(result.status == .fail)
    }

    @Test func aDamagedFileFailsAndAnUnknownOperatorIsUnsupported() throws {
        guard let damaged = try result(damaging: "test_data_set_0/input_0.pb", { $0.removeLast(9) }) else { return }
        #expect(damaged.status == .fail)
        let unknown = try result(damaging: "model.onnx") { bytes in
            for index in 0..<bytes.count - 7 where bytes[index..<index + 7].elementsEqual("Sigmoid".utf8) { bytes[index] = UInt8(ascii: "T") }
        }
        #expect(unknown?.status == .unsupported)
        #expect(unknown?.line.contains("Tigmoid") == true)
    }

    @Test func aFolderWithoutTestsHasNone() {
        #expect(ConformanceTest.folders(under: "/nonexistent").isEmpty)
    }
}
