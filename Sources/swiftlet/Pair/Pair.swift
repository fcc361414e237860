// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Tensors

/// The board's network beside the full one: what both say about an image, and about that image as the board uploads it.
struct Pair {
    /// One image, asked of both.
    struct Outcome {
        var sample: PairedSample
        /// Of the upload, where the gate doesn't accept.
        var bytes: Int
    }

    private var local: PairedNetwork
    private var full: PairedNetwork
    let upload: Upload

    /// - Parameters:
    ///   - board: a bundle, or an ONNX file that runs in float32.
    ///   - full: likewise; without preprocessing of its own it has the board's.
    /// - Throws: ``CommandFailure`` where they don't decide the same classes.
    init(board: ModelFile, full: ModelFile, upload: Upload, options: ExecutorOptions) throws {
        guard let preprocessing = board.details.preprocessing else {
            throw CommandFailure(.badData, "\(board.path) doesn't say how images become its input")
        }
        local = try PairedNetwork(board, preprocessing: preprocessing, options: options)
        self.full = try PairedNetwork(full, preprocessing: preprocessing, options: options)
        self.upload = upload
        guard local.classes == self.full.classes else {
            throw CommandFailure(.badData, "\(board.path) has \(local.classes) classes, \(full.path) has \(self.full.classes)")
        }
        let (a, b) = (board.details.labels, full.details.labels)
        if !a.isEmpty, !b.isEmpty, let index = a.indices.first(where: { a[$0] != b[$0] }) {
            throw CommandFailure(.badData, "class \(index) is '\(a[index])' in \(board.path) and '\(b[index])' in \(full.path)")
        }
    }

    var classes: Int { local.classes }

    mutating func ask(_ images: LabelledImages) throws -> [Outcome] {
        var bar = ProgressBar("asking both networks", total: images.count)
        var outcomes: [Outcome] = []
        for index in 0..<images.count {
            let (image, label) = try images.image(at: index)
            outcomes.append(try ask(image, label: label))
            bar.update(index + 1)
        }
        return outcomes
    }

    mutating func ask(_ image: Image, label: Int?) throws -> Outcome {
        let confidence = try local.confidence(of: image)
        guard let fullClass = try full.confidence(of: image)?.classIndex else {
            throw CommandFailure(.badData, "the full network's output is damaged")
        }
        let (bytes, received) = try upload.transfer(image)
        let recovered = try received.map { try full.confidence(of: $0)?.classIndex } ?? fullClass
        return Outcome(
            sample: PairedSample(confidence: confidence, fullClass: fullClass, recoveredClass: recovered, label: label), bytes: bytes)
    }
}

/// How an image goes to the cloud.
enum Upload: Hashable {
    /// Quality 1 … 100.
    case jpeg(quality: Int)
    case png

    static let standard = Upload.jpeg(quality: 90)

    /// What is sent of an image.
    ///
    /// - Returns: the number of bytes, and what the cloud sees; `nil` where that is the image itself.
    func transfer(_ image: Image) throws -> (bytes: Int, received: Image?) {
        switch self {
        case .jpeg(let quality):
            let bytes = try JPEG.encode(image, quality: quality)
            return (bytes.count, try JPEG.decode(bytes.span).image)
        case .png:
            return (try PNG.encode(image).count, nil)
        }
    }
}

/// A network that is asked about images, with its calibration.
private struct PairedNetwork {
    private let executor: Executor
    private var preprocessor: Preprocessor
    private let calibration: Calibration
    let classes: Int

    init(_ file: ModelFile, preprocessing: Preprocessing, options: ExecutorOptions) throws {
        let preprocessing = file.details.preprocessing ?? preprocessing
        executor = try Executor(file.runnable(), preprocessing: preprocessing, options: options)
        preprocessor = Preprocessor(preprocessing)
        guard let calibration = file.details.calibration else { throw CommandFailure(.badData, "a temperature of \(file.details.temperature)") }
        self.calibration = calibration
        classes = file.graph.outputs.first.map { file.graph[$0].shape.elementCount } ?? 0
    }

    /// `nil` where the output is damaged.
    mutating func confidence(of image: Image) throws -> Confidence? {
        preprocessor.prepare(image)
        try executor.run(pixels: preprocessor.pixels.span)
        return executor.withOutput { try? calibration.confidence(of: $0) }
    }
}
