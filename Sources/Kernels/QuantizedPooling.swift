// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors

/// 2-D pooling of unsigned 8-bit activations, n = 1, NHWC.
///
/// Maximum: of the positions inside the image; both quantisations are the same; 0 for a window without any.
/// Average: `clamp(roundHalfToEven(Float(Σ x − inside · zeroPoint) · Float(sx / (so · count))) + outputZeroPoint)`, where `count` is
/// `inside`, or with ``Pooling/countsPadding`` the positions inside the padded image.
package struct QuantizedPooling: Sendable {
    package let outputHeight: Int
    package let outputWidth: Int
    package let channels: Int
    package var rowAlignment: Int { 1 }
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "\(maximum ? "max" : "average")_pool_u8_\(kernels.name)" }

    private let geometry: pooling_geometry
    private let maximum: Bool
    private let kernels: VectorKernels
    private let input: Quantization
    private let output: Quantization
    /// By the number of positions that count.
    private let multipliers: [Float]

    /// - Parameter inputStep, outputStep: elements from pixel to pixel; by default as many as channels.
    /// - Precondition: two spatial axes; for a maximum, `input == output`; steps of at least `channels`.
    package init(
        inputHeight: Int, inputWidth: Int, channels: Int, pooling: Pooling, input: Quantization, output: Quantization,
        inputStep: Int? = nil, outputStep: Int? = nil, features: CPUFeatures = .current
    ) {
        geometry = pooling_geometry(
            inputHeight: inputHeight, inputWidth: inputWidth, channels: channels, pooling: pooling, inputStep: inputStep, outputStep: outputStep)
        maximum = pooling.kind == .maximum
        precondition(!maximum || input == output, "maximum pooling keeps the quantisation")
        kernels = VectorKernels(features: features)
        self.input = input
        self.output = output
        self.channels = channels
        outputHeight = geometry.output_height
        outputWidth = geometry.output_width
        multipliers = (0...pooling.window.size.elementCount).map { count in
            count == 0 ? 0 : Float(Double(input.scale) / (Double(output.scale) * Double(count)))
        }
    }

    /// Computes output rows `rows`. Both spans start with the first pixel; elements between the pixels of the output are left as they are.
    @_lifetime(output: copy output)
    package func run(input: Span<UInt8>, output: inout MutableSpan<UInt8>, rows: Range<Int>) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight)
        precondition(geometry.fits(input: input.count, output: output.count))
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe withUnsafePointer(to: geometry) { geometry in
                    if maximum {
                        unsafe kernels.table.max_pool_u8(geometry, from.baseAddress, to.baseAddress, rows.lowerBound, rows.upperBound)
                    } else {
                        unsafe kernels.table.average_pool_u8(
                            geometry, self.input.zeroPoint, multipliers, self.output.zeroPoint, from.baseAddress, to.baseAddress,
                            rows.lowerBound, rows.upperBound)
                    }
                }
            }
        }
    }
}
