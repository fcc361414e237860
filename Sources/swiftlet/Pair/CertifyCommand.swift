// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Certification
internal import Frames
internal import Gating
internal import Inference
internal import Networks
internal import Tensors

/// `swiftlet certify BOARD --pair FULL --images PATH`: proves how much may be answered on the board, and writes the gate into the bundle.
struct CertifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certify", abstract: "Prove a gate's risk on images, and write it into a bundle.",
        discussion: """
            The gate is the one that answers most on the board and of which these images prove, with the confidence asked for, that its risk is at most the bound. \
            harm is the share of all images that the board answers wrongly though the full model has them right; accuracy-loss is how much less often the system is right \
            than the full model, uploads included. Where --upload doesn't say how the board uploads, a third of the images chooses it, \
            and the others prove. Of a bundle of compile --weights mixed a third is left out in any case: with the images that compile had, \
            all of them, the third that chose its weights. Other images may have no image in common with those.

            The proof is about images that come as these do. It is worth nothing if a network was trained or calibrated on them: use images that neither has seen.
            """)

    @Argument(help: ArgumentHelp("The board's network.", valueName: "bundle"))
    var bundle: String

    @Option(help: ArgumentHelp("The full network.", valueName: "model.onnx|bundle"))
    var pair: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var images: String

    @Option(help: ArgumentHelp("A table like labels.tsv, for a folder without one. Without labels the full model's answers count as right.", valueName: "file"))
    var labels: String?

    @OptionGroup var wanted: CertificateOptions

    @OptionGroup var selection: PairOptions

    @Option(name: [.customShort("o"), .long], help: ArgumentHelp("The bundle to write, with the gate. Without it nothing is written.", valueName: "name.swiftlet"))
    var output: String?

    @Option(help: ArgumentHelp("Instead of one certificate: how often one of N doesn't hold, each on a random half and on draws from the whole.", valueName: "n"))
    var trials: Int?

    @Option(help: "Of the draws of --trials.")
    var seed: UInt64 = 1

    @Option(help: "How many images to use at most, evenly spread.")
    var limit: Int?

    @Option(help: "Threads to run with.")
    var threads = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be above 0") }
        if let trials, trials < 1 { throw ValidationError("--trials must be above 0") }
        if trials != nil, output != nil { throw ValidationError("--trials tries certificates and writes none: leave out --output") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 … 64") }
    }

    func run() throws { try exiting { try certify() } }

    private func certify() throws {
        if output != nil, ModelFile.isONNX(bundle) { throw CommandFailure(.usage, "\(bundle) is no bundle: compile it first") }
        let board = try ModelFile(forImages: bundle)
        let full = try ModelFile(forImages: pair)
        let options = ExecutorOptions(threads: threads)
        let secondLook = selection.looks.secondLook?.value
        let chosen = try selection.images(images, labels: labels, limit: limit, classes: board.classes)
        if let trials {
            guard chosen.count > 1 else { throw CommandFailure(.badData, "\(images): \(counted(chosen.count, "image")) can't be divided into two halves") }
            var pair = try Pair(
                board: board, full: full, upload: selection.upload ?? board.details.recovery?.form ?? .standard, secondLook: secondLook, options: options)
            // What chose the bundle's upload, or its weights, is left out here as well.
            let hasChosen = board.details.weightsChosenOn != nil || selection.upload == nil && board.details.recovery != nil
            let parts = chosen.parts(3)
            let images = hasChosen ? parts[1].joined(parts[2]) : chosen
            let report = CertificateTrials(try wanted.certifier(), samples: try pair.ask(images).map(\.sample), trials: trials, seed: seed)
            if json { try printJSON(report) } else { try printLine(report.text) }
            return
        }
        let outcome = try Pairing(board: board, full: full, upload: selection.upload, secondLook: secondLook, wanted: wanted, options: options).prove(on: chosen)
        if let output {
            var certified = try Bundle(contentsOf: bundle)
            (certified.details.recovery, certified.details.certifiedGate) = (outcome.upload, outcome.gate)
            try certified.write(to: output)
        }
        if json { try printJSON(CertificateReport(outcome)) } else { try printLine(outcome.lines.joined(separator: "\n")) }
    }
}

extension CertifiedGate {
    /// A line for each certificate, and one for a second look.
    var lines: [String] {
        let look = secondLook.map { "with a second look, at the mirror image, where the margin is below \(PairReport.exact($0)) %" }
        return rungs.map { rung in
            let coverage = Proportion(rung.accepted, of: rung.samples).interval(confidence: PairReport.confidence)
            return "\(rung.risk.rawValue) ≤ \(PairReport.exact(rung.bound)) % with \(PairReport.exact(rung.confidence)) % confidence: \(rung.measure.rawValue) "
                + "\(rung.measure.risesWithConfidence ? "≥" : "≤") \(rung.threshold.rounded(to: 6)), \(PairReport.percent(rung.coverage)) % answered on the board "
                + "(\(PairReport.percent(coverage.lowerBound)) … \(PairReport.percent(coverage.upperBound))), on \(rung.samples) images"
        } + [look].compactMap(\.self)
    }
}

