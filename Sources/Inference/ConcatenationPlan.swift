// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// Which images are produced where a concatenation along the channels wants them, so that nothing is left for it to do.
///
/// A place is a range of channels of a root: a concatenation that is itself in no other place. The parts of nested concatenations lie in the
/// outermost; a concatenation of values that lie side by side in one root already (the blocks of a DenseNet) is a view of that root.
struct ConcatenationPlan {
    struct Place: Hashable {
        var root: ValueID
        /// Of the root: where the value's channels begin.
        var channel: Int
    }

    private(set) var places: [ValueID: Place] = [:]

    init(_ graph: Graph) {
        let given = Set(graph.inputs)
        // The last first: of two that share values, the later one holds what the earlier one does, and more.
        for node in graph.nodes.reversed() {
            guard case .concatenation(axis: 1) = node.operation, graph.joinsImages(node) else { continue }
            let output = node.outputs[0]
            let inputs = node.inputs.compactMap(\.self)
            if places[output] == nil { places[output] = sideBySide(inputs, as: graph[output].quantization, graph) }
            let base = places[output] ?? Place(root: output, channel: 0)
            var channel = base.channel
            for input in inputs {
                let isFree = places[input] == nil && input != base.root && graph[input].constant == nil && !given.contains(input)
                if isFree, graph[input].quantization == graph[output].quantization {
                    places[input] = Place(root: base.root, channel: channel)
                }
                channel += graph[input].shape[1]
            }
        }
    }

    /// Where the concatenation of values lies already.
    private func sideBySide(_ inputs: [ValueID], as quantization: Quantization?, _ graph: Graph) -> Place? {
        guard let first = places[inputs[0]] else { return nil }
        var channel = first.channel
        for input in inputs {
            guard places[input] == Place(root: first.root, channel: channel), graph[input].quantization == quantization else { return nil }
            channel += graph[input].shape[1]
        }
        return first
    }
}

extension Graph {
    /// A concatenation of images of one kind, each with a quantisation of its own at most.
    fileprivate func joinsImages(_ node: Node) -> Bool {
        let inputs = node.inputs.compactMap(\.self)
        let output = self[node.outputs[0]]
        return !inputs.isEmpty && inputs.count == node.inputs.count && Lowering.preferredLayout(output) == .channelsLast
            && output.shape.elementCount > 0 && inputs.allSatisfy { self[$0].type == output.type }
    }
}
