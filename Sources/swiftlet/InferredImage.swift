// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Tensors

/// What `swiftlet infer --json` prints of one image.
package struct InferredImage: Encodable, CustomStringConvertible {
    package var image: String
    /// `nil` where the bundle names no classes.
    package var label: String?
    package var classIndex: Int
    /// Calibrated probability of the class, 0 … 1.
    package var confidence: Double
    /// Its lead over the second.
    package var margin: Double

    private enum CodingKeys: String, CodingKey {
        case image
        case label
        case classIndex = "class"
        case confidence
        case margin
    }

    /// Classifies images, one after another.
    ///
    /// - Parameter each: is given every answer at once.
    package static func infer(
        _ images: [String], with path: String, threads: Int = 1, each: (InferredImage) throws -> Void = { _ in }
    ) throws -> [InferredImage] {
        let bundle = try Bundle(contentsOf: path)
        guard let preprocessing = bundle.details.preprocessing else {
            throw CommandFailure(.badData, "\(path) doesn't say how an image becomes its input")
        }
        let executor = try Executor(bundle.graph, preprocessing: preprocessing, options: ExecutorOptions(threads: threads))
        var preprocessor = Preprocessor(preprocessing)
        guard let calibration = bundle.details.calibration else {
            throw CommandFailure(.badData, "\(path) has a temperature of \(bundle.details.temperature)")
        }
        var answers: [InferredImage] = []
        for image in images {
            preprocessor.prepare(try Image.decode(file: image).image)
            try executor.run(pixels: preprocessor.pixels.span)
            let confidence = try executor.withOutput { output in Result { () throws(Fault) in try calibration.confidence(of: output) } }
                .mapError { CommandFailure(.badData, "\(image): \($0)") }.get()
            let labels = bundle.details.labels
            let answer = InferredImage(
                image: image, label: labels.indices.contains(confidence.classIndex) ? labels[confidence.classIndex] : nil,
                classIndex: confidence.classIndex, confidence: confidence.topOne, margin: confidence.margin)
            try each(answer)
            answers.append(answer)
        }
        return answers
    }

    package var description: String { "\(image): \(label ?? "class \(classIndex)") \((confidence * 100).rounded(to: 1)) %" }
}
