// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Operation {
    /// Element types and shapes of the results, from those of the inputs.
    ///
    /// - Parameter declared: the outputs as a graph declares them, for what inputs leave open: the shape of a
    ///   ``reshape``, whether a maximum pool also gives indices, whether a quantised convolution or product is left in float32,
    ///   and the integer type of a ``quantize`` without zero point.
    /// - Throws: ``GraphError`` without subject. Parameters may come from outside: every one is checked.
    package func outputs(of inputs: [Value?], declared: [Value] = []) throws(GraphError) -> [TensorType] {
        let results = try inferred(OperationInputs(values: inputs, declared: declared))
        for result in results { try result.checkSize() }
        return results
    }

    private func inferred(_ inputs: OperationInputs) throws(GraphError) -> [TensorType] {
        switch self {
        case .convolution(let convolution): [try convolution.output(of: inputs)]
        case .gemm(let gemm): [try gemm.output(of: inputs)]
        case .matMul: [try Self.matMulOutput(of: inputs)]
        case .batchNormalization(let epsilon): [try Self.batchNormalizationOutput(of: inputs, epsilon: epsilon)]
        case .activation(let activation): [try activation.output(of: inputs)]
        case .prelu: [try Self.preluOutput(of: inputs)]
        case .clip: [try Self.clipOutput(of: inputs)]
        case .binary(let binary, let activation): [try binary.output(of: inputs, activation: activation)]
        case .pool(let pooling): try pooling.outputs(of: inputs)
        case .mean(let axes, let keeps): [try Self.meanOutput(of: inputs, axes: axes, keepsDimensions: keeps)]
        case .concatenation(let axis): [try Self.concatenationOutput(of: inputs, axis: axis)]
        case .split(let axis, let sizes): try Self.splitOutputs(of: inputs, axis: axis, sizes: sizes)
        case .slice(let ranges): [try Self.sliceOutput(of: inputs, ranges: ranges)]
        case .pad(let padding): [try padding.output(of: inputs)]
        case .gather(let axis): [try Self.gatherOutput(of: inputs, axis: axis)]
        case .transpose(let permutation): [try Self.transposeOutput(of: inputs, permutation: permutation)]
        case .reshape: [try Self.reshapeOutput(of: inputs)]
        case .softmax(let axis): [try Self.softmaxOutput(of: inputs, axis: axis)]
        case .localResponseNormalization(let size, _, _, _): [try Self.responseNormalizationOutput(of: inputs, size: size)]
        case .quantize(let axis, let blockSize): [try Self.quantizeOutput(of: inputs, axis: axis, blockSize: blockSize)]
        case .dequantize(let axis, let blockSize): [try Self.dequantizeOutput(of: inputs, axis: axis, blockSize: blockSize)]
        }
    }
}

extension TensorType {
    /// Checks that the tensor is of a size that this program handles.
    func checkSize() throws(GraphError) {
        guard shape.count <= Graph.maximumRank else {
            throw GraphError(.size, "a tensor of \(shape.count) axes, at most \(Graph.maximumRank) are supported")
        }
        guard let count = shape.checkedElementCount, count <= Graph.maximumElements else {
            throw GraphError(.size, "the shape \(shape) is negative or larger than \(Graph.maximumElements) elements")
        }
    }
}
