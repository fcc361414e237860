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
    package var kernelName: String { "table_u8" }

    package init(activation: Activation = .none, input: Quantization, output: Quantization) {
        entries = (0...255).map { output.quantize(Float(activation.value(at: Double(input.dequantize(UInt8($0)))))) }
    }

    /// - Precondition: as many outputs as inputs.
    package func run(input: Span<UInt8>, output: inout MutableSpan<UInt8>) {
        precondition(input.count == output.count)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in unsafe table_u8(entries, from.baseAddress, to.baseAddress, from.count) }
        }
    }

    package func run(inPlace values: inout MutableSpan<UInt8>) {
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe table_u8(entries, values.baseAddress, values.baseAddress, values.count)
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
