// SPDX-License-Identifier: Apache-2.0
import Definitions
import Networks
import Tensors
import Testing

private func apply(
    _ operation: Networks.Operation, _ inputs: Tensor?..., outputs count: Int = 1, reshape: [Int]? = nil
) throws -> [Tensor] {
    try apply(operation, outputs: count, reshape: reshape, inputs)
}

/// Applies an operation whose outputs are what it infers.
private func apply(
    _ operation: Networks.Operation, outputs count: Int, reshape: [Int]? = nil, _ inputs: [Tensor?]
) throws -> [Tensor] {
    let values = inputs.map { $0.map { Value(name: "x", constant: $0) } }
    let declared = (0..<count).map { _ in Value(name: "y", type: inputs[0]?.type ?? .float32, shape: reshape ?? []) }
    let types = try operation.outputs(of: values, declared: declared)
    return try evaluate(operation, inputs: inputs, outputs: types.map { Value(name: "y", type: $0.type, shape: $0.shape) })
}

private func image(_ shape: [Int], _ values: [Float]) -> Tensor { Tensor(shape: shape, values) }
private func counting(_ shape: [Int], from start: Float = 0) -> Tensor {
    Tensor(shape: shape, (0..<shape.elementCount).map { start + Float($0) })
}

struct EvaluationTests {
    @Test func aConvolutionAddsProductsUnderTheWindow() throws {
        let window = Window(size: [2, 2], strides: [1, 2], padsBefore: [0, 1], padsAfter: [1, 0])
        let operation = Networks.Operation.convolution(Convolution(window: window, activation: .clip(low: -100, high: 58)))
        let y = try apply(operation, counting([1, 1, 3, 3], from: 1), image([1, 1, 2, 2], [1, 2, 3, 4]), image([1], [0.5]))
        // Rows of the padded image: 0 1 2 3 / 0 4 5 6 / 0 7 8 9 / 0 0 0 0; two positions a row.
        #expect(y[0].floats == [18.5, 47.5, 36.5, 58, 14.5, 26.5])
        #expect(y[0].shape == [1, 1, 3, 2])
    }

    @Test func groupsAreConvolutionsOfTheirOwnSideBySide() throws {
        let (x, w) = (counting([1, 4, 3, 3]), counting([6, 2, 2, 2], from: -20))
        let whole = try apply(.convolution(Convolution(window: Window(size: [2, 2], dilations: [2, 1]), groups: 2)), x, w)[0]
        var parts: [Tensor] = []
        for group in 0..<2 {
            let channels = try apply(.slice([SliceRange(axis: 1, start: 2 * group, step: 1, count: 2)]), x)[0]
            let weights = try apply(.slice([SliceRange(axis: 0, start: 3 * group, step: 1, count: 3)]), w)[0]
            parts += try apply(.convolution(Convolution(window: Window(size: [2, 2], dilations: [2, 1]))), channels, weights)
        }
        #expect(whole.floats == parts.flatMap(\.floats))
    }

    @Test func aConvolutionOfOnePixelIsAMatrixProduct() throws {
        let (x, w) = (counting([1, 3, 1, 5]), counting([2, 3, 1, 1], from: -2))
        let convolved = try apply(.convolution(Convolution(window: Window(size: [1, 1]))), x, w)[0]
        let product = try apply(.gemm(Gemm()), w.reshaped([2, 3]), x.reshaped([3, 5]))[0]
        #expect(convolved.floats == product.floats)
        #expect(try apply(.matMul, w.reshaped([2, 3]), x.reshaped([3, 5]))[0].floats == product.floats)
    }

    @Test func aResidualIsAddedBeforeTheActivation() throws {
        let operation = Networks.Operation.convolution(Convolution(window: Window(size: [1]), activation: .relu))
        let y = try apply(operation, image([1, 1, 3], [1, 2, 3]), image([1, 1, 1], [1]), nil, image([1, 1, 3], [1, -3, -2]))
        #expect(y[0].floats == [2, 0, 1])
    }

