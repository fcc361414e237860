// SPDX-License-Identifier: Apache-2.0

/// `c = a' · b'`, or `c += a' · b'`, in float32, row-major, of matrices that are all computed: a' `[rows, depth]` times b' `[depth, columns]`, each of which may be
/// stored transposed. On the caller's thread; the same on one machine, whenever it runs.
package struct ComputedProduct: Sendable {
    package let rows: Int
    package let columns: Int
    package let depth: Int
    private let transposesA: Bool
    private let transposesB: Bool
    private let adds: Bool

    /// - Parameters:
    ///   - transposesA: a is stored as `[depth, rows]`.
    ///   - transposesB: b is stored as `[columns, depth]`.
    ///   - adds: to what c holds already.
    /// - Precondition: all sizes are positive.
    package init(rows: Int, columns: Int, depth: Int, transposesA: Bool = false, transposesB: Bool = false, adds: Bool = false) {
        precondition(rows > 0 && columns > 0 && depth > 0)
        prepareProducts()
        (self.rows, self.columns, self.depth) = (rows, columns, depth)
        (self.transposesA, self.transposesB, self.adds) = (transposesA, transposesB, adds)
    }

    /// Each operand is as long as its matrix, or longer: what is before and behind it is left alone.
    ///
    /// - Parameters:
    ///   - start: where the matrix begins in b.
    ///   - first: where it begins in c.
    package func run(a: [Float], b: [Float], from start: Int = 0, c: inout [Float], at first: Int = 0) {
        precondition(a.count >= rows * depth && start >= 0 && b.count - start >= depth * columns && first >= 0 && c.count - first >= rows * columns)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeMutableBufferPointer { c in
                    unsafe multiply(
                        m: rows, n: columns, k: depth, a.baseAddress!, aStride: transposesA ? rows : depth, aTransposed: transposesA,
                        b.baseAddress! + start, bStride: transposesB ? depth : columns, bTransposed: transposesB, c.baseAddress! + first,
                        cStride: columns, adds: adds)
                }
            }
        }
    }
}
