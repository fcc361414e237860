// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Tensors

/// Between float32 and unsigned 8 bit, element by element: ``Quantization/quantize(_:)`` and ``Quantization/dequantize(_:)``.
package struct QuantizedConversion: Sendable {
    package let quantization: Quantization
    package var kernelName: String { "quantize_\(kernels.name)" }
    private let kernels: VectorKernels

    package init(_ quantization: Quantization, features: CPUFeatures = .current) {
        self.quantization = quantization
        kernels = VectorKernels(features: features)
    }

    /// - Precondition: as many outputs as inputs, here and below.
    @_lifetime(output: copy output)
    package func quantize(_ input: Span<Float>, into output: inout MutableSpan<UInt8>) {
        precondition(input.count == output.count)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.quantize(quantization.scale, quantization.zeroPoint, from.baseAddress, to.baseAddress, from.count)
            }
        }
    }

    @_lifetime(output: copy output)
    package func dequantize(_ input: Span<UInt8>, into output: inout MutableSpan<Float>) {
        precondition(input.count == output.count)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.dequantize(quantization.scale, quantization.zeroPoint, from.baseAddress, to.baseAddress, from.count)
            }
        }
    }
}
