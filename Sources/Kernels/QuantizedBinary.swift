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
    private let outputCount: Int

    /// - Parameters:
    ///   - aShape, bShape: as the elements lie in memory (`[n, h, w, c]` for images), outermost first. The shorter is extended with
    ///     leading 1s.
    ///   - aStep, bStep, outputStep: elements from one position of the last axis but one to the next (from pixel to pixel of an image);
    ///     by default as many as the last axis has.
    /// - Precondition: not a division; the shapes broadcast; the activation is none, relu or clip.
    package init(
        operation: Binary, aShape: [Int], bShape: [Int], activation: Activation = .none, a: Quantization, b: Quantization,
        output: Quantization, aStep: Int? = nil, bStep: Int? = nil, outputStep: Int? = nil, features: CPUFeatures = .current
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
        let extents = Broadcast(aShape, bShape, aStep: aStep, bStep: bStep, outputStep: outputStep)
        plan.broadcast = extents.loops
        (aCount, bCount, outputCount) = (extents.aCount, extents.bCount, extents.outputCount)
        parts = unsafe broadcast_iterations(&plan.broadcast)
        count = parts * plan.broadcast.inner
        self.plan = plan
    }

    /// Computes `parts` of the output, which overlaps neither operand. Spans start with the first element; what lies between the rows of
    /// the output is left as it is.
    @_lifetime(output: copy output)
    package func run(a: Span<UInt8>, b: Span<UInt8>, output: inout MutableSpan<UInt8>, parts range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= parts)
        precondition(a.count >= aCount && b.count >= bCount && output.count >= outputCount)
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
