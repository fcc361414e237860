// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Certification
internal import Compilation
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

    /// Completes the bundle at a path.
    ///
    /// - Throws: where nothing is proved; the bundle at the path has neither upload nor gate then.
    /// - Returns: lines for people; none without a pair.
    func complete(_ path: String, threads: Int) throws -> [String] {
        guard let pair, let certification else { return [] }
        let options = ExecutorOptions(threads: threads)
        let board = try ModelFile(forImages: path)
        let full = try ModelFile(forImages: pair)
        let classes = board.graph.outputs.first.map { board.graph[$0].shape.elementCount } ?? 0
        let parts = try LabelledImages(certification, labels: certificationLabels, classes: classes).parts(3)
        var bundle = try Bundle(contentsOf: path)
        let upload = try upload(for: full, preprocessing: full.details.preprocessing ?? board.details.preprocessing, images: parts[0], options: options)
        bundle.details.recovery = upload
        var both = try Pair(board: board, full: full, upload: upload?.form ?? .standard, secondLook: looks.secondLook?.value, options: options)
        let samples = try both.ask(parts[1].joined(parts[2])).map(\.sample)
        let gate = try wanted.gate(on: samples, fullModel: full.details.weightsDigest, secondLook: looks.secondLook?.value)
        bundle.details.certifiedGate = gate
        try bundle.write(to: path)
        return [upload.map(\.line) ?? "upload: \(parts[0].count) images prove nothing cheaper than quality 90"] + gate.lines
    }

    private func upload(for full: ModelFile, preprocessing: Preprocessing?, images: LabelledImages, options: ExecutorOptions) throws -> UploadDetails? {
        guard let preprocessing, images.count > 0 else { return nil }
        let executor = try Executor(full.runnable(), preprocessing: preprocessing, options: options)
        var preprocessor = Preprocessor(preprocessing)
        func classOf(_ image: Image) throws -> Int {
            preprocessor.prepare(image)
            try executor.run(pixels: preprocessor.pixels.span)
            return executor.withOutput { output in output.indices.reduce(0) { output[$1] > output[$0] ? $1 : $0 } }
        }
        var bar = ProgressBar("choosing the upload", total: images.count)
        var classes: [Int] = []
        for index in 0..<images.count { classes.append(try classOf(images.image(at: index).image)) }
        var search = UploadSearch(preprocessing: preprocessing)
        search.progress = { _, done in bar.update(done) }
        return try search.run(
            count: images.count, fullModel: full.details.weightsDigest,
            sample: { index in
                let (image, label) = try images.image(at: index)
                return UploadSearch.Sample(image: image, fullClass: classes[index], label: label)
            }, classOf: classOf
        ).choice
    }
}

extension UploadDetails {
    var line: String {
        let kind =
            switch form.encoding {
            case .jpeg(let quality, let fullColour): "JPEG of quality \(quality)\(fullColour ? " in full colour" : "")"
            case .png: "PNG"
            }
        return "upload: \(kind), \(Int(meanBytes.rounded())) bytes on average, \(PairReport.percent(kept)) % of the full model's answers kept on \(samples) images"
    }
}
