// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks

/// 2-D pooling of float32 activations, n = 1, NHWC. The maximum of a window without positions inside the image is −∞, its average 0.
package struct FloatPooling: Sendable {
    package let outputHeight: Int
    package let outputWidth: Int
    package let channels: Int
    package var rowAlignment: Int { 1 }
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "\(maximum ? "max" : "average")_pool_f32_\(kernels.name)" }

    private let geometry: pooling_geometry
    private let maximum: Bool
    private let kernels: VectorKernels

    /// - Parameter inputStep, outputStep: elements from pixel to pixel; by default as many as channels.
    /// - Precondition: two spatial axes; steps of at least `channels`.
    package init(
        inputHeight: Int, inputWidth: Int, channels: Int, pooling: Pooling, inputStep: Int? = nil, outputStep: Int? = nil,
        features: CPUFeatures = .current
    ) {
        geometry = pooling_geometry(
            inputHeight: inputHeight, inputWidth: inputWidth, channels: channels, pooling: pooling, inputStep: inputStep, outputStep: outputStep)
        maximum = pooling.kind == .maximum
        kernels = VectorKernels(features: features)
        self.channels = channels
        outputHeight = geometry.output_height
        outputWidth = geometry.output_width
    }

    /// Computes output rows `rows`. Both spans start with the first pixel; elements between the pixels of the output are left as they are.
    @_lifetime(output: copy output)
    package func run(input: Span<Float>, output: inout MutableSpan<Float>, rows: Range<Int>) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight)
        precondition(geometry.fits(input: input.count, output: output.count))
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe withUnsafePointer(to: geometry) { geometry in
                    let run = unsafe maximum ? kernels.table.max_pool_f32 : kernels.table.average_pool_f32
                    unsafe run?(geometry, from.baseAddress, to.baseAddress, rows.lowerBound, rows.upperBound)
                }
            }
        }
    }
}
