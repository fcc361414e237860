// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
internal import Tensors

/// A binary operation of two float32 tensors, broadcast against each other as ONNX does, then an activation.
package struct FloatBinary: Sendable {
    /// Elements of the output.
    package let count: Int
    /// Independent parts that ``run(a:b:output:parts:)`` can be asked for separately.
    package let parts: Int
    package var scratchBytes: Int { 0 }
    package var kernelName: String { "binary_f32_\(kernels.name)" }

    private let kernels: VectorKernels
    private let plan: fbinary
    private let aCount: Int
    private let bCount: Int
    private let outputCount: Int

    /// - Parameters:
    ///   - aShape, bShape: as the elements lie in memory (`[n, h, w, c]` for images), outermost first. The shorter is extended with
    ///     leading 1s.
    ///   - aStep, bStep, outputStep: elements from one position of the last axis but one to the next (from pixel to pixel of an image);
    ///     by default as many as the last axis has.
    /// - Precondition: the shapes broadcast.
    package init(
        operation: Binary, aShape: [Int], bShape: [Int], activation: Activation = .none, aStep: Int? = nil, bStep: Int? = nil,
        outputStep: Int? = nil, features: CPUFeatures = .current
    ) {
        kernels = VectorKernels(features: features)
        var plan = fbinary()
        plan.operation = Int32(operation.code.rawValue)
        plan.activation = activation.function
        let extents = Broadcast(aShape, bShape, aStep: aStep, bStep: bStep, outputStep: outputStep)
        plan.broadcast = extents.loops
        (aCount, bCount, outputCount) = (extents.aCount, extents.bCount, extents.outputCount)
        parts = unsafe broadcast_iterations(&plan.broadcast)
        count = parts * plan.broadcast.inner
        self.plan = plan
    }

    @_lifetime(output: copy output)
    package func run(a: Span<Float>, b: Span<Float>, output: inout MutableSpan<Float>, parts range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= parts)
        precondition(a.count >= aCount && b.count >= bCount && output.count >= outputCount)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe output.withUnsafeMutableBufferPointer { to in
                    unsafe withUnsafePointer(to: plan) { plan in
                        unsafe kernels.table.binary_f32(plan, a.baseAddress, b.baseAddress, to.baseAddress, range.lowerBound, range.upperBound)
                    }
                }
            }
        }
    }
}
