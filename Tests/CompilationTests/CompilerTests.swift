// SPDX-License-Identifier: Apache-2.0
import Compilation
import Gating
import Inference
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct CompilerTests {
    private let preprocessing = Preprocessing(width: 8, height: 8, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])

    private func network() throws -> Graph {
        var builder = GraphBuilder(seed: 3)
        let x = builder.input([1, 3, 8, 8])
        var y = try builder.add(.activation(.relu), [builder.normalization(builder.convolution(x, channels: 8, stride: 2))])
        y = try builder.add(.mean(axes: [2, 3], keepsDimensions: true), [builder.convolution(y, channels: 8, activation: .relu)])
        y = try builder.add(.reshape, [y], shape: [1, 8])
        return try builder.finish(builder.add(.gemm(Gemm(transposesB: true)), [y, builder.constant([3, 8])]))
    }

    private func samples(_ count: Int, labelled: Bool) -> [CalibrationSample] {
        var random = SeededGenerator(seed: 8)
        return (0..<count).map { index in
            CalibrationSample(pixels: (0..<192).map { _ in UInt8.random(in: 0...255, using: &random) }, label: labelled ? index % 3 : nil)
        }
    }

    @Test func aBundleGivesItsGoldenOutputsAgain() throws {
        for precision in BundleDetails.Precision.allCases {
            let compiler = Compiler(preprocessing: preprocessing, samples: samples(20, labelled: false))
            let (bundle, report) = try compiler.compile(network(), details: BundleDetails(name: "net", precision: precision))
            #expect(bundle.details.preprocessing == preprocessing)
            #expect(bundle.details.temperature == 1)
            #expect((report.quantizedNodes > 0) == (precision == .int8))
            _ = try Executor(verifying: bundle)
            if precision == .int8 { #expect(bundle.golden?.tolerance == 0) }
            // Pixels and the floats that they stand for are the same input; another image isn't.
            guard case .pixels(let image)? = bundle.golden?.inputs else {
                Issue.record("the golden input is no image")
                continue
            }
            var other = bundle
            other.golden?.inputs = .tensors([preprocessing.tensor(pixels: image.elements(of: UInt8.self))])
            _ = try Executor(verifying: other)
            other.golden?.inputs = .pixels(Tensor(shape: image.shape, image.elements(of: UInt8.self).map { ~$0 }))
            #expect(throws: BundleError.self) { try Executor(verifying: other) }
        }
    }

    @Test(arguments: [LayerPrecision.bits8, .bits(.four)]) func layersWhoseSumsCouldLeave32BitsAreNamed(weights: LayerPrecision) throws {
        var builder = GraphBuilder(seed: 3)
        let x = builder.input([1, 3, 8, 8])
        let y = try builder.add(.reshape, [builder.convolution(x, channels: 1100, size: 1, activation: .relu)], shape: [1, 70_400])
        // In 4 bits sums stay in 32, but a layer of that length isn't rounded to them.
        let w = builder.graph.add(Value(name: "w", constant: Tensor(shape: [1, 70_400], [Float](repeating: 0.5, count: 70_400))))
        let graph = try builder.finish(builder.add(.gemm(Gemm(transposesB: true)), [y, w]))
        var compiler = Compiler(preprocessing: preprocessing, samples: samples(2, labelled: false))
        compiler.weights = weights
        compiler.rule = .extremes
        let (bundle, report) = try compiler.compile(graph, details: BundleDetails(name: "net", precision: .int8))
        #expect(report.wideLayers == [graph.nodes[2].name])
        #expect(report.quantizedNodes == 1 && bundle.graph.nodes.count == 4)
        #expect(try compiler.compile(network(), details: BundleDetails(name: "net", precision: .int8)).report.wideLayers.isEmpty)
    }

    @Test func theRuleWithTheLeastErrorIsTaken() throws {
        let compiler = Compiler(preprocessing: preprocessing, samples: samples(64, labelled: false))
        let (_, report) = try compiler.compile(network(), details: BundleDetails(name: "net", precision: .int8))
        #expect(report.errorByRule.count == RangeRule.all.count)
        let rule = try #require(report.rule)
        #expect(report.errorByRule[rule] == report.errorByRule.values.min())
    }

    @Test func labelsFitTheTemperature() throws {
        let compiler = Compiler(preprocessing: preprocessing, samples: samples(60, labelled: true))
        let (bundle, _) = try compiler.compile(network(), details: BundleDetails(name: "net", precision: .int8))
        #expect(bundle.details.temperature != 1)
    }

    @Test func labelsFitTheScoresOfOneLookAndOfTwo() throws {
        // Labels as the network says, but for one in seven.
        var samples = samples(60, labelled: false)
        let float = try Executor(network(), preprocessing: preprocessing)
        for index in samples.indices {
            let pixels = samples[index].pixels
            try float.run(pixels: pixels.span)
            let scores: [Float] = float.withOutput { scores in scores.indices.map { scores[$0] } }
            let best = scores.firstIndex(of: scores.max() ?? 0) ?? 0
            samples[index].label = index % 7 == 0 ? (best + 1) % 3 : best
        }
        let compiler = Compiler(preprocessing: preprocessing, samples: samples)
        for precision in BundleDetails.Precision.allCases {
            let (bundle, _) = try compiler.compile(network(), details: BundleDetails(name: "net", precision: precision))
            let executor = try Executor(bundle.graph, preprocessing: preprocessing)
            func output(_ sample: CalibrationSample) throws -> [Float] {
                try executor.run(pixels: sample.pixels.span)
                return executor.withOutput { span in span.indices.map { span[$0] } }
            }
            let labels = samples.compactMap(\.label)
            let first = try samples.map(output)
            let one = try #require(Calibration(fittedTo: first, labels: labels))
            #expect(bundle.details.calibration == one)
            let second = try samples.map { sample in
                var mirrored = sample
                for row in 0..<8 {
                    for column in 0..<8 {
                        for channel in 0..<3 { mirrored.pixels[(row * 8 + column) * 3 + channel] = sample.pixels[(row * 8 + 7 - column) * 3 + channel] }
                    }
                }
                return try output(mirrored)
            }
            let means = zip(first, second).map { zip($0, $1).map { Float((Double($0) + Double($1)) / 2) } }
            #expect(bundle.details.secondLookCalibration == Calibration(fittedTo: means, labels: labels))
            #expect(bundle.details.secondLook?.temperature != one.temperature.value)
        }
        let (bundle, _) = try Compiler(preprocessing: preprocessing, samples: []).compile(network(), details: BundleDetails(name: "net", precision: .fp32))
        #expect(bundle.details.combination == nil && bundle.details.secondLook == nil)
    }

    @Test func aSoftmaxAtTheEndMakesProbabilitiesOfTheSameConfidence() throws {
        let logits = try network()
        var soft = logits
        let last = logits.outputs[0]
        let middle = soft.add(.softmax(axis: 1), name: "soft", inputs: [last], output: Value(name: "soft", type: .float32, shape: [1, 3]))
        soft.outputs = [soft.add(.reshape, name: "flat", inputs: [middle], output: Value(name: "flat", type: .float32, shape: [3]))]
        for precision in BundleDetails.Precision.allCases {
            let samples = samples(60, labelled: true)
            let compiler = Compiler(preprocessing: preprocessing, samples: samples)
            let bundles = try [logits, soft].map { try compiler.compile($0, details: BundleDetails(name: "net", precision: precision)).bundle }
            #expect(bundles.map(\.details.outputKind) == [.logits, .probabilities])
            let pixels = samples[7].pixels
            var confidences: [Double] = []
            for bundle in bundles {
                let executor = try Executor(bundle.graph, preprocessing: preprocessing)
                try executor.run(pixels: pixels.span)
                let calibration = Calibration(
                    scores: bundle.details.outputKind == .logits ? .logits : .probabilities,
                    temperature: try #require(Temperature(bundle.details.temperature)))
                confidences.append(try executor.withOutput { output in Result { try calibration.confidence(of: output).topOne } }.get())
            }
            #expect(abs(confidences[0] - confidences[1]) < 1e-3)
        }
    }

    @Test(arguments: BundleDetails.Precision.allCases) func aConstantThatIsNotFiniteIsRefused(precision: BundleDetails.Precision) throws {
        for number in [Float.nan, .infinity] {
            var graph = try network()
            let index = try #require(graph.values.firstIndex { $0.constant != nil })
            var floats = graph.values[index].constant?.floats ?? []
            floats[0] = number
            graph.values[index].constant = Tensor(shape: graph.values[index].shape, floats)
            let compiler = Compiler(preprocessing: preprocessing, samples: samples(20, labelled: false))
            let error = #expect(throws: CompilationError.self) {
                try compiler.compile(graph, details: BundleDetails(name: "net", precision: precision))
            }
            #expect(error?.description.contains("not a finite number") == true)
        }
    }

    @Test(arguments: BitPackedWeights.Width.allCases) func weightsOfFewBitsAreExactAndTakeLittleSpace(width: BitPackedWeights.Width) throws {
        var compiler = Compiler(preprocessing: preprocessing, samples: samples(32, labelled: false))
        let (plain, plainReport) = try compiler.compile(network(), details: BundleDetails(name: "net", precision: .int8))
        compiler.weights = .bits(width)
        let (bundle, report) = try compiler.compile(network(), details: BundleDetails(name: "net", precision: .int8))
        #expect(bundle.golden?.tolerance == 0)
        var layers = 0
        for node in bundle.graph.nodes {
            switch node.operation {
            case .convolution, .gemm: break
            default: continue
            }
            layers += 1
            let weights = try #require(node.inputs[1].flatMap { bundle.graph[$0].constant?.integers })
            let limit = 1 << (width.rawValue - 1)
            #expect(weights.allSatisfy { abs($0) < limit } && weights.contains { $0 != 0 })
        }
        #expect(layers == 3)
        let error = try #require(report.error)
        #expect(error > plainReport.error ?? 0)
        let most: [BitPackedWeights.Width: Double] = [.four: 0.1, .three: 0.4, .two: 0.95]
        #expect(error < most[width] ?? 0)
        #expect(plain.graph.nodes.count == bundle.graph.nodes.count)
    }

    @Test func aNetworkThatDoesNotTakeTheImagesIsRefused() throws {
        var small = preprocessing
        small.width = 4
        let compiler = Compiler(preprocessing: small, samples: [])
        #expect(throws: CompilationError.self) { try compiler.compile(network(), details: BundleDetails(name: "net", precision: .fp32)) }
    }

    @Test func int8NeedsImages() throws {
        let compiler = Compiler(preprocessing: preprocessing, samples: [])
        #expect(throws: CompilationError.self) { try compiler.compile(network(), details: BundleDetails(name: "net", precision: .int8)) }
    }

    @Test func imagesOfEightBitsAreQuantisedExactlyWhereTheStepsAllowIt() {
        for (scale, mean, deviation) in [(1.0, 0.0, 1.0), (1, 128, 128), (1 / 255.0, 0, 1)] {
            let plain = Preprocessing(
                width: 1, height: 1, scale: scale, mean: [mean, mean, mean], deviation: [deviation, deviation, deviation])
            let quantization = plain.quantization
            #expect(Set(plain.table(channel: 0).map(quantization.quantize)).count == 256)
        }
    }
}
