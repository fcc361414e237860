// SPDX-License-Identifier: Apache-2.0
internal import CKernels

/// The mean of each channel over all pixels, float32, `[pixels, channels]` to `[channels]`.
package struct FloatMean: Sendable {
    package let pixels: Int
    package let channels: Int
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "mean_f32_\(kernels.name)" }
    private let kernels: VectorKernels

    /// - Precondition: `pixels` and `channels` are positive.
    package init(pixels: Int, channels: Int, features: CPUFeatures = .current) {
        precondition(pixels > 0 && channels > 0)
        self.pixels = pixels
        self.channels = channels
        kernels = VectorKernels(features: features)
    }

    /// Computes the channels in `channels`; the others are left as they are.
    package func run(input: Span<Float>, output: inout MutableSpan<Float>, channels range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= channels)
        precondition(input.count == pixels * channels && output.count == channels)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.mean_f32(pixels, channels, from.baseAddress, to.baseAddress, range.lowerBound, range.upperBound)
            }
        }
    }
}
