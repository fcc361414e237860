// SPDX-License-Identifier: Apache-2.0
import Definitions
import Networks
import Tensors
import TestSupport
import Testing

/// Builds small float32 graphs: shapes are inferred, weights are random.
struct GraphBuilder {
    var graph = Graph(name: "test")
    var random: SeededGenerator

    init(seed: UInt64 = 1) { random = SeededGenerator(seed: seed) }

    mutating func input(_ shape: [Int]) -> ValueID {
        let id = graph.add(Value(name: "input\(graph.inputs.count)", type: .float32, shape: shape))
        graph.inputs.append(id)
        return id
    }

    mutating func constant(_ shape: [Int], in range: ClosedRange<Float> = -1...1) -> ValueID {
        let floats = randomFloats(shape.elementCount, in: range)
        return graph.add(Value(name: "c\(graph.values.count)", constant: Tensor(shape: shape, floats)))
    }

    mutating func scalar(_ value: Float) -> ValueID {
        graph.add(Value(name: "c\(graph.values.count)", constant: Tensor.scalar(value)))
    }

    mutating func randomFloats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &random) }
    }

    /// - Parameter shape: of the result, where the inputs leave it open.
    mutating func add(_ operation: Networks.Operation, _ inputs: [ValueID?], shape: [Int]? = nil) throws -> ValueID {
        let values = inputs.map { $0.map { graph[$0] } }
        let declared = shape.map { [Value(name: "", type: .float32, shape: $0)] } ?? []
        let result = try operation.outputs(of: values, declared: declared)[0]
        let index = graph.nodes.count
        return graph.add(
            operation, name: "n\(index)", inputs: inputs, output: Value(name: "v\(index)", type: result.type, shape: result.shape))
    }

    mutating func convolution(
        _ x: ValueID, channels: Int, size: Int = 3, stride: Int = 1, pad: Int? = nil, groups: Int = 1, bias: Bool = true,
        activation: Activation = .none
    ) throws -> ValueID {
        let inputs = graph[x].shape[1]
        let weights = constant([channels, inputs / groups, size, size])
        let offset = bias ? constant([channels]) : nil
        let pad = pad ?? size / 2
        let window = Window(size: [size, size], strides: [stride, stride], padsBefore: [pad, pad], padsAfter: [pad, pad])
        return try add(.convolution(Convolution(window: window, groups: groups, activation: activation)), [x, weights, offset])
    }

    /// A value rounded to int8 and back, as models in QDQ form have it.
    mutating func pair(_ id: ValueID, scale: Float, zeroPoint: Int8) throws -> ValueID {
        let (s, z) = (scalar(scale), graph.add(Value(name: "z", constant: Tensor.scalar(zeroPoint))))
        let bytes = graph.add(
            .quantize(axis: 0, blockSize: 0), name: "q", inputs: [id, s, z], output: Value(name: "q", type: .int8, shape: graph[id].shape))
        return try add(.dequantize(axis: 0, blockSize: 0), [bytes, s, z])
    }

    mutating func normalization(_ x: ValueID) throws -> ValueID {
        let c = graph[x].shape[1]
        let parameters = [constant([c]), constant([c]), constant([c]), constant([c], in: 0.5...2)]
        return try add(.batchNormalization(epsilon: 1e-3), [x] + parameters)
    }

    mutating func finish(_ outputs: ValueID...) throws -> Graph {
        graph.outputs = outputs
        try graph.check()
        return graph
    }
}

/// Checks that `rewritten` is valid, has the interface of `original`, and computes the same up to float32 rounding.
func expectSame(
    _ rewritten: Graph, as original: Graph, inputs range: ClosedRange<Float> = -4...4, tolerance: Float = 1e-5,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try rewritten.check()
    #expect(rewritten.inputs.map { rewritten[$0].name } == original.inputs.map { original[$0].name }, sourceLocation: sourceLocation)
    #expect(rewritten.outputs.map { rewritten[$0].name } == original.outputs.map { original[$0].name }, sourceLocation: sourceLocation)
    var random = SeededGenerator(seed: 99)
    for _ in 0..<3 {
        let inputs = original.inputs.map { id in
            let shape = original[id].shape
            return Tensor(shape: shape, (0..<shape.elementCount).map { _ in Float.random(in: range, using: &random) })
        }
        let expected = try evaluate(original, inputs: inputs)
        let found = try evaluate(rewritten, inputs: inputs)
        for (a, b) in zip(expected, found) {
            #expect(a.shape == b.shape, sourceLocation: sourceLocation)
            let largest = a.floats.map(\.magnitude).max() ?? 0
            let difference = zip(a.floats, b.floats).map { abs($0 - $1) }.max() ?? 0
            #expect(difference <= tolerance * max(largest, 1), sourceLocation: sourceLocation)
        }
    }
}

extension Graph {
    /// The kinds of operations, in order: `convolution+relu binary mean …`.
    var kinds: String {
        nodes.map { node in
            switch node.operation {
            case .convolution(let convolution): "convolution" + suffix(convolution.activation) + (node.inputs.count > 3 ? "+residual" : "")
            case .gemm(let gemm): "gemm" + suffix(gemm.activation)
            case .binary(let binary, let activation): binary.rawValue + suffix(activation)
            case .activation(let activation): String("\(activation)".prefix { $0 != "(" })
            case .pool(let pooling): pooling.kind.rawValue
            default: String("\(node.operation)".prefix { $0 != "(" })
            }
        }.joined(separator: " ")
    }
}

private func suffix(_ activation: Activation) -> String {
    activation == .none ? "" : "+" + "\(activation)".prefix { $0 != "(" }
}
