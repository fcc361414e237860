// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import FoundationEssentials
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Settings
internal import Tensors

/// `swiftlet evaluate BUNDLE --images PATH`: how often a network is right, and how often it agrees with another.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measure the accuracy of a bundle, beside a reference.",
        discussion: """
            Each network prepares the images in its own way; a reference without preprocessing takes the bundle's.

            Of a network with exits the table says how many images leave where, and how often rightly, from several thresholds of the estimate that the answer is right.

            With --pair the two work together as on a flight: the board answers what its gate accepts, the full model answers the rest, on images as they are uploaded.
            """)

    @Argument(help: ArgumentHelp("The network.", valueName: "bundle"))
    var bundle: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var images: String

    @Option(help: ArgumentHelp("A table like labels.tsv, for a folder without one.", valueName: "file"))
    var labels: String?

    @Option(help: ArgumentHelp("A network to compare with.", valueName: "model.onnx|bundle"))
    var reference: String?

    @Option(help: ArgumentHelp("The full network in the cloud: measures the system of both and the gate between them.", valueName: "model.onnx|bundle"))
    var pair: String?

    @Option(help: ArgumentHelp("With --pair: the gate, as margin:0.6, instead of the bundle's.", valueName: "measure:threshold"))
    var gate: GateArgument?

    @Option(help: ArgumentHelp("With --pair: a picture of risk against coverage and of the confidence.", valueName: "file.svg"))
    var plot: String?

    @OptionGroup var selection: PairOptions

    @OptionGroup var board: BoardOptions

    @Option(help: "How many images to use at most, evenly spread.")
    var limit: Int?

    @Option(help: "Threads to run with.")
    var threads = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be above 0") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 … 64") }
        if pair != nil, reference != nil { throw ValidationError("--pair and --reference exclude each other") }
        if pair == nil, gate != nil || plot != nil || selection.upload != nil || selection.looks.secondLook != nil || board.boardTime != nil {
            throw ValidationError("--gate, --plot, --upload, --second-look and --board-time need --pair")
        }
        if let plot, !plot.lowercased().hasSuffix(".svg") { throw ValidationError("--plot writes SVG: give it a name that ends in .svg") }
    }

    func run() throws {
        try exiting {
            if let pair { try evaluate(beside: pair) } else { try evaluate() }
        }
    }

    private func evaluate(beside full: String) throws {
        let local = try ModelFile(forImages: bundle)
        let cloud = try ModelFile(forImages: full)
        var pair = try Pair(
            board: local, full: cloud, upload: selection.upload ?? local.details.recovery?.form ?? .standard,
            secondLook: selection.looks.secondLook?.value ?? (gate == nil ? local.details.certifiedGate?.secondLook : nil), options: ExecutorOptions(threads: threads))
        let outcomes = try pair.ask(selection.images(images, labels: labels, limit: limit, classes: pair.classes))
        guard !outcomes.isEmpty else { throw CommandFailure(.badData, "\(images) has no image in this part") }
        let certified = gate == nil ? local.details.certifiedGate : nil
        let gate = gate?.gate ?? local.details.certifiedGate?.gate ?? .standard
        let certificate = certified?.rungs[0]
        let report = PairReport(
            outcomes, gate: gate, certificate: certificate, otherThanCertified: certified.flatMap { differences(from: $0, local, cloud, pair.upload) }, board: board, runs: Double(pair.localRuns) / Double(outcomes.count))
        if let plot {
            let title = "\(local.details.name) beside \(ModelFile.name(of: full)), \(counted(outcomes.count, "image"))"
            let picture = PairPlot(outcomes.map(\.sample), gate: gate, certificate: certificate, title: title)
            try writeText(picture.svg, to: plot)
        }
        if json { try printJSON(report) } else { try printLine(report.text) }
    }

    /// What of this system the certificate isn't about; `nil` where it is the one that was certified, as far as that can be known.
    private func differences(from certified: CertifiedGate, _ local: ModelFile, _ full: ModelFile, _ upload: UploadForm) -> String? {
        var differences: [String] = []
        let digest = full.details.weightsDigest
        if !certified.fullModel.isEmpty, !digest.isEmpty, certified.fullModel != digest { differences.append("another full model") }
        if upload != local.details.recovery?.form ?? .standard { differences.append("other uploads") }
        if let look = selection.looks.secondLook?.value, look != certified.secondLook { differences.append("other second looks") }
        return differences.isEmpty ? nil : differences.joined(separator: ", ")
    }

    private func evaluate() throws {
        let options = ExecutorOptions(threads: threads)
        let file = try ModelFile(forImages: bundle)
        guard let preprocessing = file.details.preprocessing else {
            throw CommandFailure(.badData, "\(bundle) doesn't say how images become its input")
        }
        var tested = try Contestant(file, preprocessing: preprocessing, options: options)
        var other: Contestant?
        if let reference {
            other = try Contestant(ModelFile(forImages: reference), preprocessing: preprocessing, options: options)
            guard other?.classes == tested.classes else {
                throw CommandFailure(.badData, "\(bundle) has \(tested.classes) classes, \(reference) has \(other?.classes ?? 0)")
            }
        }
        let chosen = try selection.images(images, labels: labels, limit: limit, classes: tested.classes)
        var result = Evaluation()
        var exits = ExitTable(tested.graph, details: file.details)
        var bar = ProgressBar("evaluating", total: chosen.count)
        for position in 0..<chosen.count {
            let (image, label) = try chosen.image(at: position)
            let answer = try tested.answer(image)
            exits?.add(tested.executor, label: label)
            try result.add(answer, reference: other?.answer(image), label: label)
            bar.update(position + 1)
        }
        _ = consume bar
        var summary = result.summary(precision: file.details.precision, reference: other?.precision)
        summary.exits = exits?.report
        if json { try printJSON(summary) } else { try printLine(summary.text) }
    }
}

/// A network that is asked.
private struct Contestant {
    let graph: Graph
    let executor: Executor
    private var preprocessor: Preprocessor
    let precision: BundleDetails.Precision
    let classes: Int

    init(_ file: ModelFile, preprocessing: Preprocessing, options: ExecutorOptions) throws {
        let preprocessing = file.details.preprocessing ?? preprocessing
        graph = try file.runnable()
        executor = try Executor(graph, preprocessing: preprocessing, options: options)
        preprocessor = Preprocessor(preprocessing)
        precision = file.details.precision
        classes = file.classes
    }

    /// The five best classes, best first; of equals the one with the smaller index.
    mutating func answer(_ image: Image) throws -> [Int] {
        preprocessor.prepare(image)
        try executor.run(pixels: preprocessor.pixels.span)
        return executor.withOutput { scores in
            var best: [Int] = []
            for index in scores.indices {
                let place = best.firstIndex { scores[index] > scores[$0] } ?? best.count
                if place < 5 { best.insert(index, at: place) }
                if best.count > 5 { best.removeLast() }
            }
            return best
        }
    }
}
