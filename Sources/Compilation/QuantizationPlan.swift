// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// Which nodes of a float32 graph get a quantised form, and which values share one quantisation.
struct QuantizationPlan {
    private let graph: Graph
    private let uses: Uses
    private let joinsConcatenations: Bool
    private let kept: Set<ValueID>
    /// By node.
    private(set) var isQuantized: [Bool]
    /// By value: a value that stands for those with the same quantisation.
    private var representatives: [Int]
    /// By representative: the quantisation that a quantised model brought for one of its values. Values with different ones are never joined.
    private var known: [Int: Quantization] = [:]

    /// - Parameters:
    ///   - joinsConcatenations: everything that is concatenated has the quantisation of the result, so that nothing is converted on the way;
    ///     otherwise only what nothing else reads. What a quantised model gave another quantisation than the result keeps it either way.
    ///   - kept: outputs of convolutions and products that stay float32.
    init(_ graph: Graph, joinsConcatenations: Bool = true, kept: Set<ValueID> = []) {
        self.graph = graph
        self.joinsConcatenations = joinsConcatenations
        self.kept = kept
        uses = Uses(graph)
        isQuantized = Array(repeating: false, count: graph.nodes.count)
        representatives = Array(graph.values.indices)
        for index in graph.values.indices where graph.values[index].constant == nil { known[index] = graph.values[index].quantization }
        for index in graph.nodes.indices.reversed() { isQuantized[index] = deservesQuantization(index) }
        for index in graph.nodes.indices where isQuantized[index] { share(index) }
    }

    /// The value whose quantisation this one has, too.
    func representative(of id: ValueID) -> ValueID {
        var position = id.rawValue
        while representatives[position] != position { position = representatives[position] }
        return ValueID(rawValue: position)
    }

    /// Whether the result takes its quantised form: because a node reads that, or because a quantised model rounds and limits it so.
    func takesQuantizedForm(_ id: ValueID) -> Bool {
        graph[id].quantization != nil || uses.readers(of: id).contains { isQuantized[$0] && graph.nodes[$0].activationInputs.contains(id) }
    }

    func isOutput(_ id: ValueID) -> Bool { uses.isOutput(id) }

    /// Products always, where they have a quantised form; everything else only where results take theirs, so that the last ones stay real numbers.
    private func deservesQuantization(_ index: Int) -> Bool {
        let node = graph.nodes[index]
        guard graph.hasQuantizedForm(node) else { return false }
        switch node.operation {
        case .convolution, .gemm: return !kept.contains(node.outputs[0])
        default: return node.outputs.contains(where: takesQuantizedForm)
        }
    }

    private mutating func share(_ index: Int) {
        let node = graph.nodes[index]
        switch node.operation {
        case .concatenation: joinParts(index)
        default: if node.operation.keepsQuantization { joinAll(index) }
        }
    }

    private mutating func joinParts(_ index: Int) {
        let node = graph.nodes[index]
        let output = node.outputs[0]
        let parts = node.inputs.compactMap(\.self)
        let first = known(parts[0])
        let partsAgree = parts.allSatisfy { known($0) == first }
        for part in parts where joinsConcatenations || uses.isRead(part, onlyBy: index) {
            guard let producer = uses.producer(of: part), isQuantized[producer] else { continue }
            guard joinsConcatenations || graph.nodes[producer].operation.choosesScale else { continue }
            // The range of one part says nothing of the whole, nor that of the whole what others may read of a part.
            switch (known(part), known(output)) {
            case (_?, nil): if partsAgree { join(part, output) }
            case (nil, _?): if uses.isRead(part, onlyBy: index) { join(part, output) }
            default: join(part, output)
            }
        }
    }

    private mutating func joinAll(_ index: Int) {
        let node = graph.nodes[index]
        guard let input = node.input(0) else { return }
        let first = known(node.outputs[0])
        let mayTakeTheirs = uses.isRead(input, onlyBy: index) && node.outputs.allSatisfy { known($0) == first }
        for output in node.outputs where known(input) != nil || known(output) == nil || mayTakeTheirs { join(input, output) }
    }

    private func known(_ id: ValueID) -> Quantization? { known[representative(of: id).rawValue] }

    private mutating func join(_ a: ValueID, _ b: ValueID) {
        let (first, second) = (representative(of: a).rawValue, representative(of: b).rawValue)
        if let one = known[first], let other = known[second], one != other { return }
        representatives[second] = first
        known[first] = known[first] ?? known[second]
    }
}

extension Graph {
    /// Whether the operation exists on quantised activations, with these shapes and constants.
    fileprivate func hasQuantizedForm(_ node: Node) -> Bool {
        let activations = node.activationInputs
        guard !activations.isEmpty, (activations + node.outputs).allSatisfy({ self[$0].type == .float32 }),
            activations.contains(where: { self[$0].constant == nil })
        else { return false }
        switch node.operation {
        case .convolution(let convolution):
            return convolution.activation.isClamp && (3...4).contains(self[node.outputs[0]].shape.count) && FoldableProduct(node, in: self) != nil
        case .gemm(let gemm): return gemm.activation.isClamp && FoldableProduct(node, in: self) != nil
        case .activation: return true
        case .binary(let binary, let activation): return binary != .divide && activation.isClamp
        case .pool(let pooling): return pooling.kind == .average || node.outputs.count == 1
        case .mean(let axes, _): return self[activations[0]].shape.count == 4 && axes.sorted() == [2, 3]
        case .concatenation: return activations.allSatisfy { self[$0].constant == nil }
        case .split, .slice, .transpose, .reshape: return true
        case .gather: return node.input(1).map { self[$0].constant != nil } ?? false
        case .pad(let padding): return padding.mode != .constant || padding.value == 0
        default: return false
        }
    }
}

extension Node {
    /// The inputs that are activations, not weights, biases or indices.
    var activationInputs: [ValueID] {
        switch operation {
        case .convolution: [input(0), input(3)].compactMap(\.self)
        case .gemm, .gather: [input(0)].compactMap(\.self)
        default: inputs.compactMap(\.self)
        }
    }
}

extension Operation {
    /// Whether the quantised form can give its result any scale.
    fileprivate var choosesScale: Bool {
        switch self {
        case .convolution, .gemm, .binary, .activation, .mean: true
        case .pool(let pooling): pooling.kind == .average
        default: false
        }
    }
}
