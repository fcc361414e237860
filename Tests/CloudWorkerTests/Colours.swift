// SPDX-License-Identifier: Apache-2.0
import Images
import Messaging
import Networks
import Tensors
import Wire

/// A task small enough to know every answer: which of red, green and blue an 8×8 image has most of.
enum Colours {
    static let labels = ["red", "green", "blue"]
    static let task = DigestText(BundleDetails.task(labels: labels))!
    static let model = ModelName("colours")!
    /// Logits are `scale` times the mean of a channel, 0 … 255.
    static let scale = 0.05

    static func bundle() -> Bundle {
        var graph = Graph(name: "colours")
        let input = graph.add(Value(name: "image", type: .float32, shape: [1, 3, 8, 8]))
        graph.inputs = [input]
        graph.outputs = [
            graph.add(
                .mean(axes: [2, 3], keepsDimensions: false), name: "mean", inputs: [input], output: Value(name: "logits", type: .float32, shape: [1, 3]))
        ]
        let preprocessing = Preprocessing(width: 8, height: 8, scale: scale, mean: [0, 0, 0], deviation: [1, 1, 1])
        return Bundle(graph: graph, details: BundleDetails(name: "colours", precision: .fp32, preprocessing: preprocessing, labels: labels))
    }

    /// A PNG with one channel at 200, the others at 100.
    static func image(of colour: Int) throws -> [UInt8] {
        let pixels = (0..<8 * 8 * 3).map { UInt8($0 % 3 == colour ? 200 : 100) }
        return try PNG.encode(Image(width: 8, height: 8, channels: 3, pixels: pixels))
    }

    /// What softmax makes of it: of logits 10, 5, 5.
    static let confidence = 0.986_703_2

    static func request(_ number: UInt64, colour: Int = 0, deadline: Duration = .seconds(20), task: DigestText = task) throws -> Request {
        Request(
            id: RequestID(high: 1, low: number), model: model, task: task, frame: number, deadline: deadline,
            payload: .image(.png, width: 8, height: 8, try image(of: colour)))
    }
}
