// SPDX-License-Identifier: Apache-2.0
internal import Definitions
internal import Networks
internal import Tensors

extension Importer {
    /// An input; `nil` where it is left out.
    func input(_ index: Int, of node: NodeReader) throws(ImportError) -> ValueID? {
        guard index < node.proto.input.count, !node.proto.input[index].isEmpty else { return nil }
        let name = node.proto.input[index]
        guard let id = ids[name] else { throw ImportError(.invalid, "input '\(name)' is missing, or computed only later") }
        return id
    }

    func required(_ index: Int, of node: NodeReader) throws(ImportError) -> ValueID {
        guard let id = try input(index, of: node) else { throw ImportError(.invalid, "input \(index) is missing") }
        return id
    }

    func inputs(of node: NodeReader, atMost limit: Int) throws(ImportError) -> [ValueID?] {
        guard node.proto.input.count <= limit else {
            throw ImportError(.invalid, "\(node.proto.input.count) inputs, expected at most \(limit)")
        }
        var result: [ValueID?] = []
        for index in node.proto.input.indices { result.append(try input(index, of: node)) }
        return result
    }

    func shape(_ id: ValueID) -> [Int] { graph[id].shape }
    func type(_ id: ValueID) -> ElementType { graph[id].type }

    /// The elements of a constant, or the sample of an input; `nil` where neither is known.
    func knownTensor(_ id: ValueID) -> Tensor? { graph[id].constant ?? samples[id] }

    /// Integers that the graph's shapes depend on.
    func knownIntegers(_ id: ValueID, _ meaning: String) throws(ImportError) -> [Int] {
        guard let tensor = knownTensor(id) else {
            throw ImportError(.unsupported, "\(meaning) '\(graph[id].name)' that are computed while the network runs")
        }
        guard tensor.shape.count <= 1, let integers = tensor.integers else {
            throw ImportError(.invalid, "\(meaning) are \(tensor.type) \(tensor.shape), expected a list of integers")
        }
        return integers
    }

    /// Whether anything reads output `index`.
    func isRead(output index: Int, of node: NodeReader) -> Bool {
        index < node.proto.output.count && !node.proto.output[index].isEmpty && read.contains(node.proto.output[index])
    }

    /// Gives output `index` of `node` the value `id`.
    mutating func bind(_ index: Int, of node: NodeReader, to id: ValueID) throws(ImportError) {
        guard index < node.proto.output.count, !node.proto.output[index].isEmpty else { return }
        let name = node.proto.output[index]
        guard ids.updateValue(id, forKey: name) == nil else { throw ImportError(.format, "'\(name)' is computed twice") }
    }

    mutating func bind(_ index: Int, of node: NodeReader, to constant: Tensor) throws(ImportError) {
        guard index < node.proto.output.count else { return }
        try bind(index, of: node, to: graph.add(Value(name: node.proto.output[index], constant: constant)))
    }

    /// Applies an operation, or computes its results at once where all inputs are constant.
    ///
    /// - Parameters:
    ///   - shape: of the result, where the operation takes it from there.
    ///   - type: of the result, likewise.
    /// - Returns: as many results as there are `names`.
    mutating func apply(
        _ operation: Networks.Operation, name: String, inputs: [ValueID?], names: [String], shape: [Int]? = nil, type: ElementType? = nil
    ) throws(ImportError) -> [ValueID] {
        let operands = inputs.map { $0.map { graph[$0] } }
        let first = operands.first ?? nil
        var outputs = names.map { Value(name: $0, type: type ?? first?.type ?? .float32, shape: shape ?? first?.shape ?? []) }
        let inferred: [TensorType]
        do throws(GraphError) {
            inferred = try operation.outputs(of: operands, declared: outputs)
        } catch {
            throw ImportError(error)
        }
        guard inferred.count == outputs.count else { throw ImportError(.invalid, "\(outputs.count) outputs, expected \(inferred.count)") }
        for index in outputs.indices { (outputs[index].type, outputs[index].shape) = (inferred[index].type, inferred[index].shape) }
        if operands.allSatisfy({ $0 == nil || $0?.constant != nil }), foldingBudget.takes(operation, inputs: operands, outputs: outputs) {
            do throws(EvaluationError) {
                let results = try evaluate(operation, inputs: operands.map { $0?.constant }, outputs: outputs)
                return zip(names, results).map { graph.add(Value(name: $0, constant: $1)) }
            } catch {
                throw ImportError(.invalid, error.description)
            }
        }
        let results = outputs.map { graph.add($0) }
        graph.nodes.append(Node(name: name, operation: operation, inputs: inputs, outputs: results))
        return results
    }

    /// Applies an operation that is the whole meaning of a node's first output.
    mutating func apply(
        _ operation: Networks.Operation, as node: NodeReader, inputs: [ValueID?], shape: [Int]? = nil, type: ElementType? = nil
    ) throws(ImportError) {
        let name = node.proto.output.first ?? ""
        try bind(0, of: node, to: apply(operation, name: node.proto.name, inputs: inputs, names: [name], shape: shape, type: type)[0])
    }
}
