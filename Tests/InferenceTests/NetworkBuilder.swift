// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import TestSupport

/// Builds graphs with random constants, in float32 or in quantised form.
struct NetworkBuilder {
    var graph = Graph(name: "test")
    var random: SeededGenerator
    let isQuantized: Bool

    init(seed: UInt64, isQuantized: Bool) {
        random = SeededGenerator(seed: seed)
        self.isQuantized = isQuantized
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: 0..<elements.count, using: &random)] }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &random) }
    }

    /// A float32 input, followed by its quantisation in a quantised network.
    mutating func input(_ shape: [Int]) throws -> ValueID {
        let id = graph.add(Value(name: "input \(graph.inputs.count)", type: .float32, shape: shape))
        graph.inputs.append(id)
        guard isQuantized else { return id }
        return try apply(.quantize(axis: 0, blockSize: 0), [id], Quantization(scale: 0.0085, zeroPoint: Int32(number(100...140))))
    }

    mutating func constant(_ shape: [Int], in range: ClosedRange<Float> = -1...1) -> ValueID {
        graph.add(Value(name: "constant \(graph.values.count)", constant: Tensor(shape: shape, floats(shape.elementCount, in: range))))
    }

    /// An operand of the network's own number form.
    mutating func operand(_ shape: [Int]) -> ValueID {
        guard isQuantized else { return constant(shape) }
        let values = (0..<shape.elementCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        return graph.add(
            Value(name: "constant \(graph.values.count)", constant: Tensor(shape: shape, values), quantization: activationQuantization(0.01)))
    }

    mutating func activationQuantization(_ scale: Float) -> Quantization {
        Quantization(scale: scale * Float.random(in: 0.8...1.2, using: &random), zeroPoint: Int32(number(0...3) == 0 ? 0 : number(90...160)))
    }

    /// Appends a node whose output types and shapes are inferred.
    @discardableResult
    mutating func apply(
        _ operation: Networks.Operation, _ inputs: [ValueID?], _ quantization: Quantization? = nil, shape: [Int]? = nil, type: ElementType? = nil
    ) throws -> ValueID {
        let values = inputs.map { $0.map { graph[$0] } }
        var declared: [Value] = []
        if shape != nil || type != nil || quantization != nil {
            declared = [
                Value(
                    name: "", type: type ?? (quantization == nil ? values[0]?.type ?? .float32 : .uint8), shape: shape ?? [],
                    quantization: quantization)
            ]
        }
        let results = try operation.outputs(of: values, declared: declared)
        let name = "\(graph.nodes.count)"
        let ids = results.map { graph.add(Value(name: "value \(graph.values.count)", type: $0.type, shape: $0.shape, quantization: quantization)) }
        graph.nodes.append(Node(name: name, operation: operation, inputs: inputs, outputs: ids))
        return ids[0]
    }

    /// For operations that only move elements.
    @discardableResult
    mutating func move(_ operation: Networks.Operation, _ input: ValueID, shape: [Int]? = nil) throws -> ValueID {
        try apply(operation, [input], graph[input].quantization, shape: shape)
    }

    mutating func convolution(_ x: ValueID, _ convolution: Convolution, outputs: Int, bias: Bool = true, residual: ValueID? = nil) throws -> ValueID {
        let inputs = graph[x].shape[1]
        let shape = [outputs, inputs / convolution.groups] + convolution.window.size
        let depth = shape.dropFirst().reduce(1, *)
        guard let quantization = graph[x].quantization else {
            let w = constant(shape, in: -1.5...1.5)
            let b = bias ? constant([outputs]) : nil
            return try apply(.convolution(convolution), [x, w, b, residual])
        }
        let (w, b, scale) = quantizedWeights(shape, depth: depth, input: quantization, bias: bias)
        return try apply(.convolution(convolution), [x, w, b, residual], activationQuantization(scale))
    }

    /// `[m, k]` with a new `[n, k]`, left in float32 if asked.
    mutating func gemm(_ a: ValueID, outputs: Int, activation: Activation = .none, isFloat: Bool = false) throws -> ValueID {
        let depth = graph[a].shape[1]
        guard let quantization = graph[a].quantization else {
            let transposes = Bool.random(using: &random)
            let gemm = Gemm(alpha: pick([1, 0.5]), beta: pick([1, 2]), transposesB: transposes, activation: activation)
            let b = constant(transposes ? [outputs, depth] : [depth, outputs])
            let c = constant(pick([[outputs], [1, outputs], [1], []]))
            return try apply(.gemm(gemm), [a, b, pick([c, nil])])
        }
        let (w, b, scale) = quantizedWeights([outputs, depth], depth: depth, input: quantization, bias: true)
        let gemm = Gemm(transposesB: true, activation: activation)
        if isFloat { return try apply(.gemm(gemm), [a, w, b], shape: [graph[a].shape[0], outputs], type: .float32) }
        return try apply(.gemm(gemm), [a, w, b], activationQuantization(scale))
    }

    private mutating func quantizedWeights(_ shape: [Int], depth: Int, input: Quantization, bias: Bool) -> (ValueID, ValueID?, Float) {
        let scales = floats(shape[0], in: 0.004...0.02)
        let values = (0..<shape.elementCount).map { _ in Int8.random(in: -127...127, using: &random) }
        let w = graph.add(
            Value(name: "weights \(graph.values.count)", constant: Tensor(shape: shape, values), quantization: Quantization(channelScales: scales)))
        var b: ValueID?
        if bias {
            let values = (0..<shape[0]).map { _ in Int32.random(in: -20000...20000, using: &random) }
            b = graph.add(
                Value(
                    name: "bias \(graph.values.count)", constant: Tensor(shape: [shape[0]], values),
                    quantization: Quantization(channelScales: scales.map { $0 * input.scale })))
        }
        // The result's scale follows the spread of the sums, so that most of them don't saturate.
        return (w, b, input.scale * 0.012 * Float(depth).squareRoot() * 90)
    }
}
