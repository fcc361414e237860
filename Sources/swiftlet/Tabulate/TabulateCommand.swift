// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Inference
internal import Networks
internal import Planning

/// `swiftlet tabulate BOARD --pair CLOUD --images PATH -o BOARD`: measures what plans are chosen by, and writes it into the bundle.
struct TabulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tabulate", abstract: "Measure every way to divide a network between board and cloud, and write the table into its bundle.",
        discussion: """
            Board and cloud have the same network, the board in int8, the cloud in float32. For every image the table has what each exit of the board's network says and how sure \
            it is; and of the frame as JPEG and PNG, and of what crosses each cut in 2 … 8 bits and in floats, how many bytes it takes and whether the cloud is right from there. \
            What any plan would do on these images then follows by counting. Two networks that aren't one still have their frames to send.

            Use images that neither network has seen, 500 or more: on images of its training a network is surer of itself than it will be, and fewer say little about others.
            """)

    @Argument(help: ArgumentHelp("The board's network.", valueName: "bundle"))
    var board: String

    @Option(help: ArgumentHelp("The full network, as the cloud has it: a bundle in fp32.", valueName: "bundle"))
    var pair: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var images: String

    @Option(help: ArgumentHelp("A table like labels.tsv, for a folder without one. Without labels the full model's answers count as right.", valueName: "file"))
    var labels: String?

    @Option(help: "How many images to use at most, evenly spread.")
    var limit: Int?

    @Option(name: [.customShort("o"), .long], help: ArgumentHelp("The bundle to write, with the table. Without it nothing is written.", valueName: "name.swiftlet"))
    var output: String?

    @Option(help: "Threads; each measures images of its own.")
    var threads = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    /// Fewer are refused; with fewer than the second number there is a warning.
    private static let fewestImages = 20
    private static let fewImages = 500

    func validate() throws {
        if let limit, limit < Self.fewestImages {
            throw ValidationError("--limit must be at least \(Self.fewestImages): with fewer images thresholds mean nothing")
        }
        guard (1...ExecutorOptions.maximumThreads).contains(threads) else {
            throw ValidationError("--threads must be 1 … \(ExecutorOptions.maximumThreads)")
        }
    }

    func run() throws { try exiting { try tabulate() } }

    private func tabulate() throws {
        let start = ContinuousClock.now
        let file = try ModelFile(forImages: board)
        let full = try ModelFile(forImages: pair)
        let divided = try DividedPair(board: file, full: full)
        var chosen = try LabelledImages(images, labels: labels, classes: file.classes)
        if let limit { chosen.keep(atMost: limit) }
        guard chosen.count >= Self.fewestImages else {
            let has = chosen.count == 1 ? "1 image" : "\(chosen.count) images"
            throw CommandFailure(.badData, "\(images) has \(has), expected at least \(Self.fewestImages): with fewer, thresholds mean nothing")
        }
        if chosen.count < Self.fewImages { printError("swiftlet: warning: \(chosen.count) images say little about others: take \(Self.fewImages) or more") }
        var choice = CutChoice(divided)
        if !choice.shared.isEmpty { try choice.choose(divided, images: chosen) }
        do {
            try CalibrationTable.check(samples: chosen.count, uploads: divided.uploads(choice.kept).count)
        } catch {
            throw CommandFailure(.badData, "\(images): \(error.reason): take fewer with --limit")
        }
        let table = try Tabulation(pair: divided, cuts: choice.kept, images: chosen).table(threads: threads)
        let plans = PlanDetails(
            fullModel: full.details.weightsDigest, measure: divided.measure, exits: divided.exits, cuts: choice.kept, table: table.encoded())
        if let output {
            var bundle = try Bundle(contentsOf: board)
            bundle.details.plans = plans
            try bundle.write(to: output)
        }
        var report = try TableReport(plans, of: divided.board, path: board)
        report.labelled = chosen.isLabelled
        report.seconds = ((ContinuousClock.now - start) / .milliseconds(1)).rounded() / 1000
        report.shared_cuts = choice.shared.count
        report.unlike_cuts = choice.unlike
        if json { try printJSON(report) } else { try printLine(report.text) }
    }
}
