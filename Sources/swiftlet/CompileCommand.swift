// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Compilation
internal import FoundationEssentials
internal import Images
internal import Inference
internal import Networks
internal import Tensors

/// `swiftlet compile MODEL.onnx --calibration PATH -o NAME.swiftlet`: makes a bundle.
struct CompileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile", abstract: "Make a bundle of an ONNX network, or of a bundle in float32.",
        discussion: """
            The bundle holds the network in int8 (or fp32), how images become its input, its labels, and outputs to check it by. \
            What MODEL.json beside the model says of preprocessing and classes is used unless other files are given. Of several outputs the deepest is the end, \
            the others are exits, with a score for each class as it has (see exits).

            Calibration images give the ranges of int8 activations and, where they are labelled, the temperature of the confidence. \
            Images that the network was trained on make it look surer of itself than it is.
            """)

    @Argument(help: ArgumentHelp("The network, in float32.", valueName: "model.onnx|bundle"))
    var model: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var calibration: String?

    @Option(name: [.customShort("o"), .long], help: ArgumentHelp("The bundle to write.", valueName: "name.swiftlet"))
    var output: String

    @Option(help: ArgumentHelp("How images become the input, instead of MODEL.json.", valueName: "file.json"))
    var preprocess: String?

    @Option(help: ArgumentHelp("Names of the classes, one a line, instead of those in MODEL.json.", valueName: "file"))
    var labels: String?

    @Option(help: "Numbers of the bundle: int8 or fp32.")
    var precision: BundleDetails.Precision = .int8

    @Option(help: "Bits of the weights in an int8 bundle: 8, 4, 3, 2, or mixed: layer by layer, judged beside --pair. Activations have 8.")
    var weights: WeightBits = .eight

    @OptionGroup(title: "Mixed weights") var mixture: MixtureOptions

    @Option(help: "How many of the calibration images to use, evenly spread.")
    var limit = 512

    @OptionGroup(title: "For the full model in the cloud") var pairing: PairingOptions

    @Option(help: "Threads to calibrate with.")
    var threads = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard ModelFile.isONNX(model) || preprocess == nil else { throw ValidationError("--preprocess goes with an ONNX file: a bundle says itself how images become its input") }
        guard limit > 0 else { throw ValidationError("--limit must be above 0") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 … 64") }
        guard precision == .int8 || weights == .eight else { throw ValidationError("--weights goes with int8") }
        guard weights != .mixed || pairing.pair != nil else { throw ValidationError("--weights mixed needs --pair and --certification") }
        guard precision == .fp32 || calibration != nil else { throw ValidationError("int8 needs --calibration PATH") }
    }

    func run() throws { try exiting { try compile() } }

    private func compile() throws {
        let file = try ModelFile(forImages: model, sidecar: preprocess, labels: labels)
        guard let preprocessing = file.details.preprocessing else {
            throw CommandFailure(.usage, "\(model) has no \(ModelFile.name(of: model)).json beside it: give --preprocess FILE.json")
        }
        guard file.details.precision == .fp32 else {
            throw CommandFailure(.usage, "\(model) is in \(file.details.precision.rawValue) already: name the model, or its fp32 bundle")
        }
        let classes = file.classes
        guard file.details.labels.isEmpty || file.details.labels.count == classes else {
            throw CommandFailure(.badData, "\(file.details.labels.count) labels for \(classes) classes of \(model)")
        }
        let paired = try pairing.inputs(classes: classes, calibration: calibration)
        let trial = weights == .mixed ? paired.map { mixture.trial(full: $0.full, images: $0.images, wanted: pairing.wanted, secondLook: pairing.looks.secondLook?.value, threads: threads) } : nil
        var compiler = Compiler(preprocessing: preprocessing, samples: try samples(preprocessing, classes: classes))
        compiler.threads = threads
        if let precision = weights.precision { compiler.weights = precision }
        let display = StageDisplay()
        compiler.progress = display.show
        var details = file.detailsForCompiling
        details.precision = precision
        var bundle: Bundle
        let report: Compiler.Report
        var precisions: PrecisionReport?
        if let trial {
            let candidates = try compiler.candidates(for: file.graph, details: details, mixtures: mixture.choices)
            display.finish()
            let (measured, pick) = try trial.report(of: candidates)
            (bundle, report, precisions) = (candidates[pick].bundle, candidates[pick].report, measured)
            bundle.details.weightsChosenOn = trial.images.count
        } else {
            (bundle, report) = try compiler.compile(file.graph, details: details)
            display.finish()
        }
        var lines: [String] = []
        if let paired {
            let outcome = try Pairing(
                board: ModelFile(bundle, path: output), full: paired.full, secondLook: pairing.looks.secondLook?.value, wanted: pairing.wanted,
                options: ExecutorOptions(threads: threads)
            ).prove(on: paired.images)
            (bundle.details.recovery, bundle.details.certifiedGate, lines) = (outcome.upload, outcome.gate, outcome.lines)
        }
        try bundle.write(to: output)
        let written = try Bundle(contentsOf: output)
        let executor = try Executor(verifying: written)
        if let warning = executor.definitionWarning { printError("swiftlet: warning: \(warning)") }
        let summary = try CompileSummary(output: output, bundle: written, report: report, images: compiler.samples.count, precisions: precisions)
        if json { try printJSON(summary) } else { try printLine(([summary.text] + lines).joined(separator: "\n")) }
    }

    private func samples(_ preprocessing: Preprocessing, classes: Int) throws -> [CalibrationSample] {
        guard let calibration else { return [] }
        let set = try ImageSet(path: calibration)
        try set.check(classes: classes, path: calibration)
        let count = min(limit, set.count)
        var bar = ProgressBar("reading images", total: count)
        var preprocessor = Preprocessor(preprocessing)
        var samples: [CalibrationSample] = []
        for position in 0..<count {
            let index = position * set.count / count
            preprocessor.prepare(try set.image(at: index))
            samples.append(CalibrationSample(pixels: preprocessor.pixels, label: set.entries[index].label))
            bar.update(position + 1)
        }
        return samples
    }
}

