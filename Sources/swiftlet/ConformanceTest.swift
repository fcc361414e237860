// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Inference
internal import Networks
internal import ONNXImport
internal import Tensors

/// One folder of ONNX's backend tests: a model, and sets of inputs with the outputs that are expected.
package struct ConformanceTest {
    let folder: String

    package init(folder: String) { self.folder = folder }

    /// The folders with a `model.onnx` at or below `folder`, sorted.
    package static func folders(under folder: String, depth: Int = 6) -> [String] {
        let files = FileManager.default
        if files.fileExists(atPath: folder + "/model.onnx") { return [folder] }
        guard depth > 0, let names = try? files.contentsOfDirectory(atPath: folder) else { return [] }
        return names.sorted().flatMap { folders(under: "\(folder)/\($0)", depth: depth - 1) }
    }

    var name: String { folder.split(separator: "/").last.map(String.init) ?? folder }

    package func run() -> ConformanceResult {
        do {
            let file = try ONNXFile(contentsOf: folder + "/model.onnx")
            let sets = try dataSets()
            guard !sets.isEmpty else { return failure("no test_data_set_*") }
            for set in sets {
                if let difference = try difference(file, folder: set) { return failure(difference) }
            }
            return ConformanceResult(name: name, status: .pass)
        } catch let error as ImportError where error.code == .unsupported {
            return ConformanceResult(name: name, status: .unsupported, reason: error.description)
        } catch let error as InferenceError where error.code == .unsupported {
            return ConformanceResult(name: name, status: .unsupported, reason: error.description)
        } catch {
            return failure("\(error)")
        }
    }

    private func failure(_ reason: String) -> ConformanceResult { ConformanceResult(name: name, status: .fail, reason: reason) }

    private func dataSets() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("test_data_set_") }.sorted().map { "\(folder)/\($0)" }
    }

    /// What is wrong with the outputs for one set of inputs; `nil` if nothing is.
    private func difference(_ file: ONNXFile, folder: String) throws -> String? {
        let declared = try file.inputs
        let inputs = try tensors("input", in: folder)
        guard inputs.count == declared.count else { return "\(inputs.count) inputs in \(folder), the model has \(declared.count)" }
        var bindings: [String: InputBinding] = [:]
        for (input, tensor) in zip(declared, inputs) { bindings[input.name] = .sample(tensor) }
        let outputs = try conformanceOutputs(of: file.graph(bindings: bindings), inputs: inputs)
        let expected = try tensors("output", in: folder)
        guard outputs.count == expected.count else { return "\(outputs.count) outputs, expected \(expected.count)" }
        for (index, (output, expected)) in zip(outputs, expected).enumerated() {
            if let difference = output.difference(from: expected) { return "output \(index): \(difference)" }
        }
        return nil
    }

    private func tensors(_ kind: String, in folder: String) throws -> [Tensor] {
        var tensors: [Tensor] = []
        while case let path = "\(folder)/\(kind)_\(tensors.count).pb", FileManager.default.fileExists(atPath: path) {
            tensors.append(try Tensor(onnxFile: path))
        }
        return tensors
    }
}

extension Tensor {
    /// How the tensor differs from what ONNX's own test runner would accept: relative error 1e-3, absolute 1e-7 for real numbers.
    fileprivate func difference(from expected: Tensor) -> String? {
        guard type == expected.type, shape == expected.shape else { return "\(type) \(shape), expected \(expected.type) \(expected.shape)" }
        let (found, wanted) = (comparable, expected.comparable)
        guard let wrong = found.indices.first(where: { !found[$0].agrees(with: wanted[$0]) }) else { return nil }
        return "element \(wrong) is \(found[wrong].text), expected \(wanted[wrong].text)"
    }

    private var comparable: [ComparedNumber] {
        switch type {
        case .float64: elements(of: Double.self).map(ComparedNumber.real)
        case .float32, .float16: floats.map { ComparedNumber.real(Double($0)) }
        case .uint64: elements(of: UInt64.self).map { ComparedNumber.integer(Int64(bitPattern: $0)) }
        default: (integers ?? []).map { ComparedNumber.integer(Int64($0)) }
        }
    }
}

private enum ComparedNumber {
    case real(Double)
    case integer(Int64)

    func agrees(with expected: ComparedNumber) -> Bool {
        switch (self, expected) {
        case (.integer(let a), .integer(let b)): a == b
        case (.real(let a), .real(let b)): a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-7 + 1e-3 * abs(b)
        default: false
        }
    }

    var text: String {
        switch self {
        case .real(let number): "\(number)"
        case .integer(let number): "\(number)"
        }
    }
}