    @Test func matrixProductsTransposeScaleAndBroadcast() throws {
        let gemm = Gemm(alpha: 2, beta: -1, transposesA: true, transposesB: true)
        let y = try apply(.gemm(gemm), counting([2, 1]), counting([2, 2]), image([1], [10]))
        #expect(y[0].floats == [-8, -4])
        let batched = try apply(.matMul, counting([2, 1, 1, 2]), counting([1, 2, 2, 1]))[0]
        #expect(batched.shape == [2, 2, 1, 1])
        #expect(batched.floats == [1, 3, 3, 13])
        #expect(try apply(.matMul, Tensor(shape: [2], [100, 2] as [Int8]), Tensor(shape: [2], [2, 3] as [Int8]))[0].integers == [-50])
    }

    @Test func poolsHandlePadsCeilingsAndTies() throws {
        let x = counting([1, 1, 4, 4], from: 1)
        let ceiling = Window(size: [3, 3], strides: [2, 2])
        #expect(try apply(.pool(Pooling(kind: .average, window: ceiling, ceilMode: true)), x)[0].floats == [6, 7.5, 12, 13.5])
        let padded = Window(size: [2, 2], strides: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
        #expect(try apply(.pool(Pooling(kind: .average, window: padded)), x)[0].floats == [1, 3.5, 11, 13.5])
        #expect(try apply(.pool(Pooling(kind: .average, window: padded, countsPadding: true)), x)[0].floats == [0.25, 1.75, 5.5, 13.5])
        let negative = try apply(.pool(Pooling(kind: .maximum, window: padded)), image([1, 1, 4, 4], (1...16).map { -Float($0) }))
        #expect(negative[0].floats == [-1, -3, -9, -11])
        let tie = Pooling(kind: .maximum, window: Window(size: [2, 2]))
        #expect(try apply(.pool(tie), image([1, 1, 2, 2], [5, 7, 7, 1]), outputs: 2)[1].integers == [1])
        let columns = Pooling(kind: .maximum, window: Window(size: [2, 2]), hasColumnMajorIndices: true)
        #expect(try apply(.pool(columns), image([1, 1, 2, 2], [5, 6, 7, 1]), outputs: 2)[1].integers == [1])
        let large = Tensor(shape: [1, 1, 2], [1, .max] as [UInt64])
        #expect(try apply(.pool(Pooling(kind: .maximum, window: Window(size: [2]))), large)[0].elements(of: UInt64.self) == [.max])
    }

    @Test func integersWrapAndTruncate() throws {
        let bytes = (Tensor(shape: [3], [127, -128, -7] as [Int8]), Tensor(shape: [3], [1, -1, 2] as [Int8]))
        #expect(try apply(.binary(.add, activation: .none), bytes.0, bytes.1)[0].integers == [-128, 127, -5])
        #expect(try apply(.binary(.divide, activation: .none), bytes.0, bytes.1)[0].integers == [127, -128, -3])
        let words = (Tensor(shape: [1], [UInt64.max]), Tensor(shape: [1], [UInt64(2)]))
        #expect(try apply(.binary(.divide, activation: .none), words.0, words.1)[0].elements(of: UInt64.self) == [UInt64.max / 2])
        #expect(try apply(.binary(.multiply, activation: .none), words.0, words.1)[0].elements(of: UInt64.self) == [UInt64.max - 1])
        #expect(throws: EvaluationError.self) {
            try apply(.binary(.divide, activation: .none), bytes.0, Tensor(shape: [], [0] as [Int8]))
        }
    }

    @Test func broadcastingStretchesBothSides() throws {
        let y = try apply(.binary(.subtract, activation: .relu), counting([2, 1], from: 1), counting([3]))[0]
        #expect(y.shape == [2, 3])
        #expect(y.floats == [1, 0, 0, 2, 1, 0])
    }

