// SPDX-License-Identifier: Apache-2.0
import Compilation
import Foundation
import Networks
import TestSupport
import Tensors

/// A small network with an exit, as board and cloud have it, and images to try it with.
struct ToyNetworks {
    static let classes = 4
    private static let preprocessing = Preprocessing(width: 32, height: 32, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])

    let folder = TemporaryFolder()
    var board: String { folder("board.swiftlet") }
    var cloud: String { folder("cloud.swiftlet") }
    /// Records of noise in blocks, labelled at random.
    var images: String { folder("images.bin") }

    /// - Parameter cloudSeed: of the cloud's weights; the board's is 1.
    init(outputs: [String] = ["early", "end"], cloudSeed: UInt64 = 1) throws {
        var random = SeededGenerator(seed: 44)
        var samples: [CalibrationSample] = []
        for _ in 0..<24 { samples.append(CalibrationSample(pixels: Self.pixels(using: &random), label: nil)) }
        for (path, precision, seed) in [(board, BundleDetails.Precision.int8, 1), (cloud, .fp32, cloudSeed)] {
            let compiler = Compiler(preprocessing: Self.preprocessing, samples: samples)
            let details = BundleDetails(name: "toy", precision: precision, labels: (0..<Self.classes).map { "class \($0)" })
            try compiler.compile(Self.graph(seed: seed, outputs: outputs), details: details).bundle.write(to: path)
        }
        var records: [UInt8] = []
        for _ in 0..<60 {
            let pixels = Self.pixels(using: &random)
            records.append(UInt8.random(in: 0..<UInt8(Self.classes), using: &random))
            for channel in 0..<3 { records += stride(from: channel, to: pixels.count, by: 3).map { pixels[$0] } }
        }
        try Data(records).write(to: URL(filePath: images))
    }

    private static func pixels(using random: inout SeededGenerator) -> [UInt8] {
        let blocks = (0..<4 * 4 * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
        return (0..<32 * 32 * 3).map { index in
            let (pixel, channel) = (index / 3, index % 3)
            return blocks[(pixel / 32 / 8 * 4 + pixel % 32 / 8) * 3 + channel] / 2 + UInt8.random(in: 0...99, using: &random)
        }
    }

    /// Convolution, exit, convolution, convolution, end; `outputs` of it.
    private static func graph(seed: UInt64, outputs: [String]) throws -> Graph {
        var random = SeededGenerator(seed: seed)
        var graph = Graph(name: "toy")
        func constant(_ name: String, _ shape: [Int]) -> ValueID {
            let depth = Float(shape.dropFirst().reduce(1, *)).squareRoot()
            return graph.add(Value(name: name, constant: Tensor(shape: shape, (0..<shape.elementCount).map { _ in Float.random(in: -2...2, using: &random) / depth })))
        }
        func image(_ name: String, _ x: ValueID, channels: Int) -> ValueID {
            let shape = graph[x].shape
            let window = Window(size: [3, 3], strides: [2, 2], padsBefore: [1, 1], padsAfter: [1, 1])
            return graph.add(
                .convolution(Convolution(window: window, activation: .relu)), name: "make \(name)",
                inputs: [x, constant("\(name).weights", [channels, shape[1], 3, 3]), nil],
                output: Value(name: name, type: .float32, shape: [1, channels, (shape[2] + 1) / 2, (shape[3] + 1) / 2]))
        }
        func head(_ name: String, _ x: ValueID) -> ValueID {
            let channels = graph[x].shape[1]
            let mean = graph.add(
                .mean(axes: [2, 3], keepsDimensions: false), name: "\(name) mean", inputs: [x], output: Value(name: "\(name).mean", type: .float32, shape: [1, channels]))
            return graph.add(
                .gemm(Gemm(transposesB: true)), name: "\(name) product", inputs: [mean, constant("\(name).weights", [classes, channels])],
                output: Value(name: name, type: .float32, shape: [1, classes]))
        }
        let x = graph.add(Value(name: "x", type: .float32, shape: [1, 3, 32, 32]))
        graph.inputs = [x]
        let first = image("a", x, channels: 6)
        let early = head("early", first)
        let last = head("end", image("c", image("b", first, channels: 8), channels: 12))
        graph.outputs = outputs.map { $0 == "early" ? early : last }
        return graph.withoutUnused
    }
}