/// What `certify --json` prints.
private struct CertificateReport: Encodable {
    struct Rung: Encodable {
        var bound: Double
        var threshold: Double
        var coverage: PairReport.Share
        var samples: Int
        var loss: Int
        var disagreements: Int
    }

    var risk: String
    var confidence: Double
    var measure: String
    /// The first is the gate's own, each further one is stricter.
    var rungs: [Rung]
    var labelled: Bool
    var full_model: String?
    var second_look: Double?
    /// What was measured of how the board uploads.
    struct Upload: Encodable {
        var form: UploadForm
        var mean_bytes: Double
        var samples: Int
        var changed: Int
        var lost: Int
        var gained: Int
        var bound: Double
    }

    var upload: Upload?

    init(_ outcome: Pairing.Outcome) {
        let first = outcome.gate.rungs[0]
        (risk, confidence, measure, labelled) = (first.risk.rawValue, first.confidence, first.measure.rawValue, first.isLabelled)
        rungs = outcome.gate.rungs.map { rung in
            Rung(
                bound: rung.bound, threshold: rung.threshold, coverage: PairReport.Share(Proportion(rung.accepted, of: rung.samples)), samples: rung.samples,
                loss: rung.loss, disagreements: rung.disagreements)
        }
        full_model = outcome.gate.fullModel.isEmpty ? nil : outcome.gate.fullModel
        second_look = outcome.gate.secondLook
        upload = outcome.upload.map { upload in
            Upload(
                form: upload.form, mean_bytes: upload.meanBytes, samples: upload.samples, changed: upload.changed, lost: upload.lost, gained: upload.gained,
                bound: upload.bound)
        }
    }
}

extension Certificate.Risk: ExpressibleByArgument {}
extension Measure: ExpressibleByArgument {}

/// How certificates fare over many draws, as JSON and as text.
private struct CertificateTrials: Encodable {
    struct Draw: Encodable {
        var samples: Int
        var violations: PairReport.Share
        /// Of the same certificates, the risk on all images.
        var violations_on_all: PairReport.Share
        var refusals: Int
        var coverage: Double
        /// Where 95 % of the coverages are.
        var coverage_low: Double
        var coverage_high: Double
        var risk: Double

        init(_ trial: CertificateTrial) {
            samples = trial.samples
            violations = PairReport.Share(trial.violations)
            violations_on_all = PairReport.Share(trial.violationsOnAll)
            refusals = trial.refusals
            coverage = trial.meanCoverage
            (coverage_low, coverage_high) = (trial.coverageRange().lowerBound, trial.coverageRange().upperBound)
            risk = trial.meanRisk
        }
    }

    var images: Int
    var trials: Int
    var risk: String
    var bound: Double
    var confidence: Double
    var measure: String
    /// The threshold chosen on all these images: no certificate, but what one aims at. `nil` where there is none.
    var ideal: PairReport.Ideal.Point?
    /// Each on a random half, its risk on the other: a noisy value of the true risk, so that a certificate that holds may seem not to.
    var halves: Draw
    /// As many images as there are, drawn with replacement; the risk on all of them.
    var population: Draw

    init(_ certifier: Certifier, samples: [PairedSample], trials: Int, seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let ranking = RankedSamples(samples, by: certifier.measure)
        images = samples.count
        self.trials = trials
        risk = certifier.risk.rawValue
        (bound, confidence, measure) = (certifier.bound, certifier.confidence, certifier.measure.rawValue)
        ideal = PairReport.Ideal.Point(RiskCoverageCurve(ranking).widest(certifier.risk, atMost: certifier.bound))
        halves = Draw(CertificateTrial(of: certifier, on: ranking, draw: .split, samples: samples.count / 2, trials: trials, using: &generator))
        population = Draw(CertificateTrial(of: certifier, on: ranking, draw: .population, samples: samples.count, trials: trials, using: &generator))
    }

    var text: String {
        func line(_ name: String, _ draw: Draw) -> String {
            "\(name) of \(draw.samples) images: \(PairReport.percent(draw.coverage)) % on the board (\(PairReport.percent(draw.coverage_low)) … "
                + "\(PairReport.percent(draw.coverage_high))), bound exceeded in \(PairReport.percent(draw.violations.value)) % "
                + "(\(PairReport.percent(draw.violations.low)) … \(PairReport.percent(draw.violations.high)))" + (draw.refusals > 0 ? ", \(draw.refusals) refused" : "")
        }
        let ideal = ideal.map { "\(PairReport.percent($0.coverage)) %" } ?? "nothing"
        return """
            \(trials) certificates of \(risk) ≤ \(PairReport.exact(bound)) % with \(PairReport.exact(confidence)) % confidence, by \(measure); \
            the best threshold of these \(images) images answers \(ideal) on the board
            \(line("random halves", halves))
            \(line("draws from all", population))
            """
    }
}
