// SPDX-License-Identifier: Apache-2.0
import Definitions
import Kernels
import Networks
import Tensors
import TestSupport

/// A quantised convolution with everything it needs, and its result by definition.
struct ConvolutionCase: CustomStringConvertible {
    var channels: Int
    var height: Int
    var width: Int
    var outputs: Int
    var convolution: Convolution
    var scales: QuantizedDefinition.ConvolutionScales
    var x: [UInt8]
    var weights: Tensor
    var bias: [Int32]
    var residual: [UInt8]?

    var description: String {
        "\(channels)×\(height)×\(width) -> \(outputs), \(convolution), \(scales.output == nil ? "float" : "uint8"), residual \(residual != nil)"
    }

    /// - Parameter extremes: activations 0 or 255 and weights −127 or 127 only.
    init(
        _ samples: inout Samples, channels: Int, height: Int, width: Int, outputs: Int, window: Window, groups: Int = 1,
        activation: Activation = .none, residual hasResidual: Bool = false, float: Bool = false, extremes: Bool = false
    ) {
        self.channels = channels
        self.height = height
        self.width = width
        self.outputs = outputs
        convolution = Convolution(window: window, groups: groups, activation: activation)
        let depth = channels / groups * window.size.elementCount
        // Accumulators of about 8000 · √depth land within some steps of 0 … 255.
        let target = Float(0.02) / Float(depth).squareRoot()
        scales = QuantizedDefinition.ConvolutionScales(
            input: samples.quantization(),
            weight: Quantization(channelScales: (0..<outputs).map { _ in samples.scale() * target }),
            output: float ? nil : samples.quantization(), residual: hasResidual ? samples.quantization() : nil)
        x = samples.bytes(channels * height * width)
        var weights = samples.weights(outputs * depth)
        if extremes {
            x = x.map { $0 < 128 ? 0 : 255 }
            weights = weights.map { $0 < 0 ? -127 : 127 }
        }
        self.weights = Tensor(shape: [outputs, channels / groups] + window.size, weights)
        bias = (0..<outputs).map { _ in Int32(samples.int(-20000...20000)) }
        if hasResidual {
            let outputHeight = (height + window.padsBefore[0] + window.padsAfter[0] - window.extent(axis: 0)) / window.strides[0] + 1
            let outputWidth = (width + window.padsBefore[1] + window.padsAfter[1] - window.extent(axis: 1)) / window.strides[1] + 1
            residual = samples.bytes(outputs * outputHeight * outputWidth)
        }
    }

    /// By definition, `[h, w, c]`.
    func expected() -> Tensor {
        let result = QuantizedDefinition.convolution(
            Tensor(shape: [1, channels, height, width], x), weights: weights, bias: Tensor(shape: [outputs], bias),
            residual: residual.map { Tensor(shape: [1, outputs, $0.count / outputs, 1], $0) }, convolution, scales: scales)
        return scales.output == nil
            ? Tensor(shape: result.shape, interleaved(result.elements(of: Float.self), channels: outputs))
            : Tensor(shape: result.shape, interleaved(result.elements(of: UInt8.self), channels: outputs))
    }

    func layer(
        features: CPUFeatures = .current, kernel: KernelName? = nil, steps: (input: Int?, output: Int?, residual: Int?) = (nil, nil, nil),
        table: ActivationTable? = nil
    ) -> QuantizedConvolution {
        QuantizedConvolution(
            weights: weights, bias: bias, inputHeight: height, inputWidth: width, inputChannels: channels, convolution: convolution,
            input: scales.input, weight: scales.weight, output: scales.output, residual: scales.residual, steps: steps,
            table: table, features: features, kernel: kernel)
    }

    /// Runs the layer piece by piece.
    ///
    /// - Parameter divides: the output channels, too, where they can be: the last ones first.
    func run(_ layer: QuantizedConvolution, pieces: [Range<Int>]? = nil, divides: Bool = false) -> Tensor {
        let count = layer.outputHeight * layer.outputWidth * layer.outputChannels
        let input = interleaved(x, channels: channels)
        let addend = residual.map { interleaved($0, channels: outputs) }
        var scratch = [UInt8](repeating: 0xAA, count: layer.scratchBytes)
        var bytes = [UInt8](repeating: 0x55, count: scales.output == nil ? 0 : count)
        var floats = [Float](repeating: .nan, count: scales.output == nil ? count : 0)
        var scratchSpan = scratch.mutableSpan
        for rows in pieces ?? [0..<layer.outputHeight] {
            for channels in halves(of: layer.outputChannels, alignment: divides ? layer.channelAlignment : nil).reversed() {
                if scales.output == nil {
                    var output = floats.mutableSpan
                    layer.run(input: input.span, residual: addend?.span, output: &output, scratch: &scratchSpan, rows: rows, channels: channels)
                } else {
                    var output = bytes.mutableSpan
                    layer.run(input: input.span, residual: addend?.span, output: &output, scratch: &scratchSpan, rows: rows, channels: channels)
                }
            }
        }
        let shape = [1, outputs, layer.outputHeight, layer.outputWidth]
        return scales.output == nil ? Tensor(shape: shape, floats) : Tensor(shape: shape, bytes)
    }
}

/// All of so many channels, in two ranges where they can be divided, the first about a third.
func halves(of count: Int, alignment: Int?) -> [Range<Int>] {
    guard let alignment, count > alignment else { return [0..<count] }
    let middle = max(count / 3 / alignment, 1) * alignment
    return [0..<middle, middle..<count]
}

/// Where two tensors of equal type differ first; `nil` if they are the same, bit for bit.
func firstDifference(_ found: Tensor, _ expected: Tensor) -> String? {
    guard found.type == expected.type, found.shape == expected.shape else {
        return "\(found.type) \(found.shape) instead of \(expected.type) \(expected.shape)"
    }
    let (left, right) = (found.floats, expected.floats)
    guard let index = left.indices.first(where: { left[$0].bitPattern != right[$0].bitPattern }) else { return nil }
    return "element \(index) of \(left.count): \(left[index]) instead of \(right[index])"
}
