// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

/// A prepared product of `[m, k]` activations with `[n, k]` weights: a convolution over m pixels with 1×1 windows, whose
/// contract holds here too.
package struct QuantizedGemm: Sendable {
    private let convolution: QuantizedConvolution

    /// - Parameters:
    ///   - weights: int8 `[n, k]`.
    ///   - rows: m.
    package init(
        weights: Tensor, bias: [Int32]?, rows: Int, activation: Activation = .none, input: Quantization, weight: Quantization,
        output: Quantization?, features: CPUFeatures = .current, kernel: KernelName? = nil
    ) {
        convolution = QuantizedConvolution(
            weights: weights.reshaped(weights.shape + [1, 1]), bias: bias, inputHeight: rows, inputWidth: 1, inputChannels: weights.shape[1],
            convolution: Convolution(window: Window(size: [1, 1]), activation: activation), input: input, weight: weight, output: output,
            residual: nil, features: features, kernel: kernel)
    }

    package var rows: Int { convolution.outputHeight }
    package var columns: Int { convolution.outputChannels }
    package var rowAlignment: Int { convolution.rowAlignment }
    package var columnAlignment: Int? { convolution.channelAlignment }
    package var scratchBytes: Int { convolution.scratchBytes }
    package var kernelName: String { convolution.kernelName }

    @_lifetime(output: copy output) @_lifetime(scratch: copy scratch)
    package func run(
        input: Span<UInt8>, output: inout MutableSpan<UInt8>, scratch: inout MutableSpan<UInt8>, rows: Range<Int>, columns: Range<Int>? = nil
    ) {
        convolution.run(input: input, residual: nil, output: &output, scratch: &scratch, rows: rows, channels: columns)
    }

    @_lifetime(output: copy output) @_lifetime(scratch: copy scratch)
    package func run(
        input: Span<UInt8>, output: inout MutableSpan<Float>, scratch: inout MutableSpan<UInt8>, rows: Range<Int>, columns: Range<Int>? = nil
    ) {
        convolution.run(input: input, residual: nil, output: &output, scratch: &scratch, rows: rows, channels: columns)
    }
}
