// SPDX-License-Identifier: Apache-2.0
internal import CKernels

/// Softmax over the innermost axis: `exp(x − max) / Σ exp(x − max)`.
package struct FloatSoftmax: Sendable {
    package let rows: Int
    package let count: Int
    package var kernelName: String { "softmax_f32_\(kernels.name)" }
    private let kernels: VectorKernels

    /// - Parameter count: Elements of one row; positive.
    package init(rows: Int, count: Int, features: CPUFeatures = .current) {
        precondition(rows >= 0 && count > 0)
        self.rows = rows
        self.count = count
        kernels = VectorKernels(features: features)
    }

    @_lifetime(output: copy output)
    package func run(input: Span<Float>, output: inout MutableSpan<Float>) {
        precondition(input.count == rows * count && output.count == rows * count)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe kernels.table.softmax(rows, count, from.baseAddress, to.baseAddress)
            }
        }
    }
}
