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

    /// - Parameters:
    ///   - aShape, bShape: as the elements lie in memory (`[n, h, w, c]` for images), outermost first. The shorter is extended with
    ///     leading 1s.
    /// - Precondition: the shapes broadcast.
    package init(operation: Binary, aShape: [Int], bShape: [Int], activation: Activation = .none, features: CPUFeatures = .current) {
        kernels = VectorKernels(features: features)
        var plan = fbinary()
        plan.operation = Int32(operation.code.rawValue)
        plan.activation = activation.function
        plan.broadcast = broadcast(aShape, bShape)
        (aCount, bCount) = (aShape.elementCount, bShape.elementCount)
        parts = unsafe broadcast_iterations(&plan.broadcast)
        count = parts * plan.broadcast.inner
        self.plan = plan
    }

    package func run(a: Span<Float>, b: Span<Float>, output: inout MutableSpan<Float>, parts range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= parts)
        precondition(a.count == aCount && b.count == bCount && output.count == count)
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
