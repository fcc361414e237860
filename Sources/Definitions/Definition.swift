// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// One application of an operation: inputs and declared outputs that fit each other.
struct Definition {
    var inputs: [Value?]
    var outputs: [Value]

    func tensor(_ index: Int) -> Tensor? { index < inputs.count ? inputs[index]?.constant : nil }

    /// Elements of an input, widened; none where it is absent.
    func read<Wide: WideNumber>(_ index: Int, as _: Wide.Type = Wide.self) -> [Wide] { tensor(index).map(Wide.read) ?? [] }

    func shape(_ index: Int) -> [Int] { tensor(index)?.shape ?? [] }

    /// The first output, from widened elements.
    func result<Wide: WideNumber>(_ values: [Wide]) -> Tensor { Wide.tensor(values, type: outputs[0].type, shape: outputs[0].shape) }

    func evaluate(_ operation: Networks.Operation) throws(EvaluationError) -> [Tensor] {
        switch operation {
        case .quantize(let axis, let blockSize): return [quantized(axis: axis, blockSize: blockSize)]
        case .dequantize(let axis, let blockSize): return [dequantized(axis: axis, blockSize: blockSize)]
        default: break
        }
        guard inputs[0]?.isQuantizedActivation != true else { return try quantizedForm(of: operation) }
        switch outputs[0].type {
        case .float32, .float16, .float64: return try evaluate(operation, as: Double.self)
        case .uint64: return try evaluate(operation, as: UInt64.self)
        default: return try evaluate(operation, as: Int64.self)
        }
    }

    private func evaluate<Wide: WideNumber>(_ operation: Networks.Operation, as _: Wide.Type) throws(EvaluationError) -> [Tensor] {
        switch operation {
        case .convolution(let convolution): [convolved(convolution)]
        case .gemm(let gemm): [product(gemm, as: Wide.self)]
        case .matMul: [matrixProduct(as: Wide.self)]
        case .batchNormalization(let epsilon): [batchNormalized(epsilon: Double(epsilon))]
        case .activation(let activation): [activated(activation, as: Wide.self)]
        case .prelu: [parametricRelu(as: Wide.self)]
        case .clip: [clipped(as: Wide.self)]
        case .binary(let binary, let activation): [try combined(binary, activation, as: Wide.self)]
        case .pool(let pooling): pooling.kind == .maximum ? maximumPool(pooling, as: Wide.self) : [averagePool(pooling)]
        case .mean(let axes, _): [try mean(axes: axes, as: Wide.self)]
        case .softmax(let axis): [softmax(axis: axis)]
        case .localResponseNormalization(let size, let alpha, let beta, let bias):
            [responseNormalized(size: size, alpha: Double(alpha), beta: Double(beta), bias: Double(bias))]
        case .concatenation, .split, .slice, .pad, .gather, .transpose, .reshape, .quantize, .dequantize:
            throw EvaluationError(.undefined, "the operation is defined elsewhere")
        }
    }
}
