// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Networks
import ONNXImport
import Tensors
import Testing

/// A model whose one constant lies in another file.
private func model(location: String, offset: String? = nil, length: String? = nil, count: Int = 4) -> [UInt8] {
    var builder = ModelBuilder()
    builder.initializer { tensor in
        tensor.integer(1, count)
        tensor.integer(2, 2)
        tensor.string(8, "c")
        tensor.integer(14, 1)
        for (key, value) in [("location", location), ("offset", offset), ("length", length)] {
            guard let value else { continue }
            tensor.message(13) {
                $0.string(1, key)
                $0.string(2, value)
            }
        }
    }
    builder.output("c")
    return builder.bytes
}

struct ExternalDataTests {
    /// Calls `body` with a folder that holds `model/weights.bin` (bytes 0 … 9), and `secret.bin` beside the model's folder.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let files = FileManager.default
        let root = files.temporaryDirectory.path + "/external-\(UUID().uuidString)"
        try files.createDirectory(atPath: root + "/model/sub", withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: root) }
        try Data(0..<10).write(to: URL(filePath: root + "/model/weights.bin"))
        try Data(0..<10).write(to: URL(filePath: root + "/secret.bin"))
        try files.createSymbolicLink(atPath: root + "/model/link.bin", withDestinationPath: root + "/secret.bin")
        try body(root)
    }

    private func constant(_ bytes: [UInt8], in folder: String) throws -> [Int]? {
        let path = folder + "/model/model.onnx"
        try Data(bytes).write(to: URL(filePath: path))
        let graph = try ONNXFile(contentsOf: path).graph()
        return graph.values.compactMap(\.constant).first?.integers
    }

    @Test func aPartOfAFileBesideTheModelIsRead() throws {
        try withFolder { folder in
            let middle = try constant(model(location: "weights.bin", offset: "3", length: "4"), in: folder)
            #expect(middle == [3, 4, 5, 6])
            let end = try constant(model(location: "./weights.bin", offset: "6"), in: folder)
            #expect(end == [6, 7, 8, 9])
        }
    }

    @Test(arguments: [
        ("weights.bin", "7", nil), ("weights.bin", "-1", nil), ("weights.bin", "9223372036854775807", "4"), ("weights.bin", "99999999999999999999", nil),
        ("weights.bin", "0", "5"), ("weights.bin", "x", nil), ("missing.bin", nil, nil), ("../secret.bin", nil, nil), ("sub/../../secret.bin", nil, nil),
        ("link.bin", nil, nil), ("/dev/zero", nil, nil), ("", nil, nil), ("sub", nil, nil), ("weights.bin\0", nil, nil),
    ] as [(String, String?, String?)])
    func whatLiesElsewhereOrIsTooShortIsAnError(_ location: String, _ offset: String?, _ length: String?) throws {
        try withFolder { folder in
            let error = #expect(throws: ImportError.self) { try constant(model(location: location, offset: offset, length: length), in: folder) }
            #expect(error?.subject.contains("'c'") == true)
        }
    }

    @Test func aModelInMemoryHasNoFolder() {
        #expect(throws: ImportError.self) { try ONNXFile(bytes: model(location: "weights.bin")).graph() }
    }
}