    @Test func clipsKeepTheirOrderOfLimits() throws {
        let x = image([3], [-5, 0.5, 5])
        #expect(try apply(.clip, x, image([], [2]), image([], [1]))[0].floats == [1, 1, 1])
        #expect(try apply(.clip, x, nil, image([], [1]))[0].floats == [-5, 0.5, 1])
        #expect(try apply(.clip, Tensor(shape: [2], [0, 255] as [UInt8]), Tensor(shape: [], [3] as [UInt8]))[0].integers == [3, 255])
    }

    @Test func activationsFollowTheirFormulas() throws {
        let x = image([5], [-4, -1, 0, 1, 4])
        func values(_ activation: Activation) throws -> [Float] { try apply(.activation(activation), x)[0].floats }
        #expect(try values(.leakyRelu(slope: 0.25)) == [-1, -0.25, 0, 1, 4])
        #expect(try values(.hardSigmoid(alpha: 0.25, beta: 0.5)) == [0, 0.25, 0.5, 0.75, 1])
        #expect(try values(.hardSwish) == [0, -0.3333333333333333, 0, 0.6666666666666666, 4])
        #expect(try values(.sigmoid)[2...] == [0.5, 0.7310585786300049, 0.9820137900379085])
        #expect(try values(.silu)[2...] == [0, 0.7310585786300049, 3.928055160151634])
        #expect(try apply(.prelu, x, image([1], [0.5]))[0].floats == [-2, -0.5, 0, 1, 4])
        #expect(try apply(.activation(.relu), Tensor(shape: [2], [-3, 3] as [Int32]))[0].integers == [0, 3])
    }

    @Test func normalisationsFollowTheirFormulas() throws {
        let x = counting([1, 2, 2])
        let y = try apply(
            .batchNormalization(epsilon: 1), x, image([2], [2, 1]), image([2], [0, 10]), image([2], [1, 2]), image([2], [3, 0]))[0]
        #expect(y.floats == [-1, 0, 10, 11])
        let lrn = try apply(.localResponseNormalization(size: 2, alpha: 2, beta: 1, bias: 0), image([1, 3, 1], [1, 2, 3]))[0]
        #expect(lrn.floats == [0.2, 0.15384615384615385, 0.3333333333333333])
        let softmax = try apply(.softmax(axis: 0), image([2, 2], [1000, 0, 1000, -1000]))[0]
        #expect(softmax.floats == [0.5, 1, 0.5, 0])
        #expect(try apply(.mean(axes: [0, 2], keepsDimensions: false), counting([2, 2, 2]))[0].floats == [2.5, 4.5])
        #expect(try apply(.mean(axes: [0], keepsDimensions: true), Tensor(shape: [2], [-3, -4] as [Int32]))[0].integers == [-3])
    }

    @Test func padsFillRepeatMirrorAndCrop() throws {
        let x = counting([4], from: 1)
        func padded(_ mode: Padding.Mode, _ before: Int, _ after: Int) throws -> [Float] {
            try apply(.pad(Padding(mode: mode, before: [before], after: [after], value: 9)), x)[0].floats
        }
        #expect(try padded(.constant, 2, 1) == [9, 9, 1, 2, 3, 4, 9])
        #expect(try padded(.constant, -1, -2) == [2])
        #expect(try padded(.edge, 2, 1) == [1, 1, 1, 2, 3, 4, 4])
        #expect(try padded(.reflect, 3, 2) == [4, 3, 2, 1, 2, 3, 4, 3, 2])
        #expect(try padded(.wrap, 5, 1) == [4, 1, 2, 3, 4, 1, 2, 3, 4, 1])
        #expect(try padded(.wrap, -1, 2) == [2, 3, 4, 2, 3])
    }

