// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

extension QuantizedDefinition {
    /// What a quantised convolution takes besides its tensors.
    package struct ConvolutionScales: Sendable {
        package var input: Quantization
        /// One scale an output channel, or one for all.
        package var weight: Quantization
        /// `nil` for float32 output.
        package var output: Quantization?
        package var residual: Quantization?

        package init(input: Quantization, weight: Quantization, output: Quantization?, residual: Quantization? = nil) {
            self.input = input
            self.weight = weight
            self.output = output
            self.residual = residual
        }

        func weightScale(_ channel: Int) -> Float { weight.scales[weight.scales.count == 1 ? 0 : channel] }

        /// The stored value of one accumulator: uint8 as a float, or the float32 result.
        func result(_ accumulator: Int32, channel: Int, residual value: UInt8?, activation: Activation) -> Float {
            guard let output else {
                var real = Float(accumulator) * Float(Double(input.scale) * Double(weightScale(channel)))
                if let residual, let value { real += Float(Int32(value) - residual.zeroPoint) * residual.scale }
                return clamped(real, activation)
            }
            let limits = limits(activation, output)
            let rule = Requantization(
                multipliers: [
                    Requantization.multiplier(inputScale: input.scale, weightScale: weightScale(channel), outputScale: output.scale)
                ], zeroPoint: output.zeroPoint, lower: limits.lower, upper: limits.upper)
            guard let residual, let value else { return Float(rule.apply(accumulator, channel: 0)) }
            let addend = Float(Int32(value) - residual.zeroPoint) * Float(Double(residual.scale) / Double(output.scale))
            return Float(rule.apply(accumulator, channel: 0, adding: addend))
        }
    }

    /// `acc[n, o, y, x] = Σ (x − zx) · w + bias[o]` in wrapping int32, where padding adds nothing; then the rule of
    /// ``Requantization``, or for float32 output `activation(Float(acc) · Float(sx · sw[o]) + Float(residual − zr) · sr)`.
    ///
    /// - Parameters:
    ///   - x: uint8 `[n, c, h, w]`.
    ///   - weights: int8 `[o, c / groups, kh, kw]`.
    ///   - bias: int32 `[o]`.
    ///   - residual: uint8 `[n, o, y, x]`.
    /// - Returns: uint8, or float32 where `scales.output` is `nil`, `[n, o, y, x]`.
    package static func convolution(
        _ x: Tensor, weights: Tensor, bias: Tensor?, residual: Tensor? = nil, _ convolution: Convolution, scales: ConvolutionScales
    ) -> Tensor {
        let window = convolution.window
        let (batch, height, width) = (x.shape[0], x.shape[2], x.shape[3])
        let inputs = x.shape[1] / convolution.groups
        let outputs = weights.shape[0]
        let outputHeight = (height + window.padsBefore[0] + window.padsAfter[0] - window.extent(axis: 0)) / window.strides[0] + 1
        let outputWidth = (width + window.padsBefore[1] + window.padsAfter[1] - window.extent(axis: 1)) / window.strides[1] + 1
        let values = x.elements(of: UInt8.self).map { Int32($0) - scales.input.zeroPoint }
        let factors = weights.elements(of: Int8.self).map(Int32.init)
        let biases = bias?.elements(of: Int32.self)
        let addends = residual?.elements(of: UInt8.self)

        var results: [Float] = []
        results.reserveCapacity(batch * outputs * outputHeight * outputWidth)
        for n in 0..<batch {
            for o in 0..<outputs {
                let group = o / (outputs / convolution.groups)
                for oy in 0..<outputHeight {
                    for ox in 0..<outputWidth {
                        var accumulator = biases?[o] ?? 0
                        for i in 0..<inputs {
                            for ky in 0..<window.size[0] {
                                let iy = oy * window.strides[0] + ky * window.dilations[0] - window.padsBefore[0]
                                guard (0..<height).contains(iy) else { continue }
                                for kx in 0..<window.size[1] {
                                    let ix = ox * window.strides[1] + kx * window.dilations[1] - window.padsBefore[1]
                                    guard (0..<width).contains(ix) else { continue }
                                    let value = values[((n * x.shape[1] + group * inputs + i) * height + iy) * width + ix]
                                    accumulator &+= value &* factors[((o * inputs + i) * window.size[0] + ky) * window.size[1] + kx]
                                }
                            }
                        }
                        results.append(
                            scales.result(accumulator, channel: o, residual: addends?[results.count], activation: convolution.activation))
                    }
                }
            }
        }
        let shape = [batch, outputs, outputHeight, outputWidth]
        return scales.output == nil ? Tensor(shape: shape, results) : Tensor(shape: shape, results.map { UInt8($0) })
    }

    /// The same rule for `acc[m, n] = Σ (a[m, k] − za) · w[n, k] + bias[n]`.
    ///
    /// - Parameters:
    ///   - a: uint8 `[m, k]`.
    ///   - weights: int8 `[n, k]`.
    package static func gemm(_ a: Tensor, weights: Tensor, bias: Tensor?, activation: Activation, scales: ConvolutionScales) -> Tensor {
        let (m, n, k) = (a.shape[0], weights.shape[0], weights.shape[1])
        let result = convolution(
            a.reshaped([m, k, 1, 1]), weights: weights.reshaped([n, k, 1, 1]), bias: bias,
            Convolution(window: Window(size: [1, 1]), activation: activation), scales: scales)
        return result.reshaped([m, n])
    }
}
