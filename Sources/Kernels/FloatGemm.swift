// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

/// A prepared `activation(alpha · a' · b' + beta · c)` in float32, where b and c are constants: a convolution over m pixels with 1×1
/// windows, whose contract holds here too.
package struct FloatGemm: Sendable {
    /// m, n and k.
    package let rows: Int
    package let columns: Int
    package let depth: Int
    /// Bytes that a run needs; any alignment.
    package let scratchBytes: Int
    package var kernelName: String { convolution.kernelName }
    /// As for ``FloatConvolution/readsWeightsInPlace``.
    package var readsWeightsInPlace: Bool { convolution.readsWeightsInPlace }

    /// A run starts and stops at multiples of this many columns (or at the end); `nil`: it computes all of them.
    package var columnAlignment: Int? { transposesA ? nil : convolution.channelAlignment }

    private let convolution: FloatConvolution
    private let transposesA: Bool
    /// `[m, n]`, times beta; `nil` where a bias says it all.
    private let addend: [Float]?

    /// - Parameters:
    ///   - rows: m.
    ///   - weights: b, `[k, n]`, or `[n, k]` if the gemm transposes it.
    ///   - addend: c, broadcast to `[m, n]`.
    ///   - kernel: instead of the dispatcher's choice: for tests and benchmarks.
    package init(_ gemm: Gemm, rows: Int, weights: Tensor, addend: Tensor?, features: CPUFeatures = .current, kernel: KernelName? = nil) {
        precondition(weights.shape.count == 2 && rows > 0)
        let columns = weights.shape[gemm.transposesB ? 0 : 1]
        let depth = weights.shape[gemm.transposesB ? 1 : 0]
        let points: Tensor
        if gemm.transposesB, gemm.alpha == 1 {
            points = weights.reshaped([columns, depth, 1, 1])
        } else {
            let source = weights.elements(of: Float.self)
            points = Tensor(
                shape: [columns, depth, 1, 1],
                (0..<columns * depth).map { gemm.alpha * source[gemm.transposesB ? $0 : $0 % depth * columns + $0 / depth] })
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
        convolution = FloatConvolution(
            weights: points, bias: bias, inputHeight: rows, inputWidth: 1, inputChannels: depth,
            convolution: Convolution(window: Window(size: [1, 1]), activation: gemm.activation), residual: matrix != nil, features: features,
            kernel: kernel)
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.addend = matrix
        transposesA = gemm.transposesA
        scratchBytes = convolution.scratchBytes + (gemm.transposesA ? rows * depth * 4 + 63 : 0)
    }

    /// Whether ``run(several:input:output:)`` can compute it: it has one row.
    package var takesSeveral: Bool { rows == 1 && !transposesA && convolution.takesImages }

    /// Computes several products, each with the bits that it has alone; b is read once for several of them.
    ///
    /// - Parameters:
    ///   - input: as many a, one behind the other: `[count, k]`.
    ///   - output: `[count, n]`.
    /// - Precondition: ``takesSeveral``.
    @_lifetime(output: copy output)
    package func run(several count: Int, input: Span<Float>, output: inout MutableSpan<Float>) {
        precondition(takesSeveral && input.count == count * depth && output.count == count * columns)
        convolution.run(images: count, input: input, output: &output)
    }

    /// Computes the columns `columns`, by default all; what else the output holds is left as it is.
    ///
    /// - Parameters:
    ///   - input: a, `[m, k]`, or `[k, m]` if the gemm transposes it.
    ///   - output: `[m, n]`.
    @_lifetime(output: copy output) @_lifetime(scratch: copy scratch)
    package func run(
        input: Span<Float>, output: inout MutableSpan<Float>, scratch: inout MutableSpan<UInt8>, columns: Range<Int>? = nil
    ) {
        precondition(input.count == rows * depth && output.count == rows * self.columns && scratch.count >= scratchBytes)
        guard transposesA else {
            convolution.run(input: input, residual: addend?.span, output: &output, scratch: &scratch, rows: 0..<rows, channels: columns)
            return
        }
        precondition(columns == nil || columns == 0..<self.columns)
        unsafe scratch.withUnsafeMutableBytes { bytes in
            let aligned = unsafe bytes.baseAddress!.alignedUp(toMultipleOf: 64)
            let upright = unsafe UnsafeMutableBufferPointer(start: aligned.assumingMemoryBound(to: Float.self), count: rows * depth)
            for row in 0..<rows {
                for index in 0..<depth { unsafe upright[row * depth + index] = input[index * rows + row] }
            }
            let rest = unsafe UnsafeMutableBufferPointer(
                start: (aligned + rows * depth * 4).assumingMemoryBound(to: UInt8.self), count: convolution.scratchBytes)
            var remaining = unsafe MutableSpan(_unsafeElements: rest)
            let upper = unsafe Span(_unsafeElements: UnsafeBufferPointer(upright))
            convolution.run(input: upper, residual: addend?.span, output: &output, scratch: &remaining, rows: 0..<rows)
        }
    }
}
