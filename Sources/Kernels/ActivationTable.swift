// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors
#if canImport(Glibc)
internal import Glibc
#endif

/// An activation, or a change of quantisation, of unsigned 8-bit values by a table of 256 entries:
/// `output.quantize(Float(f(Double(input.dequantize(q)))))`, with f in double so that every machine makes the same table.
package struct ActivationTable: Sendable {
    package let entries: [UInt8]
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "table_u8_\(kernels.name)" }
    private let kernels: VectorKernels

    package init(
        activation: Activation = .none, input: Quantization, output: Quantization, features: CPUFeatures = .current
    ) {
        entries = (0...255).map { output.quantize(Float(activation.value(at: Double(input.dequantize(UInt8($0)))))) }
        kernels = VectorKernels(features: features)
    }

    /// - Precondition: as many outputs as inputs.
    @_lifetime(output: copy output)
    package func run(input: Span<UInt8>, output: inout MutableSpan<UInt8>) {
        precondition(input.count == output.count)
        run(input: input, inputStep: 0, output: &output, outputStep: 0, rows: 1, count: input.count)
    }

    /// Looks up `rows` rows of `count` elements, each the steps from the one before; what lies between the rows of the output is left as it is.
    @_lifetime(output: copy output)
    package func run(input: Span<UInt8>, inputStep: Int, output: inout MutableSpan<UInt8>, outputStep: Int, rows: Int, count: Int) {
        precondition(rows >= 0 && count >= 0 && (rows <= 1 || (inputStep >= count && outputStep >= count)))
        guard rows > 0 else { return }
        precondition(input.count >= (rows - 1) * inputStep + count && output.count >= (rows - 1) * outputStep + count)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.table_u8(entries, rows, count, from.baseAddress, inputStep, to.baseAddress, outputStep)
            }
        }
    }

    package func run(inPlace values: inout MutableSpan<UInt8>) {
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe kernels.table.table_u8(entries, 1, values.count, values.baseAddress, 0, values.baseAddress, 0)
        }
    }
}

extension Activation {
    fileprivate func value(at x: Double) -> Double {
        switch self {
        case .none: x
        case .relu: max(x, 0)
        case .clip(let low, let high): min(max(x, Double(low)), Double(high))
        case .leakyRelu(let slope): x < 0 ? Double(slope) * x : x
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let alpha, let beta): min(max(Double(alpha) * x + Double(beta), 0), 1)
        case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
        case .silu: x / (1 + exp(-x))
        }
    }
}
