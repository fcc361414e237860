// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors

/// A prepared `activation(alpha · a' · b' + beta · c)` in float32, where b and c are constants.
package struct FloatGemm: Sendable {
    /// m, n and k.
    package let rows: Int
    package let columns: Int
    package let depth: Int
    package var scratchBytes: Int { 0 }
    package var kernelName: String { rows == 1 ? "sgemv" : "sgemm" }

    private let transposesA: Bool
    /// `[n, k]`, times alpha.
    private let weights: [Float]
    /// `[n]`, times beta.
    private let bias: [Float]?
    /// `[m, n]`, times beta; `nil` where `bias` says it all.
    private let addend: [Float]?
    private let function: activation_function
    private let kernels: VectorKernels

    /// - Parameters:
    ///   - rows: m.
    ///   - weights: b, `[k, n]`, or `[n, k]` if the gemm transposes it.
    ///   - addend: c, broadcast to `[m, n]`.
    package init(_ gemm: Gemm, rows: Int, weights: Tensor, addend: Tensor?, features: CPUFeatures = .current) {
        precondition(weights.shape.count == 2 && rows > 0)
        let columns = weights.shape[gemm.transposesB ? 0 : 1]
        let depth = weights.shape[gemm.transposesB ? 1 : 0]
        let source = weights.elements(of: Float.self)
        self.weights = (0..<columns * depth).map { index in
            gemm.alpha * source[gemm.transposesB ? index : index % depth * columns + index / depth]
        }
        var bias: [Float]?
        var matrix: [Float]?
        if let addend {
            let values = addend.elements(of: Float.self).map { gemm.beta * $0 }
            let shape = Array(repeating: 1, count: max(0, 2 - addend.shape.count)) + addend.shape
            precondition(shape.count == 2 && (shape[0] == 1 || shape[0] == rows) && (shape[1] == 1 || shape[1] == columns))
            if shape[0] == 1 {
                bias = shape[1] == columns ? values : Array(repeating: values[0], count: columns)
            } else {
                matrix = (0..<rows * columns).map { values[$0 / columns * shape[1] + (shape[1] == 1 ? 0 : $0 % columns)] }
            }
        }
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.bias = bias
        self.addend = matrix
        transposesA = gemm.transposesA
        function = gemm.activation.function
        kernels = VectorKernels(features: features)
    }

    /// - Parameters:
    ///   - input: a, `[m, k]`, or `[k, m]` if the gemm transposes it.
    ///   - output: `[m, n]`.
    package func run(input: Span<Float>, output: inout MutableSpan<Float>) {
        precondition(input.count == rows * depth && output.count == rows * columns)
        unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe weights.withUnsafeBufferPointer { weights in
                    unsafe multiply(
                        m: rows, n: columns, k: depth, input.baseAddress!, aStride: transposesA ? rows : depth, aTransposed: transposesA,
                        weights.baseAddress!, bStride: depth, bTransposed: true, output.baseAddress!, cStride: columns)
                    unsafe withUnsafePointer(to: function) { function in
                        if let addend {
                            unsafe kernels.table.finish(function, rows, columns, nil, addend, output.baseAddress)
                        } else if let bias {
                            unsafe kernels.table.finish(function, rows, columns, bias, nil, output.baseAddress)
                        } else {
                            unsafe kernels.table.finish(function, rows, columns, nil, nil, output.baseAddress)
                        }
                    }
                }
            }
        }
    }
}
