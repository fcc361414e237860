// SPDX-License-Identifier: Apache-2.0

extension Graph {
    /// The same graph without nodes that no output depends on, and without values that nothing refers to. Inputs stay.
    package var withoutUnused: Graph {
        var needed = Set(outputs)
        var kept: [Node] = []
        for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
            kept.append(node)
            needed.formUnion(node.inputs.compactMap(\.self))
        }
        var result = Graph(name: name)
        needed.formUnion(inputs)
        needed.formUnion(kept.flatMap(\.outputs))
        var ids: [ValueID: ValueID] = [:]
        for id in needed.sorted(by: { $0.rawValue < $1.rawValue }) { ids[id] = result.add(self[id]) }
        result.inputs = inputs.compactMap { ids[$0] }
        result.outputs = outputs.compactMap { ids[$0] }
        result.nodes = kept.reversed().map { node in
            var node = node
            node.inputs = node.inputs.map { $0.flatMap { ids[$0] } }
            node.outputs = node.outputs.compactMap { ids[$0] }
            return node
        }
        return result
    }
}
