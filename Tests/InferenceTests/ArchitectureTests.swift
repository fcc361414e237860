// SPDX-License-Identifier: Apache-2.0
import Definitions
import Inference
import Kernels
import Networks
import Tensors
import TestSupport
import Testing

struct ArchitectureTests {
    /// With every value kept, every value is compared; with none kept, where memory is reused and operations are fused, the outputs are.
    @Test(arguments: Architecture.allCases, UInt64(1)...3)
    func everyInstructionSetAndNumberOfThreadsGivesTheDefinitionsValues(_ architecture: Architecture, seed: UInt64) throws {
        let graph = try architecture.graph(seed: seed)
        var random = SeededGenerator(seed: seed)
        let input = graph.inputs.map { id in
            Tensor(shape: graph[id].shape, (0..<graph[id].shape.elementCount).map { _ in Float.random(in: -1.2...1.2, using: &random) })
        }
        var truth: [ValueID: Tensor] = [:]
        _ = try evaluate(graph, inputs: input) { truth[$0] = $1 }
        let bytes = truth.values.filter { $0.type == .uint8 }
        #expect(bytes.filter { Set($0.elements(of: UInt8.self)).count > 8 }.count > bytes.count / 2, "values that hardly vary test nothing")
        var open = graph
        open.outputs = graph.nodes.flatMap(\.outputs)
        for (name, features) in CPUFeatures.selectable {
            for threads in 1...3 {
                for graph in [open, graph] {
                    let results = try Executor(graph, options: ExecutorOptions(threads: threads, barrier: .zero, features: features)).run(input)
                    for (id, result) in zip(graph.outputs, results) {
                        let place: Comment = "\(architecture), seed \(seed), \(name), \(threads) threads, \(graph[id].name)"
                        #expect(result.floats == truth[id]?.floats, place)
                    }
                }
            }
        }
    }
}
