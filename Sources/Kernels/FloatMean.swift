// SPDX-License-Identifier: Apache-2.0
internal import CKernels

/// The mean of each channel over all pixels, float32, `[pixels, channels]` to `[channels]`.
package struct FloatMean: Sendable {
    package let pixels: Int
    package let channels: Int
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "mean_f32_\(kernels.name)" }
    private let kernels: VectorKernels
    private let pixelRows: PixelRows

    /// - Parameter inputStep: elements from pixel to pixel; by default as many as channels.
    /// - Precondition: `pixels` and `channels` are positive.
    package init(pixels: Int, channels: Int, inputStep: Int? = nil, features: CPUFeatures = .current) {
        precondition(pixels > 0 && channels > 0)
        self.pixels = pixels
        self.channels = channels
        pixelRows = PixelRows(channels: channels, step: inputStep)
        kernels = VectorKernels(features: features)
    }

    /// Computes the channels in `channels`; the others are left as they are.
    @_lifetime(output: copy output)
    package func run(input: Span<Float>, output: inout MutableSpan<Float>, channels range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= channels)
        precondition(input.count >= pixelRows.elements(pixels: pixels) && output.count >= channels)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.mean_f32(pixels, pixelRows.step, from.baseAddress, to.baseAddress, range.lowerBound, range.upperBound)
            }
        }
    }
}
