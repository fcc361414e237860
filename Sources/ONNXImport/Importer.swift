// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// Builds a graph from a model, node by node in the file's order.
struct Importer {
    static let versions: ClosedRange<Int64> = 11...28

    var graph: Graph
    let folder: String?
    let model: Onnx_GraphProto
    private let version: Int
    var ids: [String: ValueID] = [:]
    /// Names that a node or the graph's outputs read.
    let read: Set<String>
    /// Elements of inputs, for what must be known before the graph runs.
    var samples: [ValueID: Tensor] = [:]
    var foldingBudget = FoldingBudget()

    init(_ model: Onnx_ModelProto, folder: String?, bindings: [String: InputBinding]) throws(ImportError) {
        self.folder = folder
        self.model = model.graph
        version = try Self.version(of: model)
        graph = Graph(name: model.graph.name)
        read = Set(model.graph.node.flatMap(\.input) + model.graph.output.map(\.name))
        try addInitializers()
        try addInputs(bindings)
    }

    private static func version(of model: Onnx_ModelProto) throws(ImportError) -> Int {
        guard model.functions.isEmpty else { throw ImportError(.unsupported, "functions defined by the model") }
        guard model.graph.sparseInitializer.isEmpty else { throw ImportError(.unsupported, "sparse constants") }
        guard let version = model.opsetImport.first(where: { $0.domain.isEmpty || $0.domain == "ai.onnx" })?.version else {
            throw ImportError(.format, "names no operator set")
        }
        guard versions.contains(version) else {
            throw ImportError(.unsupported, "operator set \(version), expected \(versions.lowerBound) … \(versions.upperBound)")
        }
        return Int(version)
    }

    mutating func run() throws(ImportError) -> Graph {
        for (index, proto) in model.node.enumerated() {
            let name = proto.name.isEmpty ? "\(proto.opType)_\(index)" : proto.name
            do throws(ImportError) {
                try add(proto, named: name)
            } catch {
                throw error.within("node '\(name)' (\(proto.opType))")
            }
        }
        try finish()
        let result = graph.withoutUnused
        do throws(GraphError) {
            try result.check()
        } catch {
            throw ImportError(error)
        }
        return result
    }

    private mutating func add(_ proto: Onnx_NodeProto, named name: String) throws(ImportError) {
        guard proto.domain.isEmpty || proto.domain == "ai.onnx" else { throw ImportError(.unsupported, "operators of '\(proto.domain)'") }
        guard let operators = Self.operators[proto.opType] else { throw ImportError(.unsupported, "operator \(proto.opType)") }
        guard proto.output.contains(where: { !$0.isEmpty }) else { throw ImportError(.format, "a node without outputs") }
        var named = proto
        named.name = name
        var node = try NodeReader(named, version: version)
        try operators(&self, &node)
        try node.checkAllRead()
    }
}
