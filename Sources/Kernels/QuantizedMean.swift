// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Tensors

/// The mean of each channel over all pixels, unsigned 8 bit, `[pixels, channels]` to `[channels]`:
/// `clamp(roundHalfToEven(Float(Σ x − pixels · zeroPoint) · Float(sx / (so · pixels))) + outputZeroPoint)`.
package struct QuantizedMean: Sendable {
    package let pixels: Int
    package let channels: Int
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "mean_u8_\(kernels.name)" }

    private let kernels: VectorKernels
    private let pixelRows: PixelRows
    private let inputZeroPoint: Int32
    private let outputZeroPoint: Int32
    private let multiplier: Float

    /// - Parameter inputStep: elements from pixel to pixel; by default as many as channels.
    /// - Precondition: `pixels` and `channels` are positive; `pixels < 2²³`.
    package init(pixels: Int, channels: Int, input: Quantization, output: Quantization, inputStep: Int? = nil, features: CPUFeatures = .current) {
        precondition(pixels > 0 && pixels < 1 << 23 && channels > 0)
        self.pixels = pixels
        self.channels = channels
        pixelRows = PixelRows(channels: channels, step: inputStep)
        kernels = VectorKernels(features: features)
        inputZeroPoint = input.zeroPoint
        outputZeroPoint = output.zeroPoint
        multiplier = Float(Double(input.scale) / (Double(output.scale) * Double(pixels)))
    }

    /// Computes the channels in `channels`; the others are left as they are.
    @_lifetime(output: copy output)
    package func run(input: Span<UInt8>, output: inout MutableSpan<UInt8>, channels range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= channels)
        precondition(input.count >= pixelRows.elements(pixels: pixels) && output.count >= channels)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.mean_u8(
                    pixels, pixelRows.step, inputZeroPoint, multiplier, outputZeroPoint, from.baseAddress, to.baseAddress, range.lowerBound,
                    range.upperBound)
            }
        }
    }
}
