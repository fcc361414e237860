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
    let upload: UploadForm

    /// - Parameters:
    ///   - board: a bundle, or an ONNX file that runs in float32.
    ///   - full: likewise; without preprocessing of its own it has the board's.
    ///   - secondLook: where the board's margin is smaller, it looks a second time, at the mirror image, and the mean of both counts.
    /// - Throws: ``CommandFailure`` where they don't decide the same classes.
    init(board: ModelFile, full: ModelFile, upload: UploadForm, secondLook: Double? = nil, options: ExecutorOptions) throws {
        guard let preprocessing = board.details.preprocessing else {
            throw CommandFailure(.badData, "\(board.path) doesn't say how images become its input")
        }
        local = try PairedNetwork(board, preprocessing: preprocessing, secondLook: secondLook, options: options)
        self.full = try PairedNetwork(full, preprocessing: preprocessing, options: options)
        self.upload = upload
        try board.checkClasses(with: full)
    }

    var classes: Int { local.classes }

    /// How often the board's network ran, for all images together.
    var localRuns: Int { local.looks }

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
        let recovered = upload == UploadForm(encoding: .png) ? fullClass : try full.confidence(of: received)?.classIndex
        return Outcome(
            sample: PairedSample(confidence: confidence, fullClass: fullClass, recoveredClass: recovered, label: label), bytes: bytes)
    }
}

extension UploadForm {
    /// What is sent of an image.
    ///
    /// - Returns: the number of bytes, and what the cloud sees.
    fileprivate func transfer(_ image: Image) throws -> (bytes: Int, received: Image) {
        let encoded = try encode(image)
        return (encoded.bytes.count, try Image.decode(encoded.bytes).image)
    }
}

extension ModelFile {
    /// Throws where the two networks don't decide the same classes.
    func checkClasses(with other: ModelFile) throws {
        guard classes == other.classes else { throw CommandFailure(.badData, "\(path) has \(classes) classes, \(other.path) has \(other.classes)") }
        let (a, b) = (details.labels, other.details.labels)
        if !a.isEmpty, !b.isEmpty, let index = a.indices.first(where: { a[$0] != b[$0] }) {
            throw CommandFailure(.badData, "class \(index) is '\(a[index])' in \(path) and '\(b[index])' in \(other.path)")
        }
    }
}

/// A network that is asked about images, with its calibration.
struct PairedNetwork {
    private let executor: Executor
    private var preprocessor: Preprocessor
    private let calibration: Calibration
    private var second: (bound: Double, calibration: Calibration, mean: LogitMean)?
    private(set) var looks = 0
    let classes: Int

    init(_ file: ModelFile, preprocessing: Preprocessing, secondLook: Double? = nil, options: ExecutorOptions) throws {
        let details = file.details
        let preprocessing = details.preprocessing ?? preprocessing
        executor = try Executor(file.runnable(), preprocessing: preprocessing, options: options)
        preprocessor = Preprocessor(preprocessing)
        classes = file.classes
        guard let calibration = details.calibration, let ofMean = details.secondLookCalibration else {
            throw CommandFailure(.badData, "a temperature of \(details.temperature)")
        }
        self.calibration = calibration
        if let secondLook { second = (secondLook, ofMean, LogitMean(classes: classes, scores: calibration.scores)) }
    }

    /// Makes an image the one that ``run()`` is about.
    mutating func prepare(_ image: Image) { preprocessor.prepare(image) }

    func run() throws { try executor.run(pixels: preprocessor.pixels.span) }

    /// `nil` where the output is damaged.
    mutating func confidence(of image: Image) throws -> Confidence? {
        prepare(image)
        try run()
        looks += 1
        let first = executor.withOutput { try? calibration.confidence(of: $0) }
        guard let first, let bound = second?.bound, first.margin < bound else { return first }
        executor.withOutput { second?.mean.look(at: $0) }
        preprocessor.mirror()
        let mirrored = preprocessor.pixels
        try executor.run(pixels: mirrored.span)
        looks += 1
        let isWhole = executor.withOutput { output in
            do throws(Fault) {
                try second?.mean.lookAgain(at: output)
                return true
            } catch {
                return false
            }
        }
        guard isWhole, let second else { return nil }
        return try? second.calibration.confidence(of: second.mean.logits.span)
    }
}
