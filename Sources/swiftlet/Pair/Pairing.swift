// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Certification
internal import Compilation
internal import Foundation
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Tensors

/// What `compile` adds to a board's bundle for the full model that it will ask: the cheapest upload, and a gate with a proof.
struct PairingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The full network that the board will ask; it may be the same one. Needs --certification.", valueName: "model.onnx|bundle"))
    var pair: String?

    @Option(help: ArgumentHelp("Images that neither network has seen: a third chooses the upload, the rest proves the gate.", valueName: "path"))
    var certification: String?

    @Option(help: ArgumentHelp("A table like labels.tsv for them.", valueName: "file"))
    var certificationLabels: String?

    @OptionGroup var wanted: CertificateOptions

    @OptionGroup var looks: LookOptions

    func validate() throws {
        guard (pair == nil) == (certification == nil) else { throw ValidationError("--pair and --certification go together") }
    }

    /// The full network and the images.
    ///
    /// - Parameter calibration: where the board's network takes its ranges from: images that it has seen.
    /// - Returns: `nil` without a pair.
    func inputs(classes: Int, calibration: String?) throws -> (full: ModelFile, images: LabelledImages)? {
        guard let pair, let certification else { return nil }
        if let calibration, isSameFile(calibration, certification) {
            throw CommandFailure(.usage, "--calibration and --certification are the same images: a proof on images that the network has seen is worth nothing")
        }
        return (try ModelFile(forImages: pair), try LabelledImages(certification, labels: certificationLabels, classes: classes))
    }
}

/// Whether two paths lead to one file or folder.
private func isSameFile(_ path: String, _ other: String) -> Bool {
    let identities = [path, other].map { path in
        let attributes = try? FileManager.default.attributesOfItem(atPath: URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false))
        return [attributes?[.systemNumber], attributes?[.systemFileNumber]].map { $0 as? Int }
    }
    return identities[0] == identities[1] && !identities[0].contains(nil)
}

/// Makes of two networks a pair: how the board uploads, and a gate with a proof.
struct Pairing {
    struct Outcome {
        /// `nil`: as ``UploadForm/standard`` says, of which nothing is proved.
        var upload: UploadDetails?
        var gate: CertifiedGate
        /// For people.
        var lines: [String]
    }

    var board: ModelFile
    var full: ModelFile
    /// How the board is to upload; `nil`: as a third of the images chooses. What the bundle says isn't used: nobody knows which images chose that. Weights whose precisions images have
    /// chosen cost a third in any case: with compile's images the one that chose them. What chose proves nothing.
    var upload: UploadForm?
    var secondLook: Double?
    var wanted: CertificateOptions
    var options: ExecutorOptions

    /// - Throws: where nothing is proved.
    func prove(on images: LabelledImages) throws -> Outcome {
        var images = images
        let details: UploadDetails?
        var lines: [String] = []
        let parts = images.parts(3)
        let isDivided = upload == nil || board.details.weightsChosenOn != nil
        if isDivided { images = parts[1].joined(parts[2]) }
        if let upload {
            if let count = board.details.weightsChosenOn {
                lines.append("a third of the images is left out: of \(counted(count, "image")) compile chose the weights' precisions, of the same ones if it had the same \(counted(count * 3, "image"))")
            }
            details = try measurement(of: images) { search, measurement in
                try search.measure(upload, images.count, full.details.weightsDigest, search.confidence, measurement.sample, measurement.classOf)
            }
        } else {
            details = try measurement(of: parts[0]) { search, measurement in
                try search.run(count: parts[0].count, fullModel: full.details.weightsDigest, sample: measurement.sample, classOf: measurement.classOf).choice
            }
            if details == nil { lines.append("upload: JPEG of quality 90, since \(parts[0].count) images prove nothing cheaper") }
        }
        if let details { lines.append(details.line) }
        var both = try Pair(board: board, full: full, upload: details?.form ?? .standard, secondLook: secondLook, options: options)
        let samples = try both.ask(images).map(\.sample)
        let whole = Proportion(samples.count(where: \.fullIsRight), of: samples.count)
        let recovered = Proportion(samples.count(where: \.recoveredIsRight), of: samples.count)
        let isLabelled = samples.allSatisfy { $0.label != nil }
        lines.append("the full model is \(isLabelled ? "right on" : "taken as right on") \(PairReport.percent(whole.value)) % of the images and on \(PairReport.percent(recovered.value)) % of their uploads")
        let gate: CertifiedGate
        do {
            gate = try wanted.gate(on: samples, fullModel: full.details.weightsDigest, secondLook: secondLook)
        } catch let failure as CommandFailure where isDivided {
            throw CommandFailure(failure.exitStatus, "\(failure.description); these were two thirds of the images, the other third \(upload == nil ? "chose the upload" : "may have chosen the weights' precisions")")
        }
        lines += gate.lines
        if full.details.weightsDigest.isEmpty {
            lines.append("\(full.path) is no bundle: the agent won't notice a cloud that runs another model; name the cloud's bundle to have it compared")
        }
        return Outcome(upload: details, gate: gate, lines: lines)
    }

    private typealias Measurement = (sample: (Int) throws -> UploadSearch.Sample, classOf: (Image) throws -> Int)

    private func measurement(of images: LabelledImages, _ body: (UploadSearch, Measurement) throws -> UploadDetails?) throws -> UploadDetails? {
        guard let preprocessing = full.details.preprocessing ?? board.details.preprocessing, images.count > 0 else { return nil }
        let executor = try Executor(full.runnable(), preprocessing: preprocessing, options: options)
        var preprocessor = Preprocessor(preprocessing)
        func classOf(_ image: Image) throws -> Int {
            preprocessor.prepare(image)
            try executor.run(pixels: preprocessor.pixels.span)
            return executor.topClass
        }
        var bar = ProgressBar("measuring uploads", total: images.count)
        var classes: [Int] = []
        for index in 0..<images.count { classes.append(try classOf(images.image(at: index).image)) }
        var search = UploadSearch(preprocessing: preprocessing)
        search.progress = { _, done in bar.update(done) }
        let sample = { (index: Int) throws -> UploadSearch.Sample in
            let (image, label) = try images.image(at: index)
            return UploadSearch.Sample(image: image, fullClass: classes[index], label: label)
        }
        return try body(search, (sample, classOf))
    }
}

extension UploadDetails {
    var line: String {
        let kind =
            switch form.encoding {
            case .jpeg(let quality, let fullColour): "JPEG of quality \(quality)\(fullColour ? " in full colour" : "")"
            case .png: "PNG"
            }
        return "upload: \(kind), \(Int(meanBytes.rounded())) bytes on average, \(PairReport.percent(kept)) % of the full model's answers kept on \(counted(samples, "image"))"
    }
}
