// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Gating
import Networks
import Tensors
import TestSupport

/// A folder that is there for one test.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "swiftlet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory.path)
}

func contents(of path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

/// A bundle with every kind of field: a quantised convolution, an odd-sized constant, an absent input, infinities, golden tensors.
///
/// - Parameter weights: the range of int8 weights.
func sampleBundle(seed: UInt64 = 1, weights range: ClosedRange<Int8> = -127...127) -> Bundle {
    var random = SeededGenerator(seed: seed)
    func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
    var graph = Graph(name: "sample")
    let input = graph.add(Value(name: "image", type: .float32, shape: [1, 3, 4, 4]))
    graph.inputs = [input]
    let activation = Quantization(scale: .random(in: 0.001...0.1, using: &random), zeroPoint: 117)
    let quantized = graph.add(
        .quantize(axis: 0, blockSize: 0), name: "quantize", inputs: [input, nil],
        output: Value(name: "q", type: .uint8, shape: [1, 3, 4, 4], quantization: activation))
    let scales = floats(5).map { abs($0) + 0.001 }
    let weights = graph.add(
        Value(
            name: "w", constant: Tensor(shape: [5, 3, 1, 1], (0..<15).map { _ in Int8.random(in: range, using: &random) }),
            quantization: Quantization(channelScales: scales)))
    let bias = graph.add(
        Value(
            name: "", constant: Tensor(shape: [5], (0..<5).map { _ in Int32.random(in: -9999...9999, using: &random) }),
            quantization: Quantization(channelScales: scales.map { $0 * activation.scale })))
    let convolution = graph.add(
        .convolution(Convolution(window: Window(size: [1, 1]), activation: .clip(low: 0, high: .infinity))), name: "conv",
        inputs: [quantized, weights, bias], output: Value(name: "golden.y", type: .float32, shape: [1, 5, 4, 4]))
    let scale = graph.add(Value(name: "golden.y", constant: Tensor(shape: [1, 1, 1, 1], [Float(0.5)])))
    let output = graph.add(
        .binary(.multiply, activation: .leakyRelu(slope: 0.1)), name: "scale", inputs: [convolution, scale],
        output: Value(name: "y", type: .float32, shape: [1, 5, 4, 4]))
    graph.outputs = [output]
    var details = BundleDetails(
        name: "sample", precision: .int8,
        preprocessing: Preprocessing(
            width: 4, height: 4, resize: .shorterSide(5), mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]),
        labels: ["clear", "tree \"oak\"", "Gebäude"], temperature: 1.25, sourceDigest: String(repeating: "a", count: 64))
    details.certifiedGate = CertifiedGate(
        rungs: [
            Certificate(
                risk: .accuracyLoss, bound: 0.02, confidence: 0.95, measure: .margin, threshold: 0.25, samples: 1000, accepted: 800, loss: -3,
                disagreements: 20, isLabelled: true),
            Certificate(
                risk: .harm, bound: 0.01, confidence: 0.95, measure: .margin, threshold: 0.5, samples: 1000, accepted: 600, loss: 2, disagreements: 9,
                isLabelled: false),
        ], fullModel: String(repeating: "b", count: 64))
    details.combination = CombinedScore(intercept: -0.25, slope: 0.75, offsets: [0.125, -1, 0])
    details.secondLook = .init(temperature: 1.5, combination: CombinedScore(intercept: 1, slope: 2))
    details.recovery = UploadDetails(
        form: UploadForm(size: .square(5), encoding: .jpeg(quality: 70, fullColour: false)), meanBytes: 1234.5, p95Bytes: 2000, samples: 900, changed: 3, lost: 1,
        gained: 2, isLabelled: true, bound: 0.004, confidence: 0.95, fullModel: String(repeating: "b", count: 64))
    details.plans = PlanDetails(
        fullModel: String(repeating: "b", count: 64), measure: .margin,
        exits: [PlanDetails.Exit(name: "y", temperature: 1.25, combination: CombinedScore(intercept: 0.5, slope: 1))],
        cuts: [
            PlanDetails.Cut(position: 1, fullPosition: 2, crossing: [PlanDetails.Cut.Crossing(name: "q", shape: [1, 3, 4, 4])]),
            PlanDetails.Cut(position: 2, fullPosition: 5, crossing: [PlanDetails.Cut.Crossing(name: "golden.y", shape: [1, 5, 4, 4])]),
        ], table: (0..<50).map { UInt8($0 * 5) })
    let golden = Bundle.Golden(
        inputs: .tensors([Tensor(shape: [1, 3, 4, 4], floats(48))]), outputs: [Tensor(shape: [1, 5, 4, 4], floats(80))], tolerance: 0)
    return Bundle(graph: graph, details: details, golden: golden)
}

/// Everything of a graph as text, the bits of constants included.
func transcript(_ graph: Graph) -> String {
    var text = "\(graph.name) \(graph.inputs.map(\.rawValue)) \(graph.outputs.map(\.rawValue))\n"
    for value in graph.values {
        text += "\(value.name) \(value.type) \(value.shape) \(String(describing: value.quantization)) "
        text += "\(String(describing: value.constant.map { $0.floats.map(\.bitPattern) }))\n"
    }
    for node in graph.nodes {
        text += "\(node.name) \(node.operation) \(node.inputs.map { $0?.rawValue }) \(node.outputs.map(\.rawValue))\n"
    }
    return text
}