    @Test func elementsMoveUnchangedWhateverTheirType() throws {
        let bools = Tensor(type: .bool, shape: [2, 2], storage: Tensor(shape: [4], [1, 0, 0, 0] as [UInt8]).storage)
        #expect(try apply(.transpose(permutation: [1, 0]), bools)[0].integers == [1, 0, 0, 0])
        #expect(try apply(.transpose(permutation: [2, 0, 1]), counting([1, 2, 3]))[0].floats == [0, 3, 1, 4, 2, 5])
        #expect(try apply(.concatenation(axis: 1), counting([2, 1]), counting([2, 2], from: 5))[0].floats == [0, 5, 6, 1, 7, 8])
        let parts = try apply(.split(axis: 1, sizes: [1, 0, 2]), counting([2, 3]), outputs: 3)
        #expect(parts.map(\.floats) == [[0, 3], [], [1, 2, 4, 5]])
        #expect(try apply(.slice([SliceRange(axis: 0, start: 3, step: -2, count: 2)]), counting([4]))[0].floats == [3, 1])
        let indices = Tensor(shape: [2], [-1, 0] as [Int64])
        #expect(try apply(.gather(axis: 1), counting([2, 3]), indices)[0].floats == [2, 0, 5, 3])
        #expect(throws: GraphError.self) { try apply(.gather(axis: 0), counting([2]), Tensor(shape: [1], [2] as [Int64])) }
        #expect(try apply(.reshape, counting([2, 3]), reshape: [3, 2])[0].shape == [3, 2])
    }

