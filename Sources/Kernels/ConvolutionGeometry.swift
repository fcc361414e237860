// SPDX-License-Identifier: Apache-2.0
internal import CKernels
internal import Networks
internal import Tensors

extension convolution_geometry {
    /// - Parameter steps: elements from pixel to pixel; `nil` stands for the channels.
    /// - Precondition: two spatial axes, sizes that fit, an output that isn't empty, steps of at least the channels.
    init(
        inputHeight: Int, inputWidth: Int, inputChannels: Int, outputChannels: Int, convolution: Convolution,
        steps: (input: Int?, output: Int?, residual: Int?) = (nil, nil, nil)
    ) {
        let window = convolution.window
        precondition(window.size.count == 2, "a convolution over two spatial axes")
        precondition(convolution.groups > 0 && inputChannels % convolution.groups == 0 && outputChannels % convolution.groups == 0)
        precondition(window.size.allSatisfy { $0 > 0 } && window.strides.allSatisfy { $0 > 0 } && window.dilations.allSatisfy { $0 > 0 })
        precondition(window.padsBefore.allSatisfy { $0 >= 0 } && window.padsAfter.allSatisfy { $0 >= 0 })
        let height = inputHeight + window.padsBefore[0] + window.padsAfter[0] - window.extent(axis: 0)
        let width = inputWidth + window.padsBefore[1] + window.padsAfter[1] - window.extent(axis: 1)
        precondition(inputChannels > 0 && outputChannels > 0 && height >= 0 && width >= 0)
        let input = steps.input ?? inputChannels
        let output = steps.output ?? outputChannels
        let residual = steps.residual ?? outputChannels
        precondition(input >= inputChannels && output >= outputChannels && residual >= outputChannels, "pixels that overlap")
        self.init(
            input_height: inputHeight, input_width: inputWidth, input_channels: inputChannels, input_step: input,
            output_height: height / window.strides[0] + 1, output_width: width / window.strides[1] + 1, output_channels: outputChannels,
            output_step: output, residual_step: residual,
            kernel_height: window.size[0], kernel_width: window.size[1], stride_y: window.strides[0], stride_x: window.strides[1],
            dilation_y: window.dilations[0], dilation_x: window.dilations[1], pad_top: window.padsBefore[0], pad_left: window.padsBefore[1],
            groups: convolution.groups)
    }
}

/// The limits that a fused activation sets on a quantised result: none, relu and clip only.
func clampLimits(_ activation: Activation, _ quantization: Quantization) -> (lower: Int32, upper: Int32) {
    switch activation {
    case .none: (0, 255)
    case .relu: (quantization.zeroPoint, 255)
    case .clip(let low, let high): (Int32(quantization.quantize(low)), Int32(quantization.quantize(high)))
    default: preconditionFailure("\(activation) isn't fused into a quantised operation")
    }
}

func requantization(activation: Activation, output: Quantization?, residual: Quantization?) -> requantization {
    var result = CKernels.requantization()
    if let output {
        (result.lower, result.upper) = clampLimits(activation, output)
        result.zero_point = output.zeroPoint
    } else {
        result.float_output = true
        switch activation {
        case .none: (result.low, result.high) = (-.infinity, .infinity)
        case .relu: (result.low, result.high) = (0, .infinity)
        case .clip(let low, let high): (result.low, result.high) = (low, high)
        default: preconditionFailure("\(activation) isn't fused into a quantised operation")
        }
    }
    if let residual {
        result.residual_zero_point = residual.zeroPoint
        result.residual_multiplier = output.map { Float(Double(residual.scale) / Double($0.scale)) } ?? residual.scale
    }
    return result
}

/// Whether a convolution can compute some of its output channels by themselves.
func areDividable(_ channels: Range<Int>, of count: Int, alignment: Int?) -> Bool {
    guard channels != 0..<count else { return true }
    guard let alignment, channels.lowerBound >= 0, channels.upperBound <= count else { return false }
    return channels.lowerBound % alignment == 0 && (channels.upperBound % alignment == 0 || channels.upperBound == count)
}
