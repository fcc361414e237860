// SPDX-License-Identifier: Apache-2.0
import Images
import Inference
import Networks
import Packing
import TestSupport
import Tensors
import Wire

/// A residual network with an exit, [1, 3, 16, 16] → 5 classes, and a board that runs its beginning in float32.
///
///     image → a → p → b → c → p + c = s → q → end
///                  ↘ e → early
enum DividedNetwork {
    static let labels = ["a", "b", "c", "d", "e"]
    static let task = DigestText(BundleDetails.task(labels: labels))!
    static let digest = DigestText(String(repeating: "5e", count: 32))!
    static let graph = makeGraph().orderedByExits()
    static let preprocessing = Preprocessing(width: 16, height: 16, scale: 1 / 255, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])

    static func bundle() -> Bundle {
        Bundle(graph: graph, details: BundleDetails(name: "divided", precision: .fp32, preprocessing: preprocessing, labels: labels))
    }

    private static func makeGraph() -> Graph {
        // A seed whose network doesn't say the same of all images.
        var generator = SeededGenerator(seed: 55)
        var graph = Graph(name: "divided")
        func constant(_ name: String, _ shape: [Int], within limit: Float) -> ValueID {
            let numbers = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -limit...limit, using: &generator) }
            return graph.add(Value(name: name, constant: Tensor(shape: shape, numbers)))
        }
        func value(_ name: String, _ shape: [Int]) -> Value { Value(name: name, type: .float32, shape: shape) }
        func convolution(_ name: String, _ x: ValueID, from: Int, to: Int, size: Int) -> ValueID {
            let window = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
            let weights = constant(name + ".weight", [to, from, 3, 3], within: 0.5)
            let bias = constant(name + ".bias", [to], within: 0.25)
            return graph.add(
                .convolution(Convolution(window: window, activation: .relu)), name: name, inputs: [x, weights, bias], output: value(name, [1, to, size, size]))
        }
        func classes(_ name: String, _ mean: String, of x: ValueID) -> ValueID {
            let vector = graph.add(.mean(axes: [2, 3], keepsDimensions: false), name: mean, inputs: [x], output: value(mean, [1, 8]))
            let weights = constant(name + ".weight", [8, 5], within: 2)
            return graph.add(.gemm(Gemm()), name: name, inputs: [vector, weights], output: value(name, [1, 5]))
        }
        let image = graph.add(value("image", [1, 3, 16, 16]))
        let a = convolution("a", image, from: 3, to: 8, size: 16)
        let pool = Pooling(kind: .maximum, window: Window(size: [2, 2], strides: [2, 2]))
        let p = graph.add(.pool(pool), name: "p", inputs: [a], output: value("p", [1, 8, 8, 8]))
        let b = convolution("b", p, from: 8, to: 4, size: 8)
        let c = convolution("c", b, from: 4, to: 8, size: 8)
        let s = graph.add(.binary(.add, activation: .relu), name: "s", inputs: [p, c], output: value("s", [1, 8, 8, 8]))
        graph.inputs = [image]
        graph.outputs = [classes("early", "e", of: p), classes("end", "q", of: s)]
        return graph
    }

    static func image(_ seed: UInt64) throws -> Image {
        var generator = SeededGenerator(seed: seed)
        let colour = (0..<3).map { UInt8(seed >> UInt64($0) & 1) * 200 }
        return Image(width: 16, height: 16, channels: 3, pixels: (0..<16 * 16 * 3).map { colour[$0 % 3] + UInt8.random(in: 0...55, using: &generator) })
    }

    static func request(_ number: UInt64, _ image: Image) throws -> Request {
        request(number, .image(.png, width: 16, height: 16, try PNG.encode(image)))
    }

    static func request(_ number: UInt64, _ payload: Request.Payload) -> Request {
        Request(id: RequestID(high: 5, low: number), model: Colours.model, task: task, frame: number, deadline: .seconds(30), payload: payload)
    }

    /// What a board sends of an image at a cut.
    static func activations(of image: Image, at cut: Int, exit: Int? = nil, bits: Int) throws -> Request.Activations {
        let executor = try Executor(graph, preprocessing: preprocessing, options: ExecutorOptions(cuts: [cut, graph.nodes.count]))
        var preprocessor = Preprocessor(preprocessing)
        preprocessor.prepare(image)
        let pixels = preprocessor.pixels
        try executor.begin(pixels: pixels.span)
        try executor.run(segment: 0..<cut)
        let tensors = try executor.crossingTensors(at: cut).map { try PackedActivation($0, nil, bits: bits).packed() }
        return Request.Activations(cut: cut, digest: digest, exit: exit, tensors: tensors)
    }
}
