// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Offers each node to `rewrite` until it finds nothing more to do.
    ///
    /// - Parameter rewrite: changes the graph at the node of the given position and returns whether it did. Each change must bring the
    ///   graph nearer to what is wanted, or this doesn't end.
    mutating func rewrite(_ rewrite: (inout Graph, Uses, Int) throws -> Bool) rethrows {
        var uses = Uses(self)
        var index = 0
        while index < nodes.count {
            if try rewrite(&self, uses, index) {
                uses = Uses(self)
                index = 0
            } else {
                index += 1
            }
        }
    }

    /// Lets everything that reads `old` read `new`.
    mutating func replaceReads(of old: ValueID, with new: ValueID) {
        for index in nodes.indices {
            nodes[index].inputs = nodes[index].inputs.map { $0 == old ? new : $0 }
        }
        outputs = outputs.map { $0 == old ? new : $0 }
    }

    /// Removes the node at `index`, whose only output equals its input `source`. What carries the name of a graph output keeps it.
    ///
    /// - Returns: false where the node has to stay, because it turns an input, a constant, or another output into a graph output.
    mutating func removeIdentity(at index: Int, source: ValueID, uses: Uses) -> Bool {
        let result = nodes[index].outputs[0]
        let quantization = self[source].quantization ?? self[result].quantization
        guard uses.isOutput(result) else {
            nodes.remove(at: index)
            replaceReads(of: result, with: source)
            self[source].quantization = quantization
            return true
        }
        guard let producer = uses.producer(of: source), !uses.isOutput(source) else { return false }
        nodes[producer].outputs = nodes[producer].outputs.map { $0 == source ? result : $0 }
        nodes.remove(at: index)
        replaceReads(of: source, with: result)
        self[result].quantization = quantization
        return true
    }

    /// Without nodes that nothing needs, and without values that no node names.
    package func withoutDeadCode() -> Graph {
        var needed = Set(outputs)
        var kept: [Node] = []
        for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
            kept.append(node)
            needed.formUnion(node.inputs.compactMap(\.self))
        }
        kept.reverse()
        needed.formUnion(inputs)
        for node in kept { needed.formUnion(node.outputs) }
        var result = Graph(name: name)
        var renumbered: [ValueID: ValueID] = [:]
        for index in values.indices {
            let id = ValueID(rawValue: index)
            if needed.contains(id) { renumbered[id] = result.add(values[index]) }
        }
        func new(_ id: ValueID) -> ValueID { renumbered[id, default: id] }
        result.nodes = kept.map { node in
            Node(name: node.name, operation: node.operation, inputs: node.inputs.map { $0.map(new) }, outputs: node.outputs.map(new))
        }
        result.inputs = inputs.map(new)
        result.outputs = outputs.map(new)
        return result
    }

    /// The elements of a float32 constant; `nil` for anything else.
    func floats(_ id: ValueID?) -> [Float]? {
        guard let id, let constant = self[id].constant, constant.type == .float32 else { return nil }
        return constant.elements(of: Float.self)
    }

    /// The value of a float32 constant with one element.
    func scalar(_ id: ValueID?) -> Float? {
        guard let floats = floats(id), floats.count == 1 else { return nil }
        return floats[0]
    }

    /// Adds a float32 constant.
    mutating func addConstant(_ name: String, shape: [Int], _ elements: [Float], quantization: Quantization? = nil) -> ValueID {
        add(Value(name: name, constant: Tensor(shape: shape, elements), quantization: quantization))
    }
}

extension Node {
    /// The input at `index`; `nil` where it is absent or the list is shorter.
    func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }
}
