// SPDX-License-Identifier: Apache-2.0
import Definitions
import Networks
import Tensors

/// How far a float32 result may be from the definition's: `ε · (n + 8) · (1.25 · Σ |products| + |result|)`, n the number of terms in
/// the sum; 1.25 covers the steepest activation.
struct FloatBound {
    var values: [Float]

    /// `nil` for operations that only move or select elements, and for quantised ones: their results are exact.
    init?(_ node: Node, _ inputs: [Tensor?], expected: Tensor) throws {
        if inputs.contains(where: { $0?.type == .uint8 }) { return nil }
        let magnitudes = inputs.map { $0.map { Tensor(shape: $0.shape, $0.floats.map(abs)) } }
        let x = inputs[0]?.shape ?? []
        let operation: Networks.Operation
        let terms: Int
        switch node.operation {
        case .convolution(var convolution):
            convolution.activation = .none
            operation = .convolution(convolution)
            terms = inputs[1]?.shape.dropFirst().reduce(1, *) ?? 0
        case .gemm(var gemm):
            gemm.activation = .none
            operation = .gemm(gemm)
            terms = x[gemm.transposesA ? 0 : 1]
        case .matMul:
            operation = .matMul
            terms = x.last ?? 0
        case .binary(let binary, _):
            operation = .binary(binary == .subtract ? .add : binary, activation: .none)
            terms = 2
        case .mean(let axes, let keeps):
            operation = .mean(axes: axes, keepsDimensions: keeps)
            terms = axes.reduce(1) { $0 * x[$1] }
        case .pool(let pooling) where pooling.kind == .average:
            operation = node.operation
            terms = pooling.window.size.elementCount
        case .activation, .prelu, .clip:
            values = (inputs[0]?.floats ?? []).map { .ulpOfOne * (8 * abs($0) + 16) }
            return
        case .softmax:
            values = Array(repeating: .ulpOfOne * 64, count: expected.count)
            return
        case .batchNormalization, .localResponseNormalization:
            values = Array(repeating: .ulpOfOne * 64 * (1 + (magnitudes[0]?.floats.max() ?? 0)), count: expected.count)
            return
        default: return nil
        }
        let sums = try evaluate(operation, inputs: magnitudes, outputs: [Value(name: "", type: .float32, shape: expected.shape)])[0].floats
        values = zip(sums, expected.floats).map { .ulpOfOne * Float(terms + 8) * (1.25 * $0 + abs($1) + .leastNormalMagnitude) }
    }
}
