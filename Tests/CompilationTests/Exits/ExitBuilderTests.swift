// SPDX-License-Identifier: Apache-2.0
import Compilation
import Inference
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct ExitBuilderTests {
    private let preprocessing = Preprocessing(width: 16, height: 16, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])

    /// Six convolutions of random weights, and a product of random weights.
    private func network(softmax: Bool = false) throws -> Graph {
        var builder = GraphBuilder(seed: 3)
        let x = builder.input([1, 3, 16, 16])
        var y = try builder.convolution(x, channels: 8, activation: .relu)
        for _ in 0..<2 { y = try builder.convolution(y, channels: 8, activation: .relu) }
        y = try builder.convolution(y, channels: 16, stride: 2, activation: .relu)
        for _ in 0..<2 { y = try builder.convolution(y, channels: 16, activation: .relu) }
        y = try builder.add(.mean(axes: [2, 3], keepsDimensions: true), [y])
        y = try builder.add(.reshape, [y], shape: [1, 16])
        y = try builder.add(.gemm(Gemm(transposesB: true)), [y, builder.constant([3, 16], in: -0.01...0.01)])
        return try builder.finish(softmax ? builder.add(.softmax(axis: 1), [y]) : y)
    }

    /// Noise in which one of three colours is stronger.
    private func samples(_ count: Int, labelled: Bool = true) -> [CalibrationSample] {
        var random = SeededGenerator(seed: 8)
        return (0..<count).map { index in
            let pixels = (0..<768).map { position -> UInt8 in
                let most: UInt8 = position % 3 == index % 3 ? 255 : 150
                return UInt8.random(in: 0...most, using: &random)
            }
            return CalibrationSample(pixels: pixels, label: labelled ? index % 3 : nil)
        }
    }

    private func builder(_ samples: [CalibrationSample], lesson: ExitBuilder.Lesson = .labels) -> ExitBuilder {
        var builder = ExitBuilder(images: ExitImages(samples, preprocessing: preprocessing, views: 2), lesson: lesson)
        builder.depths = 3
        builder.trainer.mostEpochs = 8
        builder.trainer.learningRate = 0.01
        return builder
    }

    private func outputs(_ graph: Graph, _ sample: CalibrationSample) throws -> [[Float]] {
        let executor = try Executor(graph, preprocessing: preprocessing)
        try executor.run(pixels: sample.pixels.span)
        return graph.outputs.indices.map { executor.withOutput($0) { span in span.indices.map { span[$0] } } }
    }

    @Test(arguments: [false, true]) func theEndSaysWhatItSaidBitForBit(softmax: Bool) throws {
        let network = try network(softmax: softmax)
        let samples = samples(150)
        let result = try builder(samples).build(network)
        #expect(result.graph.outputs.count > 1 && result.graph.outputs.count <= 4)
        #expect(result.graph.endsInSoftmax == softmax)
        let (bundle, _) = try Compiler(preprocessing: preprocessing, samples: samples).compile(
            result.graph, details: BundleDetails(name: "net", precision: .fp32))
        let (alone, _) = try Compiler(preprocessing: preprocessing, samples: samples).compile(network, details: BundleDetails(name: "net", precision: .fp32))
        for sample in samples.prefix(20) {
            let said = try outputs(network, sample)
            #expect(try outputs(result.graph, sample).last == said.last)
            #expect(try outputs(bundle.graph, sample).last == said.last)
        }
        #expect(bundle.details.temperature == alone.details.temperature && bundle.details.combination == alone.details.combination)
    }

    @Test func colorsAreToldApartEarlyAndBothKindsOfHeadsAreTried() throws {
        let result = try builder(samples(300)).build(network())
        #expect(result.trials.count == 6 && Set(result.trials.map(\.after)).count == 3)
        #expect(result.trials.allSatisfy { $0.headWork < 0.2 && $0.work > 0 && $0.work < 1 })
        #expect(result.trials.contains { $0.accuracy > 0.9 })
        // The network itself knows nothing of colours: whatever is sure leaves.
        #expect(result.shares.reduce(0, +) > 0.999 && result.work < 0.8, "\(result.trials)")
        #expect(result.trials.compactMap(\.name) == (1...result.trials.count { $0.name != nil }).map { "exit\($0)" })
    }

    @Test func withoutLabelsHeadsLearnWhatTheEndSays() throws {
        let network = try network()
        let samples = samples(300, labelled: false)
        let result = try builder(samples, lesson: .end).build(network)
        #expect(result.accuracy == 1)
        var counts: [Int: Int] = [:]
        for sample in samples.prefix(60) { counts[try outputs(network, sample)[0].firstGreatest, default: 0] += 1 }
        let commonest = Double(counts.values.max() ?? 0) / 60
        #expect(result.trials.contains { $0.accuracy > commonest + 0.1 } || commonest > 0.9, "\(counts) \(result.trials)")
    }

    @Test func theSameSeedGivesTheSameNetwork() throws {
        func constants(_ seed: UInt64) throws -> [[Float]] {
            var builder = builder(samples(100))
            builder.trainer.seed = seed
            return try builder.build(network()).graph.values.compactMap { $0.constant?.floats }
        }
        let first = try constants(1)
        #expect(try constants(1) == first)
        #expect(try constants(2) != first)
    }

    @Test func imagesThatDoNotFitIntoMemoryAreComputedAnew() throws {
        var builder = builder(samples(60))
        builder.trainer.mostEpochs = 2
        let whole = try builder.build(network())
        // A third of the images; what is kept is rounded, what is computed anew isn't.
        builder.memory = 40 * 3 * 4096
        let part = try builder.build(network())
        #expect(whole.trials.map(\.head) == part.trials.map(\.head))
        for (a, b) in zip(whole.trials, part.trials) { #expect(abs(a.accuracy - b.accuracy) < 0.35) }
    }

    /// Hardly anything comes out of two channels of each convolution.
    private func networkWithQuietChannels() throws -> Graph {
        var graph = try network()
        for node in graph.nodes {
            guard case .convolution = node.operation, let id = node.inputs[1], let weights = graph[id].constant else { continue }
            let size = weights.shape.dropFirst().reduce(1, *)
            graph[id].constant = Tensor(shape: weights.shape, weights.floats.enumerated().map { $0 / size < 2 ? $1 / 200 : $1 })
        }
        return graph
    }

    @Test(arguments: [false, true]) func aNetworkWithExitsSurvivesItsWayToTheBoard(hasQuietChannels: Bool) throws {
        let samples = samples(200)
        let result = try builder(samples).build(hasQuietChannels ? networkWithQuietChannels() : network())
        let compiler = Compiler(preprocessing: preprocessing, samples: samples)
        let (cloud, _) = try compiler.compile(result.graph, details: BundleDetails(name: "net", precision: .fp32))
        let (board, report) = try compiler.compile(cloud.graph, details: BundleDetails(name: "net", precision: .int8))
        let exits = result.graph.outputs.count - 1
        #expect(report.exits.count == exits && report.exits.allSatisfy { $0.agreement ?? 0 > 0.85 && $0.error ?? 1 < 0.2 }, "\(report.exits)")
        #expect(board.graph.outputs.map { board.graph[$0].name } == cloud.graph.outputs.map { cloud.graph[$0].name })
        #expect(board.golden?.tolerance == 0)
        // Products of heads are in 8 bits, too.
        let products = board.graph.nodes.filter { if case .gemm = $0.operation { true } else { false } }
        #expect(products.count == exits + 1 && products.allSatisfy { board.graph[$0.inputs[0] ?? board.graph.end].type == .uint8 })
        let folder = TemporaryFolder()
        for bundle in [cloud, board] {
            try bundle.write(to: folder("net.swiftlet"))
            let read = try Bundle(contentsOf: folder("net.swiftlet"), isThorough: true)
            _ = try Executor(verifying: read)
            let calibrated = try #require(read.details.plans)
            #expect(calibrated.exits == bundle.details.plans?.exits && calibrated.exits.count == exits + 1 && !calibrated.isTabulated)
            #expect(calibrated.exits.dropLast().allSatisfy { $0.temperature != 1 })
            #expect(calibrated.exits.last?.temperature == read.details.temperature)
        }
        // What was calibrated stays where there is nothing to calibrate with.
        let (again, _) = try Compiler(preprocessing: preprocessing, samples: []).compile(cloud.graph, details: cloud.details)
        #expect(again.details.plans?.exits == cloud.details.plans?.exits)
    }

    @Test func whatCannotBeTaughtIsRefused() throws {
        func refusal(_ samples: [CalibrationSample], _ graph: Graph? = nil, _ lesson: ExitBuilder.Lesson = .labels) throws -> String {
            let network = try graph ?? network()
            let error = #expect(throws: CompilationError.self) { try builder(samples, lesson: lesson).build(network) }
            return error?.description ?? ""
        }
        #expect(try refusal(samples(60, labelled: false)).contains("60 of 60 images have no label"))
        #expect(try refusal(samples(20)).contains("20 images, expected at least 50"))
        var wrong = samples(60)
        wrong[7].label = 3
        #expect(try refusal(wrong).contains("label 3 is none of 3 classes"))
        var forked = try network()
        forked.outputs.insert(forked.outputs[0], at: 0)
        #expect(try refusal(samples(60), forked).contains("already"))
        var small = GraphBuilder()
        let x = small.input([1, 3, 16, 16])
        let y = try small.add(.mean(axes: [2, 3], keepsDimensions: true), [x])
        let flat = try small.finish(small.add(.gemm(Gemm(transposesB: true)), [small.add(.reshape, [y], shape: [1, 3]), small.constant([3, 3])]))
        #expect(try refusal(samples(60), flat).contains("no place"))
    }
}

extension [Float] {
    fileprivate var firstGreatest: Int { firstIndex(of: self.max() ?? 0) ?? 0 }
}
