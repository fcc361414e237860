// SPDX-License-Identifier: Apache-2.0
internal import Compilation
internal import Digests
internal import FoundationEssentials
internal import Images
internal import Inference
package import Networks
internal import ONNXImport
package import Tensors

/// A network from a file: a bundle, or an ONNX model.
package struct ModelFile {
    let path: String
    /// As the file has it: see ``runnable(precision:samples:)``.
    package let graph: Graph
    /// What is known besides the graph. Of an ONNX file: its name and fp32, and what ``init(forImages:sidecar:labels:)`` adds.
    package private(set) var details: BundleDetails

    static func isONNX(_ path: String) -> Bool { path.lowercased().hasSuffix(".onnx") }

    package init(_ path: String) throws {
        if Self.isONNX(path) {
            try self.init(path, model: readFile(path))
        } else {
            let bundle = try Bundle(contentsOf: path)
            self.init(path: path, graph: bundle.graph, details: bundle.details)
        }
    }

    /// A bundle that isn't written yet.
    ///
    /// - Parameter path: what it is called in messages.
    init(_ bundle: Bundle, path: String) { self.init(path: path, graph: bundle.graph, details: bundle.details) }

    private init(path: String, graph: Graph, details: BundleDetails) {
        self.path = path
        self.graph = graph
        self.details = details
    }

    private init(_ path: String, model bytes: [UInt8]) throws {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        try self.init(
            path: path, graph: ONNXFile(bytes: bytes, path: path, folder: folder).graph().withOutputsByDepth(),
            details: BundleDetails(name: Self.name(of: path), precision: .fp32))
    }

    /// A network that takes images. For `MODEL.onnx` the sidecar `MODEL.json` beside it, where there is one, says how, and names the classes.
    ///
    /// - Parameters:
    ///   - sidecar: a file to use instead of the one beside an ONNX file.
    ///   - labels: a file with names of classes, instead of those of the sidecar.
    init(forImages path: String, sidecar: String? = nil, labels: String? = nil) throws {
        if Self.isONNX(path) {
            let bytes = try readFile(path)
            try self.init(path, model: bytes)
            details.sourceDigest = SHA256Digest(of: bytes).description
            try readSidecar(sidecar)
        } else {
            try self.init(path)
        }
        if let labels { details.labels = try LabelList.parse(readText(labels), path: labels) }
    }

    private mutating func readSidecar(_ given: String?) throws {
        let beside = String(path.dropLast(5)) + ".json"
        guard let file = given ?? (FileManager.default.fileExists(atPath: beside) ? beside : nil) else { return }
        let shape = graph.inputs.first.map { graph[$0].shape } ?? []
        let sidecar = try Sidecar(json: readFile(file), path: file, inputShape: shape)
        details.preprocessing = sidecar.preprocessing
        details.labels = sidecar.labels
        if let kind = sidecar.outputKind { details.outputKind = kind }
        if graph.endsInSoftmax { details.outputKind = .probabilities }
    }

    /// What is known of the network whatever its weights are: without what was proved of them.
    var detailsForCompiling: BundleDetails {
        var details = details
        (details.certifiedGate, details.recovery) = (nil, nil)
        return details
    }

    /// Elements of the end; 0 without one.
    var classes: Int { graph.outputs.last.map { graph[$0].shape.elementCount } ?? 0 }

    /// The file's name without folder and extension.
    static func name(of path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        return last.lastIndex(of: ".").map { $0 > last.startIndex ? String(last[..<$0]) : last } ?? last
    }

    /// The graph to load.
    ///
    /// - Parameters:
    ///   - precision: what a model is prepared for, float32 by default. A bundle has its own; another one is an error.
    ///   - samples: inputs that a model in int8 takes its ranges from; random ones where there are none.
    package func runnable(precision: BundleDetails.Precision? = nil, samples: [Tensor] = []) throws -> Graph {
        if Self.isONNX(path) { return try precision == .int8 ? graph.quantized(after: samples) : graph.optimized(for: .float) }
        if let precision, precision != details.precision {
            throw CommandFailure(.badData, "\(path) is a bundle of precision \(details.precision.rawValue), not \(precision.rawValue)")
        }
        return graph
    }
}

extension Executor {
    /// The position of the greatest number of the end, the first of equals.
    var topClass: Int { withOutput { output in output.indices.reduce(0) { output[$1] > output[$0] ? $1 : $0 } } }
}

extension Graph {
    /// The quantised form with the ranges that the values have for some inputs: for speed, not for answers.
    fileprivate func quantized(after samples: [Tensor]) throws -> Graph {
        let prepared = try takingQuantizationIntoValues().optimized(for: .quantized)
        let saturating = prepared.saturating()
        let executor = try Executor(saturating)
        var random = SystemRandomNumberGenerator()
        let inputs = samples.isEmpty ? (0..<4).map { _ in executor.inputs.map { $0.randomTensor(using: &random) } } : [samples]
        var statistics: [ValueID: ValueStatistics] = [:]
        for input in inputs {
            try executor.run(input) { id, numbers in statistics[id, default: ValueStatistics()].observe(numbers, shape: saturating[id].shape) }
        }
        return try prepared.quantized(statistics: statistics, rule: .extremes)
    }

    /// Runs the network once on its only input; what it says at its end, as float32.
    package func end(for tensor: Tensor, threads: Int = 1) throws -> Tensor {
        let executor = try Executor(self, options: ExecutorOptions(threads: threads))
        _ = try executor.run([tensor])
        return executor.withOutput { span in Tensor(shape: executor.outputs[executor.end].shape, span.indices.map { span[$0] }) }
    }
}

/// The bytes of a file.
func readFile(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw CommandFailure(.noInput, "can't read \(path): there is no such file, or it may not be read")
    }
    return Array(data)
}

/// The text of a file in UTF-8.
func readText(_ path: String) throws -> String {
    guard let text = String(validating: try readFile(path), as: UTF8.self) else {
        throw CommandFailure(.badData, "can't read \(path): it is no text in UTF-8")
    }
    return text
}

/// Writes a text file; it appears whole or not at all.
func writeText(_ text: String, to path: String) throws {
    do {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
        throw CommandFailure(.cannotCreate, "can't write \(path)")
    }
}
