// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Images
import Inference
import Networks
import Rehearsal
import Tensors
import TestSupport
import Testing
import swiftlet

struct NetworkCommandTests {
    /// A network that answers with the strongest colour of an image, in a bundle that is deleted afterwards.
    private func withColourBundle(_ body: (_ bundle: String, _ folder: String) throws -> Void) throws {
        var graph = Graph(name: "colours")
        let x = graph.add(Value(name: "x", type: .float32, shape: [1, 3, 4, 6]))
        graph.inputs = [x]
        let identity = (0..<9).map { Float($0 % 4 == 0 ? 8 : 0) }
        let w = graph.add(Value(name: "w", constant: Tensor(shape: [3, 3, 1, 1], identity)))
        let y = graph.add(
            .convolution(Convolution(window: Window(size: [1, 1]))), name: "scale", inputs: [x, w],
            output: Value(name: "y", type: .float32, shape: [1, 3, 4, 6]))
        let mean = graph.add(
            .mean(axes: [2, 3], keepsDimensions: false), name: "mean", inputs: [y], output: Value(name: "mean", type: .float32, shape: [1, 3]))
        graph.outputs = [mean]
        let preprocessing = Preprocessing(width: 6, height: 4, resize: .warp, mean: [0, 0, 0], deviation: [1, 1, 1])
        let details = BundleDetails(name: "colours", precision: .fp32, preprocessing: preprocessing, labels: ["red", "green", "blue"])
        let folder = FileManager.default.temporaryDirectory.path + "/commands-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Bundle(graph: graph, details: details).write(to: folder + "/colours.swiftlet")
        try body(folder + "/colours.swiftlet", folder)
    }

    @Test func inferNamesTheClassOfEachImage() throws {
        try withColourBundle { bundle, folder in
            for (name, channel) in [("red", 0), ("green", 1), ("blue", 2)] {
                let pixels = (0..<10 * 9 * 3).map { UInt8($0 % 3 == channel ? 200 : 20) }
                let file = try PNG.encode(Image(width: 10, height: 9, channels: 3, pixels: pixels))
                #expect(FileManager.default.createFile(atPath: "\(folder)/\(name).png", contents: Data(file)))
            }
            var seen: [String?] = []
            let answers = try InferredImage.infer(["\(folder)/blue.png", "\(folder)/green.png", "\(folder)/red.png"], with: bundle) { seen.append($0.label) }
            #expect(answers.map(\.label) == ["blue", "green", "red"] && seen == ["blue", "green", "red"])
            #expect(answers.map(\.classIndex) == [2, 1, 0])
            #expect(answers.allSatisfy { $0.confidence > 0.9 && $0.confidence < 1 && $0.margin > 0.8 })
            #expect(throws: (any Error).self) { try InferredImage.infer(["\(folder)/none.png"], with: bundle) }
        }
    }

    @Test func compilingAQuantisedModelInFloat32SaysWhoseNumbersIn8BitsThereAre() async throws {
        let folder = TemporaryFolder()
        var graph = Graph(name: "pair")
        let shape = [1, 3, 4, 6]
        let x = graph.add(Value(name: "x", type: .float32, shape: shape))
        let bytes = Value(name: "bytes", type: .uint8, shape: shape, quantization: Quantization(scale: 1 / 255, zeroPoint: 0))
        let rounded = graph.add(.quantize(axis: 0, blockSize: 0), name: "round", inputs: [x], output: bytes)
        let real = graph.add(.dequantize(axis: 0, blockSize: 0), name: "back", inputs: [rounded], output: Value(name: "real", type: .float32, shape: shape))
        let means = Value(name: "means", type: .float32, shape: [1, 3])
        (graph.inputs, graph.outputs) = ([x], [graph.add(.mean(axes: [2, 3], keepsDimensions: false), name: "mean", inputs: [real], output: means)])
        let preprocessing = Preprocessing(width: 6, height: 4, resize: .warp, mean: [0, 0, 0], deviation: [1, 1, 1])
        let (model, output) = (folder("pair.swiftlet"), folder("out.swiftlet"))
        try Bundle(graph: graph, details: BundleDetails(name: "pair", precision: .fp32, preprocessing: preprocessing)).write(to: model)
        let outcome = try await tool(["compile", model, "--precision", "fp32", "-o", output])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        #expect(outcome.output.first?.hasSuffix(" operations read 8-bit numbers, the quantised model's own, which fp32 keeps") == true, "\(outcome)")
    }

