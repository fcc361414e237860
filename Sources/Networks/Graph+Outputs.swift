// SPDX-License-Identifier: Apache-2.0

extension Graph {
    /// The last output: what the whole network says. Outputs before it are exits, which say the same from less.
    ///
    /// - Precondition: the graph has an output.
    package var end: ValueID { outputs[outputs.count - 1] }

    /// The same network with its outputs in the order in which they branch off, by the multiply-adds that are done for other outputs, too; of equal ones, by all that
    /// each takes, and then by its nodes. So the deepest is the end.
    ///
    /// - Precondition: the graph passed ``check()``.
    package func withOutputsByDepth() -> Graph {
        guard outputs.count > 1 else { return self }
        let costs = nodes.map { cost(of: $0).multiplyAccumulates }
        let needed = outputs.map(nodesNeeded)
        let depths = needed.map { nodes in
            let shared = nodes.reduce(0) { sum, node in sum + (needed.count { $0.contains(node) } > 1 ? costs[node] : 0) }
            return (shared: shared, all: nodes.reduce(0) { $0 + costs[$1] }, nodes: nodes.count)
        }
        var result = self
        result.outputs = outputs.indices.sorted { a, b in
            let (first, second) = (depths[a], depths[b])
            return (first.shared, first.all, first.nodes, a) < (second.shared, second.all, second.nodes, b)
        }.map { outputs[$0] }
        return result
    }

    /// For each output the multiply-adds of the backbone before its head, and those of the head; of the end that of the whole backbone, and 0.
    ///
    /// - Precondition: the graph is in the order of ``orderedByExits()``.
    package var exitCosts: [(before: Int, head: Int)] {
        let costs = nodes.map { cost(of: $0).multiplyAccumulates }
        let heads = heads
        return exitPositions.enumerated().map { exit, position in
            let before = (0..<position).reduce(0) { $0 + (heads[$1] == nil ? costs[$1] : 0) }
            return (before, nodes.indices.reduce(0) { $0 + (heads[$1] == exit ? costs[$1] : 0) })
        }
    }

    /// The nodes that an output depends on.
    private func nodesNeeded(for output: ValueID) -> Set<Int> {
        var values: Set<ValueID> = [output]
        var result: Set<Int> = []
        for (index, node) in nodes.enumerated().reversed() where node.outputs.contains(where: values.contains) {
            values.formUnion(node.inputs.compactMap(\.self))
            result.insert(index)
        }
        return result
    }
}
