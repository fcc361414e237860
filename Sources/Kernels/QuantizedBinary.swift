// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors

/// A sum, difference or product of two unsigned 8-bit tensors, broadcast against each other as ONNX does.
///
/// Sum and difference: `t = Float(a − za) · Float(sa / so)`, `u = Float(b − zb) · Float(sb / so)`, `clamp(roundHalfToEven(t ± u) + zo)`;
/// product: `clamp(roundHalfToEven(Float((a − za) · (b − zb)) · Float(sa · sb / so)) + zo)`. Ratios are rounded from double once.
package struct QuantizedBinary: Sendable {
    /// Elements of the output.
    package let count: Int
    /// Independent parts that ``run(a:b:output:parts:)`` can be asked for separately.
    package let parts: Int
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "binary_u8_\(kernels.name)" }

    private let kernels: VectorKernels
    private let plan: qbinary
    private let aCount: Int
    private let bCount: Int

    /// - Parameters:
    ///   - aShape, bShape: as the elements lie in memory (`[n, h, w, c]` for images), outermost first. The shorter is extended with
    ///     leading 1s.
    /// - Precondition: not a division; the shapes broadcast; the activation is none, relu or clip.
    package init(
        operation: Binary, aShape: [Int], bShape: [Int], activation: Activation = .none, a: Quantization, b: Quantization,
        output: Quantization, features: CPUFeatures = .current
    ) {
        precondition(operation != .divide, "quantised tensors aren't divided")
        kernels = VectorKernels(features: features)
        var plan = qbinary()
        plan.operation = Int32(operation.code.rawValue)
        plan.a_zero_point = a.zeroPoint
        plan.b_zero_point = b.zeroPoint
        plan.zero_point = output.zeroPoint
        (plan.lower, plan.upper) = clampLimits(activation, output)
        if operation == .multiply {
            plan.a_multiplier = Float(Double(a.scale) * Double(b.scale) / Double(output.scale))
        } else {
            plan.a_multiplier = Float(Double(a.scale) / Double(output.scale))
            plan.b_multiplier = Float(Double(b.scale) / Double(output.scale))
        }
        plan.broadcast = broadcast(aShape, bShape)
        (aCount, bCount) = (aShape.elementCount, bShape.elementCount)
        parts = unsafe broadcast_iterations(&plan.broadcast)
        count = parts * plan.broadcast.inner
        self.plan = plan
    }

    package func run(a: Span<UInt8>, b: Span<UInt8>, output: inout MutableSpan<UInt8>, parts range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= parts)
        precondition(a.count == aCount && b.count == bCount && output.count == count)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe output.withUnsafeMutableBufferPointer { to in
                    unsafe withUnsafePointer(to: plan) { plan in
                        unsafe kernels.table.binary_u8(plan, a.baseAddress, b.baseAddress, to.baseAddress, range.lowerBound, range.upperBound)
                    }
                }
            }
        }
    }
}

extension Binary {
    var code: binary_operation {
        switch self {
        case .add: BINARY_ADD
        case .subtract: BINARY_SUBTRACT
        case .multiply: BINARY_MULTIPLY
        case .divide: BINARY_DIVIDE
        }
    }
}

/// - Precondition: the shapes broadcast, aren't empty and alternate at most seven times between axes that are and aren't repeated.
func broadcast(_ a: [Int], _ b: [Int]) -> broadcast {
    precondition(a.allSatisfy { $0 > 0 } && b.allSatisfy { $0 > 0 }, "an empty tensor")
    let rank = max(a.count, b.count)
    var result = CKernels.broadcast()
    let fits = unsafe broadcast_make(
        &result, rank, Array(repeating: 1, count: rank - a.count) + a, Array(repeating: 1, count: rank - b.count) + b)
    precondition(fits, "the shapes \(a) and \(b) don't broadcast")
    return result
}