    @Test func benchMeasuresWhatItPrints() throws {
        try withColourBundle { bundle, _ in
            let bench = try Bench(bundle, threads: 2)
            var told: [Int] = []
            let report = try bench.run(12) { told.append($0) }
            #expect(told == Array(1...12))
            #expect(report.macs == 3 * 3 * 4 * 6)
            #expect(report.latency.min > 0 && report.latency.min <= report.latency.median && report.latency.median <= report.latency.p95)
            #expect(report.load > 0 && report.first > 0 && report.peakResidentSize > 1)
            let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
            for key in ["latency_ms", "min", "median", "p95", "load_ms", "first_ms", "peak_rss_mb", "macs", "gmacs_per_s"] {
                #expect(json.contains("\"\(key)\":"), "\(json)")
            }
            #expect(try bench.steps(2).count >= 2)
        }
    }

    @Test(.needs(sharedData: "models"), arguments: [BundleDetails.Precision.fp32, .int8])
    func theArenasOfRealNetworksAreHardlyLargerThanWhatIsAliveAtOnce(precision: BundleDetails.Precision) throws {
        for name in [
            "cifar10-resnet8-mlperftiny", "cifar10-resnet56", "imagenet-mobilenetv1-0.25-224", "imagenet-squeezenet1.1",
            "vww-mobilenetv1-0.25-96-mlperftiny",
        ] {
            let executor = try Executor(ModelFile(sharedData("models/\(name).onnx")).runnable(precision: precision))
            #expect(Double(executor.arenaBytes) <= 1.05 * Double(executor.leastArenaBytes), "\(name): \(executor.arenaBytes)")
        }
    }

    @Test func aBundleOfAnotherPrecisionIsRefused() throws {
        try withColourBundle { bundle, _ in
            #expect(throws: (any Error).self) { try Bench(bundle, precision: .int8) }
        }
    }

    @Test func tensorGivesTheEnd() throws {
        try withColourBundle { bundle, _ in
            let input = Tensor(shape: [1, 3, 4, 6], (0..<72).map { Float($0 / 24) })
            let output = try ModelFile(bundle).runnable().end(for: input)
            #expect(output.shape == [1, 3] && output.floats == [0, 8, 16])
            #expect(throws: (any Error).self) { try ModelFile(bundle).runnable().end(for: Tensor(shape: [1, 3, 4, 7], [Float](repeating: 0, count: 84))) }
        }
    }

    @Test(.needs(sharedData: "models")) func aModelRunsInBothPrecisions() throws {
        let model = sharedData("models/cifar10-resnet8-mlperftiny.onnx")
        var random = SeededGenerator(seed: 3)
        let input = Tensor(shape: [1, 3, 32, 32], (0..<3072).map { _ in Float.random(in: 0...255, using: &random) })
        let float = try ModelFile(model).runnable().end(for: input).floats
        let quantized = try ModelFile(model).runnable(precision: .int8, samples: [input]).end(for: input).floats
        #expect(float.count == 10 && quantized.count == 10)
        let largest = float.map(abs).max() ?? 0
        #expect(zip(float, quantized).allSatisfy { abs($0 - $1) <= 0.25 * largest }, "\(float) \(quantized)")
        #expect(try Bench(model, precision: .int8).run(3).macs == 12_501_632)
    }
}
