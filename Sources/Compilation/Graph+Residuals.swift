// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// A sum of a convolution and something else of the same shape becomes the convolution's fourth input. The convolution then runs where
    /// the sum stood; of two convolutions the later one takes the other in.
    package func fusingResiduals() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            let node = graph.nodes[index]
            guard case .binary(.add, let activation) = node.operation, let a = node.input(0), let b = node.input(1),
                graph[a].type == .float32, graph[a].shape == graph[b].shape
            else { return false }
            let candidates = [(a, b), (b, a)].compactMap { sum, other -> (producer: Int, other: ValueID)? in
                guard uses.isRead(sum, onlyBy: index), !graph.saturatesAtZero(sum), let producer = uses.producer(of: sum), graph[other].constant == nil,
                    case .convolution(let convolution) = graph.nodes[producer].operation, convolution.activation == .none,
                    graph.nodes[producer].input(3) == nil
                else { return nil }
                return (producer, other)
            }
            guard let chosen = candidates.max(by: { $0.producer < $1.producer }) else { return false }
            var fused = graph.nodes[chosen.producer]
            fused.operation.fusedActivation = activation
            fused.inputs = [fused.input(0), fused.input(1), fused.input(2), chosen.other]
            fused.outputs = node.outputs
            graph.nodes[index] = fused
            graph.nodes.remove(at: chosen.producer)
            return true
        }
        return graph.withoutDeadCode()
    }
}
