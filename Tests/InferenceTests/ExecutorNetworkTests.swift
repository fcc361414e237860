// SPDX-License-Identifier: Apache-2.0
import Definitions
import Inference
import Kernels
import Networks
import Tensors
import TestSupport
import Testing

/// Whole random networks against the definitions, node by node: each node's definition is applied to what the engine computed
/// before it, so that errors of float32 don't add up over the layers.
struct ExecutorNetworkTests {
    @Test(arguments: 0..<150) func quantizedNetworksEqualTheirDefinitions(seed: UInt64) throws {
        var network = try RandomNetwork(seed: seed, isQuantized: true, batch: seed % 5 == 0 ? 2 : 1)
        try compare(network.graph, network.inputs(), seed)
    }

    @Test(arguments: 0..<150) func floatNetworksStayWithinTheBoundOfTheirSums(seed: UInt64) throws {
        var network = try RandomNetwork(seed: 1000 + seed, isQuantized: false, batch: seed % 5 == 0 ? 2 : 1)
        try compare(network.graph, network.inputs(), 1000 + seed)
    }

    @Test(arguments: 0..<12, [false, true]) func resultsAreTheSameForEveryNumberOfThreads(seed: UInt64, isQuantized: Bool) throws {
        var network = try RandomNetwork(seed: 2000 + seed, isQuantized: isQuantized, blocks: 5, isLarge: true)
        let inputs = network.inputs()
        let alone = try run(network.graph, inputs, ExecutorOptions(threads: 1))
        for threads in 2...4 {
            let executor = try Executor(network.graph, options: ExecutorOptions(threads: threads, barrier: .zero))
            for _ in 0..<3 {
                let together = try executor.run(inputs).map(\.floats)
                #expect(together == alone, "seed \(2000 + seed), \(threads) threads")
            }
        }
    }

    @Test(arguments: 0..<30) func quantizedResultsAreTheSameForEveryInstructionSet(seed: UInt64) throws {
        var network = try RandomNetwork(seed: 3000 + seed, isQuantized: true)
        network.dropLastOutput()
        let inputs = network.inputs()
        let plain = try run(network.graph, inputs, ExecutorOptions(features: []))
        #expect(try run(network.graph, inputs, ExecutorOptions()) == plain, "seed \(3000 + seed)")
    }

    private func run(_ graph: Graph, _ inputs: [Tensor], _ options: ExecutorOptions) throws -> [[Float]] {
        try Executor(graph, options: options).run(inputs).map(\.floats)
    }

    private func compare(_ graph: Graph, _ inputs: [Tensor], _ seed: UInt64) throws {
        var open = graph
        open.outputs = graph.nodes.flatMap(\.outputs)
        let results = try Executor(open).run(inputs)
        var tensors = graph.values.map(\.constant)
        for (id, input) in zip(graph.inputs, inputs) { tensors[id.rawValue] = input }
        for (id, result) in zip(open.outputs, results) { tensors[id.rawValue] = result }
        for node in graph.nodes { try compare(node, graph, tensors, seed) }

        // The same again with memory reused, through each of the entrances.
        let closed = try Executor(graph)
        let expected = graph.outputs.map { tensors[$0.rawValue]?.floats ?? [] }
        for _ in 0..<2 { #expect(try closed.run(inputs).map(\.floats) == expected, "seed \(seed)") }
        try inputs[0].withElements(of: Float.self) { try closed.run(input: $0) }
        for index in expected.indices {
            #expect(closed.withOutput(index) { span in span.indices.map { span[$0] } } == expected[index], "seed \(seed)")
        }
        try closed.run(inputs) { id, span in
            let seen = span.indices.map { span[$0] }
            #expect(seen == tensors[id.rawValue]?.floats, "seed \(seed), value \(graph[id].name)")
        }
    }

    private func compare(_ node: Node, _ graph: Graph, _ tensors: [Tensor?], _ seed: UInt64) throws {
        let inputs = node.inputs.map { $0.flatMap { tensors[$0.rawValue] } }
        let quantizations = node.inputs.map { $0.flatMap { graph[$0].quantization } }
        let outputs = node.outputs.map { graph[$0] }
        let expected = try evaluate(node.operation, inputs: inputs, quantizations: quantizations, outputs: outputs)
        for (id, expected) in zip(node.outputs, expected) {
            let found = try #require(tensors[id.rawValue])
            let place: Comment = "seed \(seed), node \(node.name), \(node.operation)"
            guard expected.type == .float32, let bound = try FloatBound(node, inputs, expected: expected) else {
                #expect(expected.floats == found.floats, place)
                continue
            }
            let worst = zip(zip(expected.floats, found.floats), bound.values).map { pair, bound in abs(pair.0 - pair.1) / bound }.max() ?? 0
            #expect(worst <= 1, place)
        }
    }
}

extension RandomNetwork {
    /// Drops the float softmax behind a quantised network.
    mutating func dropLastOutput() { builder.graph.outputs.removeLast() }
}
