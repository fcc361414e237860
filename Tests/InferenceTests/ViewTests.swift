// SPDX-License-Identifier: Apache-2.0
import Inference
import Kernels
import Networks
import Tensors
import TestSupport
import Testing

/// What isn't copied, and what runs in one step.
struct ViewTests {
    private let point = Convolution(window: Window(size: [1, 1]), activation: .relu)

    /// Every convolution reads and writes with the same quantisation.
    private func convolution(_ builder: inout NetworkBuilder, _ x: ValueID, outputs: Int) throws -> ValueID {
        let id = try builder.convolution(x, point, outputs: outputs)
        if builder.isQuantized { builder.graph[id].quantization = shared }
        return id
    }

    private let shared = Quantization(scale: 0.02, zeroPoint: 100)

    @Test(arguments: [false, true]) func partsOfAConcatenationAreProducedInPlace(isQuantized: Bool) throws {
        var builder = NetworkBuilder(seed: 1, isQuantized: isQuantized)
        let x = try builder.input([1, 3, 6, 5])
        let squeezed = try convolution(&builder, x, outputs: 8)
        let parts = try [16, 7, 1].map { try convolution(&builder, squeezed, outputs: $0) }
        let joined = try builder.apply(.concatenation(axis: 1), parts, isQuantized ? shared : nil)
        builder.graph.outputs = [try convolution(&builder, joined, outputs: 4)]
        try expectNoCopies(builder.graph)
    }

    /// The blocks of a DenseNet: each layer reads all that came before.
    @Test(arguments: [false, true]) func growingConcatenationsAreViewsOfOne(isQuantized: Bool) throws {
        var builder = NetworkBuilder(seed: 2, isQuantized: isQuantized)
        let x = try builder.input([1, 3, 6, 5])
        var features = [try convolution(&builder, x, outputs: 12)]
        for _ in 0..<3 {
            let joined = features.count == 1 ? features[0] : try builder.apply(.concatenation(axis: 1), features, isQuantized ? shared : nil)
            let narrow = try convolution(&builder, joined, outputs: 6)
            features.append(try convolution(&builder, narrow, outputs: 5))
        }
        builder.graph.outputs = [try builder.apply(.concatenation(axis: 1), features, isQuantized ? shared : nil)]
        let executor = try Executor(builder.graph)
        #expect(executor.plan.allSatisfy { $0.kernel != "concatenate" }, "\(executor.plan.map(\.kernel))")
        try expectDefinition(builder.graph)
    }

    @Test func anInputWithAnotherQuantizationIsConvertedIntoItsPlace() throws {
        var builder = NetworkBuilder(seed: 3, isQuantized: true)
        let x = try builder.input([1, 3, 6, 5])
        let first = try convolution(&builder, x, outputs: 8)
        let second = try builder.convolution(x, point, outputs: 9)
        builder.graph.outputs = [try builder.apply(.concatenation(axis: 1), [first, second], shared)]
        let executor = try Executor(builder.graph)
        #expect(executor.plan.filter { $0.kernel.hasPrefix("table_u8") }.count == 1)
        #expect(executor.plan.allSatisfy { $0.kernel != "concatenate" }, "\(executor.plan.map(\.kernel))")
        try expectDefinition(builder.graph)
    }

    @Test func slicesOfChannelsAreReadWhereTheyLie() throws {
        for isQuantized in [false, true] {
            var builder = NetworkBuilder(seed: 4, isQuantized: isQuantized)
            let x = try builder.input([1, 3, 6, 5])
            let wide = try convolution(&builder, x, outputs: 24)
            let quantization = builder.graph[wide].quantization
            let split = try builder.apply(.split(axis: 1, sizes: [10, 14]), [wide], quantization)
            let left = try convolution(&builder, split, outputs: 6)
            let right = try builder.apply(
                .pool(Pooling(kind: .maximum, window: Window(size: [2, 2]))), [ValueID(rawValue: split.rawValue + 1)], quantization)
            let sum = try builder.apply(.binary(.add, activation: .none), [left, left], isQuantized ? shared : nil)
            builder.graph.outputs = [sum, right]
            try expectNoCopies(builder.graph, besides: 2)
        }
    }

    @Test func anActivationThatAloneReadsAConvolutionRunsInItsStep() throws {
        var builder = NetworkBuilder(seed: 5, isQuantized: true)
        let x = try builder.input([1, 3, 6, 5])
        let linear = try builder.convolution(x, Convolution(window: Window(size: [3, 3])), outputs: 8)
        let curved = try builder.apply(.activation(.hardSwish), [linear], shared)
        builder.graph.outputs = [try convolution(&builder, curved, outputs: 4)]
        #expect(try Executor(builder.graph).plan.allSatisfy { !$0.kernel.hasPrefix("table_u8") })
        try expectDefinition(builder.graph)
        // A segment that begins between the two needs what lies between them.
        let cut = try #require(builder.graph.nodes.firstIndex { if case .activation = $0.operation { true } else { false } })
        let divided = try Executor(builder.graph, options: ExecutorOptions(cuts: [cut]))
        #expect(divided.plan.contains { $0.kernel.hasPrefix("table_u8") })
        // So does a second reader.
        builder.graph.outputs.append(linear)
        #expect(try Executor(builder.graph).plan.contains { $0.kernel.hasPrefix("table_u8") })
        try expectDefinition(builder.graph)
    }

    private func expectNoCopies(_ graph: Graph, besides outputs: Int = 1) throws {
        let executor = try Executor(graph)
        let copies = executor.plan.filter { $0.kernel == "copy" || $0.kernel == "concatenate" }
        #expect(copies.count <= outputs, "\(executor.plan.map { "\($0.kernel) \($0.node)" })")
        try expectDefinition(graph)
    }

    /// The outputs are those of the same network with every value kept, which is laid out otherwise, and of two threads.
    private func expectDefinition(_ graph: Graph) throws {
        var random = SeededGenerator(seed: 6)
        let shape = graph[graph.inputs[0]].shape
        let input = Tensor(shape: shape, (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &random) })
        var open = graph
        open.outputs = graph.outputs + graph.nodes.flatMap(\.outputs).filter { !graph.outputs.contains($0) }
        let expected = try Executor(open, options: ExecutorOptions(features: [])).run([input]).prefix(graph.outputs.count).map(\.floats)
        for threads in 1...2 {
            let found = try Executor(graph, options: ExecutorOptions(threads: threads, barrier: .zero)).run([input]).map(\.floats)
            for (found, expected) in zip(found, expected) {
                let isClose = zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) }
                #expect(graph.values.contains { $0.type == .uint8 } ? found == expected : isClose)
            }
        }
    }
}
