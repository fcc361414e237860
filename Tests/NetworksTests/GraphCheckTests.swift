// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import Testing

/// `relu(conv(x)) + x`, then the mean: two branches and a constant.
private func residualGraph() -> Graph {
    var graph = Graph(name: "residual")
    let x = graph.add(Value(name: "x", type: .float32, shape: [1, 2, 4, 4]))
    graph.inputs = [x]
    let weights = graph.add(Value(name: "w", constant: Tensor(shape: [2, 2, 3, 3], [Float](repeating: 0, count: 36))))
    let window = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
    let convolved = graph.add(
        .convolution(Convolution(window: window)), name: "conv", inputs: [x, weights],
        output: Value(name: "c", type: .float32, shape: [1, 2, 4, 4]))
    let sum = graph.add(
        .binary(.add, activation: .relu), name: "add", inputs: [convolved, x], output: Value(name: "s", type: .float32, shape: [1, 2, 4, 4]))
    let mean = graph.add(
        .mean(axes: [2, 3], keepsDimensions: true), name: "pool", inputs: [sum], output: Value(name: "m", type: .float32, shape: [1, 2, 1, 1]))
    graph.outputs = [mean]
    return graph
}

/// A convolution 1×1 of two channels in the quantised form.
private func quantizedGraph() -> Graph {
    var graph = Graph(name: "quantised")
    let x = graph.add(Value(name: "x", type: .uint8, shape: [1, 2, 1, 1], quantization: Quantization(scale: 0.5, zeroPoint: 3)))
    graph.inputs = [x]
    let weights = graph.add(
        Value(name: "w", constant: Tensor(shape: [2, 2, 1, 1], [1, -127, 127, 0] as [Int8]), quantization: Quantization(channelScales: [1, 2])))
    let bias = graph.add(Value(name: "b", constant: Tensor(shape: [2], [5, -6] as [Int32])))
    let y = graph.add(
        .convolution(Convolution(window: Window(size: [1, 1]), activation: .relu)), name: "conv", inputs: [x, weights, bias],
        output: Value(name: "y", type: .uint8, shape: [1, 2, 1, 1], quantization: Quantization(scale: 1, zeroPoint: 0)))
    graph.outputs = [y]
    return graph
}

struct GraphCheckTests {
    @Test func soundGraphsPass() throws {
        try residualGraph().check()
        try quantizedGraph().check()
    }

    @Test func theErrorNamesTheNode() {
        var graph = residualGraph()
        graph[graph.nodes[1].outputs[0]].shape = [1, 2, 4, 5]
        let error = #expect(throws: GraphError.self) { try graph.check() }
        #expect(error?.subject == "node 'add' (1)")
        #expect(error?.code == .shape)
    }

    @Test(arguments: [
        { $0.nodes.swapAt(0, 1) },
        { $0.nodes[0].inputs[0] = ValueID(rawValue: 99) },
        { $0.nodes[0].inputs[0] = ValueID(rawValue: -1) },
        { $0.nodes[0].inputs[0] = nil },
        { $0.nodes[0].inputs.append(nil); $0.nodes[0].inputs.append(nil); $0.nodes[0].inputs.append(nil) },
        { $0.nodes[1].outputs = $0.nodes[0].outputs },
        { $0.nodes[0].outputs = [$0.inputs[0]] },
        { $0.nodes[0].outputs = [] },
        { $0.nodes[0].outputs = [ValueID(rawValue: 7)] },
        { $0.outputs = [] },
        { $0.outputs = [ValueID(rawValue: 1 << 40)] },
        { $0.inputs = [] },
        { $0.inputs.append($0.inputs[0]) },
        { $0.inputs.append(ValueID(rawValue: 1)) },
        { $0.inputs.append(ValueID(rawValue: .min)) },
        { $0.values[0].shape[0] = -1 },
        { $0.values[0].shape[0] = .max },
        { $0.values[1].shape = [2, 2, 9] },
        { $0.values[1].type = .float16 },
        { $0.values[0].quantization = Quantization(scale: 1, zeroPoint: 0) },
        { $0.values.append(Value(name: "unused", type: .int8, shape: [1 << 14, 1 << 15])) },
    ] as [@Sendable (inout Graph) -> Void])
    func everyBrokenRuleIsFound(_ damage: @Sendable (inout Graph) -> Void) {
        var graph = residualGraph()
        damage(&graph)
        #expect(throws: GraphError.self) { try graph.check() }
    }

    @Test(arguments: [
        { $0.values[0].quantization?.scales = [.nan] },
        { $0.values[0].quantization?.scales = [0] },
        { $0.values[0].quantization?.scales = [-1] },
        { $0.values[0].quantization?.scales = [] },
        { $0.values[0].quantization?.zeroPoints = [256] },
        { $0.values[0].quantization?.axis = 1 },
        { $0.values[1].quantization?.scales = [1] },
        { $0.values[1].quantization?.axis = 7 },
        { $0.values[1].quantization = nil },
        { $0.values[1].constant = nil },
        { $0.values[1].constant = Tensor(shape: [2, 2, 1, 1], [1, -128, 127, 0] as [Int8]) },
        { $0.values[2].constant = Tensor(shape: [2], [.max, 0] as [Int32]) },
        { $0.values[2].constant = Tensor(shape: [2], [0, .min] as [Int32]) },
        { $0.values[3].quantization = nil },
        { $0.values[0].quantization?.scales = [1e30]; $0.values[1].quantization?.scales = [1e30, 1] },
        { $0.values[3].quantization?.scales = [1e-30] },
        { $0.nodes[0].operation = .convolution(Convolution(window: Window(size: [1, 1]), activation: .sigmoid)) },
    ] as [@Sendable (inout Graph) -> Void])
    func everyBrokenQuantisationIsFound(_ damage: @Sendable (inout Graph) -> Void) {
        var graph = quantizedGraph()
        damage(&graph)
        #expect(throws: GraphError.self) { try graph.check() }
    }

    @Test func aQuantisedConvolutionMayBeLeftInRealNumbers() throws {
        var graph = quantizedGraph()
        graph.values[3].type = .float32
        graph.values[3].quantization = nil
        try graph.check()
    }

    @Test func costsCountProductsAndBytes() {
        let graph = residualGraph()
        #expect(graph.cost(of: graph.nodes[0]).multiplyAccumulates == 2 * 4 * 4 * 2 * 9)
        #expect(graph.cost(of: graph.nodes[0]).parameterBytes == 36 * 4)
        #expect(graph.cost(of: graph.nodes[2]).activationBytes == 2 * 4)
        #expect(graph.cost.multiplyAccumulates == 576)
    }

    @Test func cutsListWhatTheRestNeeds() {
        let graph = residualGraph()
        let cuts = graph.cuts
        #expect(cuts.map(\.position) == [0, 1, 2, 3])
        #expect(cuts.map { $0.crossing.map { graph[$0].name } } == [["x"], ["x", "c"], ["s"], []])
        #expect(cuts.map(\.bytes) == [128, 256, 128, 0])
    }
}
