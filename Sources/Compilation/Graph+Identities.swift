// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Without nodes that hand their input on as it is.
    package func droppingIdentities() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            let node = graph.nodes[index]
            guard node.outputs.count == 1, let source = node.input(0), graph.isIdentity(node, of: source) else { return false }
            return graph.removeIdentity(at: index, source: source, uses: uses)
        }
        graph.joinReshapes()
        return graph.withoutDeadCode()
    }

    private func isIdentity(_ node: Node, of source: ValueID) -> Bool {
        let shape = self[source].shape
        switch node.operation {
        case .activation(.none): return true
        case .activation(.clip(let low, let high)): return low == -.infinity && high == .infinity
        case .clip: return node.input(1) == nil && node.input(2) == nil
        case .reshape: return shape == self[node.outputs[0]].shape
        case .transpose(let permutation): return permutation == Array(shape.indices)
        case .pad(let padding): return (padding.before + padding.after).allSatisfy { $0 == 0 }
        case .slice(let ranges): return ranges.allSatisfy { $0.start == 0 && $0.step == 1 && $0.count == shape[$0.axis] }
        case .concatenation, .split: return node.inputs.count == 1 && shape == self[node.outputs[0]].shape
        default: return false
        }
    }

    /// A reshape of a reshape reads what the first one read.
    private mutating func joinReshapes() {
        rewrite { graph, uses, index in
            guard graph.nodes[index].operation == .reshape, let producer = uses.producer(of: graph.nodes[index].input(0)),
                graph.nodes[producer].operation == .reshape
            else { return false }
            graph.nodes[index].inputs = graph.nodes[producer].inputs
            return true
        }
    }
}
