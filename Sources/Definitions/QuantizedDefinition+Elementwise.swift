// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors
#if canImport(Glibc)
internal import Glibc
#endif

extension QuantizedDefinition {
    /// Uint8 tensors of any shapes that broadcast. Sum and difference: `Float(a − za) · Float(sa / so) ± Float(b − zb) · Float(sb / so)`;
    /// product: `Float((a − za) · (b − zb)) · Float(sa · sb / so)`; rounded half to even. The activation is none, relu or clip.
    package static func binary(
        _ a: Tensor, _ b: Tensor, _ operation: Binary, activation: Activation = .none, aQuantization: Quantization,
        bQuantization: Quantization, output: Quantization
    ) -> Tensor {
        precondition(operation != .divide, "quantised tensors aren't divided")
        let rank = max(a.shape.count, b.shape.count)
        let shape = (0..<rank).map { axis -> Int in
            let left = axis < rank - a.shape.count ? 1 : a.shape[axis - rank + a.shape.count]
            let right = axis < rank - b.shape.count ? 1 : b.shape[axis - rank + b.shape.count]
            return max(left, right)
        }
        let left = a.elements(of: UInt8.self)
        let right = b.elements(of: UInt8.self)
        let limits = limits(activation, output)
        let values = (0..<shape.elementCount).map { index -> UInt8 in
            let x = Int32(left[sourceIndex(of: index, in: shape, shape: a.shape)]) - aQuantization.zeroPoint
            let y = Int32(right[sourceIndex(of: index, in: shape, shape: b.shape)]) - bQuantization.zeroPoint
            let real: Float
            if operation == .multiply {
                real = Float(x * y) * Float(Double(aQuantization.scale) * Double(bQuantization.scale) / Double(output.scale))
            } else {
                let t = Float(x) * Float(Double(aQuantization.scale) / Double(output.scale))
                let u = Float(y) * Float(Double(bQuantization.scale) / Double(output.scale))
                real = operation == .add ? t + u : t - u
            }
            return rounded(real, zeroPoint: output.zeroPoint, lower: limits.lower, upper: limits.upper)
        }
        return Tensor(shape: shape, values)
    }

    /// `output.quantize(Float(f(Double(input.dequantize(q)))))` for each element; f in double precision.
    package static func table(_ x: Tensor, activation: Activation, input: Quantization, output: Quantization) -> Tensor {
        Tensor(
            shape: x.shape,
            x.elements(of: UInt8.self).map { output.quantize(Float(value(of: activation, at: Double(input.dequantize($0))))) })
    }

    private static func value(of activation: Activation, at x: Double) -> Double {
        switch activation {
        case .none: x
        case .relu: x > 0 ? x : 0
        case .clip(let low, let high): x < Double(low) ? Double(low) : x > Double(high) ? Double(high) : x
        case .leakyRelu(let slope): x < 0 ? x * Double(slope) : x
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let alpha, let beta): max(0, min(1, Double(alpha) * x + Double(beta)))
        case .hardSwish: x * max(0, min(1, x / 6 + 0.5))
        case .silu: x / (1 + exp(-x))
        }
    }
}
