// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors

/// A prepared 2-D convolution in float32, n = 1, NHWC: `activation(conv(x, w) + bias + residual)`.
///
/// Products of matrices go through OpenBLAS, a block of rows at a time; depthwise convolution has its own kernel. The blocks are
/// fixed when the layer is prepared, so that results don't depend on how the rows are divided among threads.
package struct FloatConvolution: Sendable {
    package let outputHeight: Int
    package let outputWidth: Int
    package let outputChannels: Int
    /// Bytes that a run needs; any alignment. Each thread brings its own.
    package let scratchBytes: Int
    /// A run starts and stops at multiples of this many rows (or at the end).
    package let rowAlignment: Int
    package var kernelName: String { depthwise ? "depthwise_f32_\(kernels.name)" : inPlace ? "sgemm_1x1" : "sgemm_im2col" }

    private let geometry: convolution_geometry
    private let function: activation_function
    private let kernels: VectorKernels
    private let depthwise: Bool
    /// The input itself is the matrix of windows.
    private let inPlace: Bool
    /// `[groups, k, n]`, or `[kh, kw, c]` for a depthwise convolution.
    private let weights: [Float]
    private let bias: [Float]?
    private let hasResidual: Bool

    /// Pixels that a block aims for, and the most that its windows may take, in floats.
    private static let blockPixels = 256
    private static let blockFloats = 1 << 18

    /// - Parameters:
    ///   - weights: float32 `[o, inputChannels / groups, kernelHeight, kernelWidth]`.
    ///   - bias: `[o]`.
    /// - Precondition: two spatial axes; the shapes fit; the output isn't empty.
    package init(
        weights: Tensor, bias: [Float]?, inputHeight: Int, inputWidth: Int, inputChannels: Int, convolution: Convolution,
        residual: Bool = false, features: CPUFeatures = .current
    ) {
        let outputs = weights.shape[0]
        geometry = convolution_geometry(
            inputHeight: inputHeight, inputWidth: inputWidth, inputChannels: inputChannels, outputChannels: outputs, convolution: convolution)
        precondition(weights.shape == [outputs, inputChannels / convolution.groups] + convolution.window.size)
        precondition(bias == nil || bias?.count == outputs)
        function = convolution.activation.function
        kernels = VectorKernels(features: features)
        self.bias = bias
        hasResidual = residual
        depthwise = convolution.groups == inputChannels && outputs == inputChannels
        outputHeight = geometry.output_height
        outputWidth = geometry.output_width
        outputChannels = outputs

        let groups = convolution.groups
        let inputs = inputChannels / groups
        let columns = outputs / groups
        let taps = convolution.window.size.elementCount
        let depth = taps * inputs
        let source = weights.elements(of: Float.self)
        var packed = [Float](repeating: 0, count: source.count)
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<taps {
                    let target =
                        depthwise
                        ? tap * outputs + output : (output / columns * depth + tap * inputs + input) * columns + output % columns
                    packed[target] = source[(output * inputs + input) * taps + tap]
                }
            }
        }
        self.weights = packed
        let window = convolution.window
        inPlace =
            window.size == [1, 1] && window.strides == [1, 1] && window.padsBefore == [0, 0] && window.padsAfter == [0, 0]
        if depthwise {
            rowAlignment = 1
            scratchBytes = 0
        } else {
            let wanted = max(1, Self.blockPixels / outputWidth)
            let fitting = inPlace ? wanted : max(1, Self.blockFloats / (outputWidth * depth))
            let half = outputHeight * outputWidth > 64 ? (outputHeight + 1) / 2 : outputHeight
            rowAlignment = min(wanted, fitting, half)
            scratchBytes = inPlace ? 0 : rowAlignment * outputWidth * depth * 4 + 63
        }
    }

    /// Computes output rows `rows`; the others are left as they are.
    ///
    /// - Parameters:
    ///   - input: `[h, w, c]`.
    ///   - residual: `[outputHeight, outputWidth, outputChannels]`, present exactly if announced.
    ///   - output: `[outputHeight, outputWidth, outputChannels]`.
    package func run(
        input: Span<Float>, residual: Span<Float>?, output: inout MutableSpan<Float>, scratch: inout MutableSpan<UInt8>, rows: Range<Int>
    ) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight && rows.lowerBound % rowAlignment == 0)
        precondition(rows.upperBound % rowAlignment == 0 || rows.upperBound == outputHeight)
        precondition(input.count == geometry.input_height * geometry.input_width * geometry.input_channels)
        precondition(output.count == outputHeight * outputWidth * outputChannels && scratch.count >= scratchBytes)
        precondition((residual != nil) == hasResidual)
        unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe scratch.withUnsafeMutableBytes { scratch in
                    let start = unsafe scratch.baseAddress?.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self)
                    if let residual {
                        precondition(residual.count == output.count)
                        unsafe residual.withUnsafeBufferPointer { residual in
                            unsafe run(input.baseAddress!, residual.baseAddress, output.baseAddress!, start, rows)
                        }
                    } else {
                        unsafe run(input.baseAddress!, nil, output.baseAddress!, start, rows)
                    }
                }
            }
        }
    }

    @unsafe
    private func run(
        _ input: UnsafePointer<Float>, _ residual: UnsafePointer<Float>?, _ output: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>?, _ rows: Range<Int>
    ) {
        unsafe withUnsafePointer(to: geometry) { geometry in
            unsafe withUnsafePointer(to: function) { function in
                unsafe weights.withUnsafeBufferPointer { weights in
                    unsafe withBias { bias in
                        guard !depthwise else {
                            unsafe kernels.table.depthwise_f32(
                                geometry, function, weights.baseAddress, bias, input, residual, output, rows.lowerBound, rows.upperBound)
                            return
                        }
                        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: rowAlignment) {
                            let last = min(first + rowAlignment, rows.upperBound)
                            let start = first * outputWidth
                            unsafe product(geometry, input, weights.baseAddress!, output, scratch, first, last)
                            unsafe kernels.table.finish(
                                function, (last - first) * outputWidth, outputChannels, bias,
                                residual.map { unsafe $0 + start * outputChannels }, output + start * outputChannels)
                        }
                    }
                }
            }
        }
    }

    /// The sums of the windows of rows `first ..< last`, group by group.
    @unsafe
    private func product(
        _ geometry: UnsafePointer<convolution_geometry>, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>?, _ first: Int, _ last: Int
    ) {
        let groups = self.geometry.groups
        let inputs = self.geometry.input_channels / groups
        let columns = outputChannels / groups
        let depth = self.geometry.kernel_height * self.geometry.kernel_width * inputs
        for group in 0..<groups {
            let rows: UnsafePointer<Float>
            if inPlace {
                unsafe rows = input + first * outputWidth * self.geometry.input_channels + group * inputs
            } else {
                unsafe im2col_f32(geometry, group, input, scratch, first, last)
                unsafe rows = UnsafePointer(scratch!)
            }
            unsafe multiply(
                m: (last - first) * outputWidth, n: columns, k: depth, rows, aStride: inPlace ? self.geometry.input_channels : depth,
                weights + group * depth * columns, bStride: columns, bTransposed: false,
                output + first * outputWidth * outputChannels + group * columns, cStride: outputChannels)
        }
    }

    @unsafe
    private func withBias(_ body: (UnsafePointer<Float>?) -> Void) {
        guard let bias else { return body(nil) }
        unsafe bias.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
