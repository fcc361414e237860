// SPDX-License-Identifier: Apache-2.0
import Compilation
import Inference
import Networks
import Tensors
import TestSupport
import Testing

/// Networks that come with several outputs.
@Suite struct ExitOutputTests {
    private let preprocessing = Preprocessing(width: 8, height: 8, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])

    /// Three convolutions; an output of `classes` scores behind each, in the order of `order`.
    private func network(order: [Int], classes: [Int] = [4, 4, 4], soft: Set<Int> = []) throws -> Graph {
        var builder = GraphBuilder(seed: 21)
        var y = builder.input([1, 3, 8, 8])
        var outputs: [ValueID] = []
        for (index, count) in classes.enumerated() {
            y = try builder.convolution(y, channels: 6, activation: .relu)
            // The first head takes more work than all that comes after it.
            let head = try builder.convolution(y, channels: index == 0 ? 40 : 6)
            let pooled = try builder.add(.mean(axes: [2, 3], keepsDimensions: true), [head])
            let channels = builder.graph[pooled].shape[1]
            let flat = try builder.add(.reshape, [pooled], shape: [1, channels])
            var scores = try builder.add(.gemm(Gemm(transposesB: true)), [flat, builder.constant([count, channels])])
            if soft.contains(index) { scores = try builder.add(.softmax(axis: 1), [scores]) }
            builder.graph[scores].name = "scores\(index)"
            outputs.append(scores)
        }
        builder.graph.outputs = order.map { outputs[$0] }
        try builder.graph.check()
        return builder.graph
    }

    private func samples() -> [CalibrationSample] {
        var random = SeededGenerator(seed: 8)
        return (0..<60).map { index in CalibrationSample(pixels: (0..<192).map { _ in UInt8.random(in: 0...255, using: &random) }, label: index % 4) }
    }

    private func names(_ graph: Graph) -> [String] { graph.outputs.map { graph[$0].name } }

    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]]) func outputsAreOrderedByWhereTheyBranchOff(order: [Int]) throws {
        let graph = try network(order: order).withOutputsByDepth()
        #expect(names(graph) == ["scores0", "scores1", "scores2"])
        #expect(graph[graph.end].name == "scores2")
        let ordered = graph.orderedByExits()
        #expect(ordered.exitPositions == ordered.exitPositions.sorted())
        let costs = ordered.exitCosts
        #expect(costs.map(\.before) == [64 * 27 * 6, 64 * 81 * 6, costs[2].before])
        #expect(costs[2].head == 0 && costs.reduce(0) { $0 + $1.head } + costs[2].before == graph.cost.multiplyAccumulates)
    }

    @Test(arguments: BundleDetails.Precision.allCases) func everyOutputIsCompiledAndTheLastOneCounts(precision: BundleDetails.Precision) throws {
        let graph = try network(order: [0, 1, 2])
        let (bundle, report) = try Compiler(preprocessing: preprocessing, samples: samples()).compile(graph, details: BundleDetails(name: "net", precision: precision))
        #expect(names(bundle.graph) == names(graph))
        #expect(report.exits.map(\.name) == ["scores0", "scores1"])
        #expect(report.exits.allSatisfy { ($0.agreement != nil) == (precision == .int8) })
        #expect(bundle.details.plans?.exits.map(\.name) == names(graph))
        var alone = graph
        alone.outputs = [graph.end]
        let (single, _) = try Compiler(preprocessing: preprocessing, samples: samples()).compile(
            alone.withoutUnused, details: BundleDetails(name: "net", precision: precision))
        #expect(single.details.plans == nil && single.details.temperature == bundle.details.temperature)
        let (both, one) = (try Executor(verifying: bundle), try Executor(verifying: single))
        let pixels = samples()[5].pixels
        try both.run(pixels: pixels.span)
        try one.run(pixels: pixels.span)
        let said: [Float] = one.withOutput { span in span.indices.map { span[$0] } }
        #expect(both.end == 2 && both.withOutput { span in span.indices.map { span[$0] } } == said)
        #expect(both.withOutput(0) { span in span.indices.map { span[$0] } } != said)
    }

    @Test func outputsThatAreNoExitsAreRefused() throws {
        func refusal(_ graph: Graph) -> String {
            let compiler = Compiler(preprocessing: preprocessing, samples: samples())
            return #expect(throws: CompilationError.self) { try compiler.compile(graph, details: BundleDetails(name: "net", precision: .int8)) }?.description ?? ""
        }
        let classes = refusal(try network(order: [0, 1, 2], classes: [4, 6, 4]))
        #expect(classes.contains("'scores1' is F32 [1, 6]") && classes.contains("'scores2', F32 [1, 4]") && classes.contains("for each class"), "\(classes)")
        #expect(refusal(try network(order: [0, 1, 2], soft: [2])).contains("softmax"))
        #expect(try Compiler(preprocessing: preprocessing, samples: samples()).compile(
            network(order: [0, 1, 2], soft: [0, 1, 2]), details: BundleDetails(name: "net", precision: .fp32)).bundle.details.outputKind == .probabilities)
    }

    @Test func aNetworkPreparedForFloat32IsQuantisedAsTheOriginalIs() throws {
        var builder = GraphBuilder(seed: 4)
        let x = builder.input([1, 3, 8, 8])
        var y = try builder.add(.activation(.hardSwish), [builder.normalization(builder.convolution(x, channels: 8))])
        y = try builder.add(.activation(.silu), [builder.add(.binary(.add, activation: .none), [builder.convolution(y, channels: 8), y])])
        y = try builder.add(.mean(axes: [2, 3], keepsDimensions: true), [builder.convolution(y, channels: 4, activation: .relu)])
        let graph = try builder.finish(builder.add(.reshape, [y], shape: [1, 4]))
        let float = try graph.optimized(for: .float)
        let again = try float.optimized(for: .quantized)
        #expect(again.kinds == (try graph.optimized(for: .quantized).kinds))
        #expect(float.kinds != again.kinds)
        try expectSame(again, as: graph)
        try expectSame(again.optimized(for: .float), as: graph)
        #expect(try again.optimized(for: .float).kinds == float.kinds)
    }
}
