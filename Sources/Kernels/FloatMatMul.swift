// SPDX-License-Identifier: Apache-2.0

/// The product of two float32 matrices that are both computed: a `[m, k]` times b `[k, n]`.
package struct FloatMatMul: Sendable {
    package let rows: Int
    package let columns: Int
    package let depth: Int
    package var kernelName: String { rows == 1 ? "sgemv" : "sgemm" }

    /// - Precondition: all positive.
    package init(rows: Int, columns: Int, depth: Int) {
        precondition(rows > 0 && columns > 0 && depth > 0)
        prepareProducts()
        self.rows = rows
        self.columns = columns
        self.depth = depth
    }

    @_lifetime(output: copy output)
    package func run(a: Span<Float>, b: Span<Float>, output: inout MutableSpan<Float>) {
        precondition(a.count == rows * depth && b.count == depth * columns && output.count == rows * columns)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe output.withUnsafeMutableBufferPointer { output in
                    unsafe multiply(
                        m: rows, n: columns, k: depth, a.baseAddress!, aStride: depth, b.baseAddress!, bStride: columns, bTransposed: false,
                        output.baseAddress!, cStride: columns)
                }
            }
        }
    }
}
