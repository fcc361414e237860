// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// A graph as text: what stands in a bundle under `graph`. Constants are named, their elements stand elsewhere.
struct GraphDescription: Codable {
    struct ValueDescription: Codable {
        var name: String
        var type: ElementType
        var shape: [Int]
        var quantization: Quantization?
        /// The name of the tensor with the elements.
        var constant: String?
    }

    struct NodeDescription: Codable {
        var name: String
        var operation: Operation
        /// Positions in `values`; -1 for an input that is absent.
        var inputs: [Int]
        var outputs: [Int]
    }

    var name: String
    var values: [ValueDescription]
    var nodes: [NodeDescription]
    var inputs: [Int]
    var outputs: [Int]

    /// What doesn't hold in a description.
    struct Contradiction: Error, CustomStringConvertible {
        var description: String
    }
}

extension GraphDescription {
    /// Tensors are called after their values; one whose name is taken or reserved also carries its position.
    init(_ graph: Graph) {
        name = graph.name
        var taken: Set<String> = [Safetensors.metadataKey]
        values = graph.values.enumerated().map { index, value in
            var constant: String?
            if value.constant != nil {
                let reserved = value.name.isEmpty || value.name.hasPrefix("golden.") || value.name.hasPrefix(Safetensors.paddingPrefix)
                var name = reserved ? "constant.\(value.name)" : value.name
                while taken.contains(name) { name += "#\(index)" }
                taken.insert(name)
                constant = name
            }
            return ValueDescription(
                name: value.name, type: value.type, shape: value.shape, quantization: value.quantization, constant: constant)
        }
        nodes = graph.nodes.map { node in
            NodeDescription(
                name: node.name, operation: node.operation, inputs: node.inputs.map { $0?.rawValue ?? -1 },
                outputs: node.outputs.map(\.rawValue))
        }
        inputs = graph.inputs.map(\.rawValue)
        outputs = graph.outputs.map(\.rawValue)
    }

    /// The constants of the described graph under their names, in the order of the values.
    func constants(of graph: Graph) -> [(name: String, tensor: Tensor)] {
        zip(values, graph.values).compactMap { description, value in
            guard let name = description.constant, let tensor = value.constant else { return nil }
            return (name, tensor)
        }
    }

    /// The graph, checked: whatever the description says, what is returned keeps the rules of ``Graph``.
    func graph(constants: [String: Tensor]) throws(Contradiction) -> Graph {
        var graph = Graph(name: name)
        for value in values { try graph.add(self.value(value, constants: constants)) }
        for node in nodes {
            var inputs: [ValueID?] = []
            for input in node.inputs { try inputs.append(input == -1 ? nil : id(input, of: node.name)) }
            var outputs: [ValueID] = []
            for output in node.outputs { try outputs.append(id(output, of: node.name)) }
            graph.nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, outputs: outputs))
        }
        for input in inputs { try graph.inputs.append(id(input, of: "the inputs")) }
        for output in outputs { try graph.outputs.append(id(output, of: "the outputs")) }
        do {
            try graph.check()
        } catch {
            throw Contradiction(description: error.description)
        }
        return graph
    }

    private func id(_ position: Int, of user: String) throws(Contradiction) -> ValueID {
        guard values.indices.contains(position) else {
            throw Contradiction(description: "'\(user)' names value \(position) of \(values.count)")
        }
        return ValueID(rawValue: position)
    }

    private func value(_ description: ValueDescription, constants: [String: Tensor]) throws(Contradiction) -> Value {
        guard description.shape.checkedElementCount != nil else {
            throw Contradiction(description: "'\(description.name)' has the impossible shape \(description.shape)")
        }
        var value = Value(
            name: description.name, type: description.type, shape: description.shape, quantization: description.quantization)
        if let name = description.constant {
            guard let tensor = constants[name] else { throw Contradiction(description: "the tensor '\(name)' is missing") }
            guard tensor.shape == description.shape, tensor.type == description.type else {
                throw Contradiction(description: "the tensor '\(name)' isn't what the graph says of it")
            }
            value.constant = tensor
        }
        return value
    }
}