extension BundleDetails.Precision: ExpressibleByArgument {}

/// What `compile` says at its end.
private struct CompileSummary: Encodable {
    var output: String
    var bytes: Int
    var precision: BundleDetails.Precision
    var weights_digest: String
    var task: String
    var calibration_images: Int
    var report: Compiler.Report
    /// Of `--weights mixed`: what there was to choose from.
    var precisions: PrecisionReport?

    init(output: String, bundle: Bundle, report: Compiler.Report, images: Int, precisions: PrecisionReport?) throws {
        self.precisions = precisions
        self.output = output
        let attributes = try FileManager.default.attributesOfItem(atPath: output)
        guard let size = attributes[.size] as? Int else { throw CommandFailure(.badData, "\(output) has no size") }
        bytes = size
        precision = bundle.details.precision
        weights_digest = bundle.details.weightsDigest
        task = bundle.details.task
        calibration_images = images
        self.report = report
    }

    var text: String {
        var lines = precisions.map { [$0.text] } ?? []
        let share = "\(report.quantizedNodes) of \(report.nodes) operations"
        let isKept = precision == .fp32 && report.quantizedNodes > 0
        lines.append("\(output): \(precision.rawValue), \(bytes / 1024) KiB, \(share) \(isKept ? "read 8-bit numbers, the quantised model's own, which fp32 keeps" : "in int8")")
        if !report.wideLayers.isEmpty {
            lines.append("in float32, because sums of 8-bit products could leave 32 bits: \(report.wideLayers.joined(separator: ", "))")
        }
        if let rule = report.rule, let error = report.error {
            lines.append("ranges by \(rule): squared error of the logits \(percent(error)) of their variance, same top-1 on \(percent(report.agreement ?? 0))")
        }
        lines.append("temperature \(Double(Int(report.temperature * 1000)) / 1000)")
        for exit in report.exits {
            let same = exit.agreement.map { ", same top-1 as in float32 on \(percent($0))" } ?? ""
            lines.append("exit '\(exit.name)': temperature \(Double(Int(exit.temperature * 1000)) / 1000)\(same)")
        }
        return lines.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { "\(Double(Int(share * 100_000)) / 1000) %" }
}
