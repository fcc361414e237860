// SPDX-License-Identifier: Apache-2.0
internal import Definitions
internal import Networks
internal import Tensors

extension Lowering {
    /// Appends the steps of one node, those of its kernels where there are some, otherwise its definition.
    mutating func lower(_ node: Node) throws(InferenceError) {
        if try fold(node) { return }
        if try lowerWithKernels(node) { return }
        try lowerToDefinition(node)
    }

    /// Computes a node of constants now. `false` for every other node.
    private mutating func fold(_ node: Node) throws(InferenceError) -> Bool {
        let inputs = node.inputs.compactMap(\.self)
        guard !inputs.isEmpty, inputs.allSatisfy({ constant($0) != nil }) else { return false }
        let results = try node.evaluated(
            node.inputs.map { $0.flatMap(constant) }, quantizations: node.inputs.map { $0.flatMap { graph[$0].quantization } },
            outputs: node.outputs.map { graph[$0] })
        for (output, result) in zip(node.outputs, results) { define(output, .constant(result)) }
        return true
    }

    /// `false` where there is no kernel for the operation with these shapes and types.
    private mutating func lowerWithKernels(_ node: Node) throws(InferenceError) -> Bool {
        let values = (node.inputs.compactMap(\.self) + node.outputs).map { graph[$0] }
        guard values.allSatisfy({ $0.shape.elementCount > 0 }) else { return false }
        switch node.operation {
        case .reshape: lowerReshape(node)
        case .transpose(let permutation): lowerTranspose(node, permutation: permutation)
        case .slice(let ranges): lowerSlice(node, ranges)
        case .split(let axis, let sizes): lowerSplit(node, axis: axis, sizes: sizes)
        case .concatenation(let axis): return lowerConcatenation(node, axis: axis)
        case .pad(let padding): return lowerPad(node, padding)
        case .convolution(let convolution): return lowerConvolution(node, convolution)
        case .gemm(let gemm): return lowerGemm(node, gemm)
        case .matMul: return lowerMatMul(node)
        case .batchNormalization(let epsilon): return lowerBatchNormalization(node, epsilon: epsilon)
        case .activation(let activation): return lowerActivation(node, activation)
        case .prelu: return lowerPRelu(node)
        case .clip: return lowerClip(node)
        case .binary(let binary, let activation): return lowerBinary(node, binary, activation)
        case .pool(let pooling): return lowerPool(node, pooling)
        case .mean(let axes, _): return lowerMean(node, axes: axes)
        case .softmax(let axis): return lowerSoftmax(node, axis: axis)
        case .quantize: return lowerQuantize(node)
        case .dequantize: return lowerDequantize(node)
        default: return false
        }
        return true
    }

    private mutating func lowerToDefinition(_ node: Node) throws(InferenceError) {
        if let reason = node.undefinedForm(in: graph) { throw InferenceError(.unsupported, "node '\(node.name)'", reason) }
        let inputs = node.inputs.map { id -> DefinitionStep.Operand? in
            guard let id else { return nil }
            if let tensor = constant(id) { return .constant(tensor, graph[id].quantization) }
            return .slot(operand(id, .rowMajor), graph[id])
        }
        let outputs = node.outputs.map { (slot: reserve(graph[$0]), value: graph[$0]) }
        let definition = DefinitionStep(node: node, inputs: inputs, outputs: outputs)
        emit(definition, kernel: "definition", macs: graph.cost(of: node).multiplyAccumulates)
        for (id, output) in zip(node.outputs, outputs) {
            define(id, output.slot, Geometry(shape: graph[id].shape, layout: .rowMajor))
        }
    }
}

extension Node {
    /// Why a quantised node has no meaning at all; `nil` where it has one. Known when a network is loaded, not when it first runs.
    fileprivate func undefinedForm(in graph: Graph) -> String? {
        guard let first = input(0), graph[first].activationQuantization != nil else { return nil }
        switch operation {
        case .convolution(let convolution):
            if !convolution.activation.isClamp { return "a quantised convolution can't fuse \(convolution.activation)" }
            return convolution.window.planar == nil ? "a quantised convolution over \(convolution.window.size.count) axes" : nil
        case .gemm(let gemm):
            if !gemm.activation.isClamp { return "a quantised product can't fuse \(gemm.activation)" }
            return gemm.transposesA || !gemm.transposesB ? "a quantised product takes [m, k] and [n, k]" : nil
        case .binary(let binary, let activation):
            if !activation.isClamp { return "a quantised \(binary.rawValue) can't fuse \(activation)" }
            return binary == .divide ? "quantised values aren't divided" : nil
        case .pool(let pooling):
            return pooling.kind == .average && pooling.window.planar == nil ? "a quantised pool over \(pooling.window.size.count) axes" : nil
        default: return nil
        }
    }
}
