// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Definition {
    /// The quantised forms, by ``QuantizedDefinition``; operations that only move elements are defined elsewhere.
    func quantizedForm(of operation: Networks.Operation) throws(EvaluationError) -> [Tensor] {
        guard let x = tensor(0), let input = inputs[0]?.quantization else { throw undefined("an input without quantisation") }
        let output = outputs[0].quantization
        switch operation {
        case .convolution(let convolution):
            guard convolution.activation.isClamp else { throw undefined("a fused \(convolution.activation)") }
            guard let window = convolution.window.planar else { throw undefined("a convolution over \(convolution.window.size.count) axes") }
            guard let weights = tensor(1), let scales = inputs[1]?.quantization else { throw undefined("weights without quantisation") }
            let planar = Convolution(window: window, groups: convolution.groups, activation: convolution.activation)
            let result = QuantizedDefinition.convolution(
                x.planar, weights: weights.planar, bias: tensor(2), residual: tensor(3)?.planar, planar,
                scales: .init(input: input, weight: scales, output: output, residual: inputs.count > 3 ? inputs[3]?.quantization : nil))
            return [result.reshaped(outputs[0].shape)]
        case .gemm(let gemm):
            guard gemm.activation.isClamp else { throw undefined("a fused \(gemm.activation)") }
            guard let weights = tensor(1), let scales = inputs[1]?.quantization else { throw undefined("weights without quantisation") }
            return [
                QuantizedDefinition.gemm(
                    x, weights: weights, bias: tensor(2), activation: gemm.activation,
                    scales: .init(input: input, weight: scales, output: output))
            ]
        default: break
        }
        guard let output else { throw undefined("an output without quantisation") }
        switch operation {
        case .activation(let activation):
            return [QuantizedDefinition.table(x, activation: activation, input: input, output: output)]
        case .binary(let binary, let activation):
            guard activation.isClamp, binary != .divide else { throw undefined("\(binary.rawValue) with a fused \(activation)") }
            guard let b = tensor(1), let other = inputs[1]?.quantization else { throw undefined("an operand without quantisation") }
            return [
                QuantizedDefinition.binary(
                    x, b, binary, activation: activation, aQuantization: input, bQuantization: other, output: output)
            ]
        case .pool(let pooling):
            if pooling.kind == .maximum { return maximumPool(pooling, as: Int64.self) }
            guard let window = pooling.window.planar else { throw undefined("pooling over \(pooling.window.size.count) axes") }
            var planar = pooling
            planar.window = window
            return [QuantizedDefinition.pool(x.planar, planar, input: input, output: output).reshaped(outputs[0].shape)]
        case .mean(let axes, _):
            return [QuantizedDefinition.mean(x, axes: axes, input: input, output: output).reshaped(outputs[0].shape)]
        case .concatenation(let axis):
            var parts: [Tensor?] = []
            for part in inputs {
                guard let tensor = part?.constant, let quantization = part?.quantization else { throw undefined("an operand without quantisation") }
                parts.append(
                    quantization == output
                        ? tensor : QuantizedDefinition.table(tensor, activation: .none, input: quantization, output: output))
            }
            let plain = Value(name: "", type: .uint8, shape: outputs[0].shape)
            return rearrangement(.concatenation(axis: axis), inputs: parts, outputs: [plain]) ?? []
        default: throw undefined("this operation")
        }
    }

    private func undefined(_ what: String) -> EvaluationError {
        EvaluationError(.undefined, "\(what) has no quantised form")
    }
}

extension Activation {
    /// Whether the saturation of a quantised result can express it.
    fileprivate var isClamp: Bool {
        switch self {
        case .none, .relu, .clip: true
        default: false
        }
    }
}

extension Tensor {
    /// With one spatial axis: as an image of height 1.
    fileprivate var planar: Tensor { shape.count == 3 ? reshaped([shape[0], shape[1], 1, shape[2]]) : self }
}

extension Window {
    fileprivate var planar: Window? {
        switch size.count {
        case 2: self
        case 1:
            Window(
                size: [1] + size, strides: [1] + strides, dilations: [1] + dilations, padsBefore: [0] + padsBefore, padsAfter: [0] + padsAfter)
        default: nil
        }
    }
}
