// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Inference
internal import Networks
internal import Packing

/// `swiftlet cuts NETWORK --images PATH`: what crosses each cut of a network, and in how few bytes it may travel.
struct CutsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cuts", abstract: "Show where a network can be divided, and what crosses there in how few bytes.",
        discussion: """
            At each cut the crossing activations of every image are packed in 2 … 8 bits with their own range, unpacked, and the network goes on from them: what it says then \
            is compared with its labels, or with what it says undivided. Bytes are those of arithmetic coding; beside them DynO's (bit planes, LZ4) at the same bits, and \
            SPINN's (8 bits, LZ4).

            Left out are cuts at which twice as many numbers cross as at one before, and of the rest those that take as many bytes as one before: there the board works \
            longer and saves nothing.
            """)

    @Argument(help: ArgumentHelp("The network, in float32.", valueName: "model.onnx|bundle"))
    var network: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var images: String

    @Option(help: ArgumentHelp("A table like labels.tsv, for a folder without one.", valueName: "file"))
    var labels: String?

    @Option(help: "How many images to use at most, evenly spread.")
    var limit = 100

    @Option(help: "Threads to run with.")
    var threads = 2

    @Flag(help: "Show every cut.")
    var all = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be above 0") }
        guard (1...ExecutorOptions.maximumThreads).contains(threads) else {
            throw ValidationError("--threads must be 1 … \(ExecutorOptions.maximumThreads)")
        }
    }

    func run() throws { try exiting { try measure() } }

    private func measure() throws {
        let file = try ModelFile(forImages: network)
        guard file.details.precision == .fp32 else {
            throw CommandFailure(.usage, "\(network) is in \(file.details.precision.rawValue): what the cloud goes on with is float32; name the model, or its fp32 bundle")
        }
        var trial = try CutTrial(file, isThorough: all, threads: threads)
        var set = try LabelledImages(images, labels: labels, classes: trial.classes)
        set.keep(atMost: limit)
        guard set.count > 0 else { throw CommandFailure(.badData, "\(images) has no image") }
        var bar = ProgressBar("packing at \(trial.cuts.count) cuts", total: set.count)
        for index in 0..<set.count {
            let (image, label) = try set.image(at: index)
            try trial.measure(image, label: label)
            bar.update(index + 1)
        }
        let report = CutReport(trial, isThorough: all)
        if json { try printJSON(report) } else { try printLine(report.text) }
    }
}