    @Test func quantisationRoundsHalfToEvenAndSaturates() throws {
        let x = image([6], [-1, 0.25, 0.75, 1.25, 400, .nan])
        let (scale, zero) = (image([], [0.5]), Tensor(shape: [], [10] as [UInt8]))
        let quantize = Networks.Operation.quantize(axis: 1, blockSize: 0)
        #expect(try apply(quantize, x, scale, zero)[0].integers == [8, 10, 12, 12, 255, 10])
        let output = Value(name: "y", type: .uint8, shape: [6], quantization: Quantization(scale: 0.5, zeroPoint: 10))
        #expect(try evaluate(quantize, inputs: [x], outputs: [output])[0].integers == [8, 10, 12, 12, 255, 10])
        #expect(try apply(quantize, x, scale, Tensor(shape: [], [10] as [Int8]))[0].integers == [8, 10, 12, 12, 127, 10])

        let dequantize = Networks.Operation.dequantize(axis: 1, blockSize: 2)
        let bytes = Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Int8])
        #expect(try apply(dequantize, bytes, image([2, 2], [1, 2, 3, 4]))[0].floats == [1, 2, 6, 12, 15, 24])
        let channels = try evaluate(
            .dequantize(axis: 0, blockSize: 0), inputs: [bytes], quantizations: [Quantization(channelScales: [1, 0.5])],
            outputs: [Value(name: "y", type: .float32, shape: [2, 3])])
        #expect(channels[0].floats == [1, 2, 3, 2, 2.5, 3])
    }

    /// Values that lie on the grids of all scales, so that the quantised form must give what real numbers give.
    @Test func quantisedFormsAgreeWithRealNumbersOnTheirGrid() throws {
        let (input, other, output) = (Quantization(scale: 0.5, zeroPoint: 3), Quantization(scale: 0.25, zeroPoint: 0), Quantization(scale: 0.125, zeroPoint: 40))
        let x = Tensor(shape: [1, 2, 2, 2], [3, 4, 5, 6, 7, 2, 1, 0] as [UInt8])
        let y = Tensor(shape: [1, 2, 2, 2], [1, 2, 3, 4, 0, 6, 7, 8] as [UInt8])
        let reals = (x.floats.map { ($0 - 3) * 0.5 }, y.floats.map { $0 * 0.25 })
        func check(
            _ operation: Networks.Operation, _ quantized: [Tensor], _ scales: [Quantization?], _ real: [Tensor], sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let expected = try apply(operation, outputs: 1, real)[0]
            let declared = Value(name: "y", type: .uint8, shape: expected.shape, quantization: output)
            let result = try evaluate(operation, inputs: quantized, quantizations: scales, outputs: [declared])[0]
            #expect(result.elements(of: UInt8.self) == expected.floats.map(output.quantize), sourceLocation: sourceLocation)
        }
        let (realX, realY) = (image(x.shape, reals.0), image(y.shape, reals.1))
        try check(.binary(.add, activation: .relu), [x, y], [input, other], [realX, realY])
        try check(.binary(.subtract, activation: .none), [x, y], [input, other], [realX, realY])
        try check(.binary(.multiply, activation: .none), [x, y], [input, other], [realX, realY])
        try check(.activation(.leakyRelu(slope: 0.25)), [x], [input], [realX])
        try check(.activation(.none), [x], [input], [realX])
        try check(.mean(axes: [2, 3], keepsDimensions: false), [x], [input], [realX])
        try check(.pool(Pooling(kind: .average, window: Window(size: [2, 1]))), [x], [input], [realX])
        try check(.concatenation(axis: 1), [x, y], [input, other], [realX, realY])
        let weights = Tensor(shape: [1, 2, 1, 2], [1, -2, 3, 4] as [Int8])
        let scales = Quantization(channelScales: [0.25])
        let convolution = Networks.Operation.convolution(Convolution(window: Window(size: [1, 2]), activation: .relu))
        try check(convolution, [x, weights], [input, scales], [realX, image(weights.shape, weights.floats.map { $0 * 0.25 })])
        let flat = (x.reshaped([1, 8]), Tensor(shape: [2, 8], (0..<16).map { Int8($0 % 3) }))
        let gemm = Networks.Operation.gemm(Gemm(transposesB: true))
        try check(
            gemm, [flat.0, flat.1], [input, Quantization(channelScales: [0.25, 0.5])],
            [realX.reshaped([1, 8]), image([2, 8], zip(flat.1.floats, 0...).map { $0 * ($1 < 8 ? 0.25 : 0.5) })])
    }

    @Test func halfPrecisionIsRoundedOnce() throws {
        func half(_ values: [Float]) -> Tensor {
            Tensor(type: .float16, shape: [values.count], storage: Tensor(shape: [values.count], values.map(\.halfBits)).storage)
        }
        let sum = try apply(.binary(.add, activation: .none), half([2048, 65504]), half([1, 65504]))[0]
        #expect(sum.type == .float16)
        #expect(sum.floats == [2048, .infinity])
    }

    @Test func outputsThatDontFitAreAnErrorNotACrash() {
        let wrong = Value(name: "y", type: .float32, shape: [3])
        #expect(throws: EvaluationError.self) { try evaluate(.activation(.relu), inputs: [image([2], [1, 2])], outputs: [wrong]) }
        #expect(throws: EvaluationError.self) { try evaluate(.activation(.relu), inputs: [], outputs: [wrong]) }
        #expect(throws: EvaluationError.self) { try evaluate(.activation(.relu), inputs: [nil], outputs: []) }
    }

    @Test func aGraphNamesTheNodeThatFails() throws {
        var graph = Graph(name: "division")
        let x = graph.add(Value(name: "x", type: .int32, shape: [2]))
        graph.inputs = [x]
        graph.outputs = [
            graph.add(.binary(.divide, activation: .none), name: "quotient", inputs: [x, x], output: Value(name: "y", type: .int32, shape: [2]))
        ]
        #expect(try evaluate(graph, inputs: [Tensor(shape: [2], [5, -3] as [Int32])])[0].integers == [1, 1])
        let error = #expect(throws: EvaluationError.self) { try evaluate(graph, inputs: [Tensor(shape: [2], [5, 0] as [Int32])]) }
        #expect(error?.cause.contains("'quotient'") == true)
        #expect(throws: EvaluationError.self) { try evaluate(graph, inputs: []) }
        #expect(throws: EvaluationError.self) { try evaluate(graph, inputs: [Tensor(shape: [3], [5, 0, 1] as [Int32])]) }
    }
}
