// SPDX-License-Identifier: Apache-2.0
internal import Definitions
package import Networks
internal import Tensors

extension Graph {
    /// Results that don't depend on the inputs are computed now.
    ///
    /// - Parameter keepsQuantization: `quantize` and `dequantize` stay as they are, so that their parameters can be read from the graph.
    /// - Throws: what the definition of an operation throws.
    package func foldingConstants(keepsQuantization: Bool = false) throws -> Graph {
        var graph = self
        var kept: [Node] = []
        for node in nodes {
            guard graph.isFoldable(node, keepsQuantization: keepsQuantization) else {
                kept.append(node)
                continue
            }
            let results = try evaluate(
                node.operation, inputs: node.inputs.map { $0.flatMap { graph[$0].constant } }, outputs: node.outputs.map { graph[$0] })
            for (id, result) in zip(node.outputs, results) { graph[id].constant = result }
        }
        graph.nodes = kept
        return graph.withoutDeadCode()
    }

    private func isFoldable(_ node: Node, keepsQuantization: Bool) -> Bool {
        switch node.operation {
        case .quantize, .dequantize: if keepsQuantization { return false }
        default: break
        }
        guard !node.inputs.isEmpty, node.outputs.allSatisfy({ !outputs.contains($0) }) else { return false }
        return node.inputs.allSatisfy { $0.map { self[$0].constant != nil } ?? true }
    }
}
