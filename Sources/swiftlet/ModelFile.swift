// SPDX-License-Identifier: Apache-2.0
internal import Compilation
internal import Digests
internal import FoundationEssentials
internal import Images
internal import Inference
internal import Networks
internal import ONNXImport
internal import Tensors

/// A network from a file: a bundle, or `MODEL.onnx` with the sidecar `MODEL.json` beside it where there is one.
struct ModelFile {
    var path: String
    var graph: Graph
    /// What is known besides the graph. Of an ONNX file: its name, fp32, and what the sidecar says.
    var details: BundleDetails
    var golden: Bundle.Golden?

    static func isONNX(_ path: String) -> Bool { path.lowercased().hasSuffix(".onnx") }

    /// - Parameters:
    ///   - sidecar: a file to use instead of the one beside an ONNX file.
    ///   - labels: a file with names of classes, instead of those of the sidecar.
    init(_ path: String, sidecar: String? = nil, labels: String? = nil) throws {
        self.path = path
        if Self.isONNX(path) {
            let bytes = try readFile(path)
            let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
            graph = try ONNXFile(bytes: bytes, path: path, folder: folder).graph()
            details = BundleDetails(name: Self.name(of: path), precision: .fp32, sourceDigest: SHA256Digest(of: bytes).description)
            try readSidecar(sidecar)
        } else {
            let bundle = try Bundle(contentsOf: path)
            graph = bundle.graph
            details = bundle.details
            golden = bundle.golden
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
    }

    /// The file's name without folder and extension.
    static func name(of path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        return last.lastIndex(of: ".").map { $0 > last.startIndex ? String(last[..<$0]) : last } ?? last
    }

    /// An executor for images.
    ///
    /// - Parameter fallback: the preprocessing where the file has none.
    func executor(preprocessing fallback: Preprocessing? = nil, options: ExecutorOptions = ExecutorOptions()) throws -> Executor {
        let runnable = Self.isONNX(path) ? try graph.optimized(for: .float) : graph
        return try Executor(runnable, preprocessing: details.preprocessing ?? fallback, options: options)
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
