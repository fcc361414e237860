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
            SPINN's (8 bits, LZ4). With --timing it is measured instead how long packing and unpacking take, in each form.

            Left out are cuts that take as many bytes as one before, where the board works longer and saves nothing; and those at which twice as many numbers cross as at one \
            before, the input included, though in few bits they may be fewer bytes than the frame: --all shows every cut. Exits are left out, \
            too: the network is judged by its end, and neither work nor times have their heads in them.
            """)

    @Argument(help: ArgumentHelp("The network, in float32.", valueName: "model.onnx|bundle"))
    var network: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var images: String

    @Option(help: ArgumentHelp("A table like labels.tsv, for a folder without one.", valueName: "file"))
    var labels: String?

    @Option(help: "How many images to use at most, evenly spread.")
    var limit = 100

    @Option(help: "Of how many of them to count bytes at most, evenly spread: this takes longer than the rest.")
    var packed = 100

    @Option(help: "Threads to run with; --timing always runs with one.")
    var threads = 2

    @Flag(help: "Show every cut.")
    var all = false

    @Flag(help: "Measure the times of packing and unpacking instead.")
    var timing = false

    @Option(help: "At how many bits --timing shows cuts.")
    var bits = 4

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be above 0") }
        guard packed > 0 else { throw ValidationError("--packed must be above 0") }
        guard QuantizedActivation.permittedBits.contains(bits) else { throw ValidationError("--bits must be 2 … 8") }
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
        try timing ? measureTimes(of: file) : measureBytes(of: file)
    }

    private func measureBytes(of file: ModelFile) throws {
        var trial = try CutTrial(file, isThorough: all, threads: threads)
        let set = try chosenImages(classes: trial.classes)
        let packed = min(packed, set.count)
        var bar = ProgressBar("packing at \(trial.cuts.count) cuts", total: set.count)
        for index in 0..<set.count {
            let (image, label) = try set.image(at: index)
            // Evenly spread: the first of each of so many parts.
            let isPacked = index * packed / set.count != (index - 1) * packed / set.count || index == 0
            try trial.measure(image, label: label, countingBytes: isPacked)
            bar.update(index + 1)
        }
        let report = CutReport(trial, isThorough: all)
        if json { try printJSON(report) } else { try printLine(report.text) }
    }

    private func measureTimes(of file: ModelFile) throws {
        var times = try CutTiming(file, isThorough: all)
        let set = try chosenImages(classes: file.classes)
        var bar = ProgressBar("timing at \(times.cuts.count) cuts", total: set.count)
        for index in 0..<set.count {
            try times.measure(set.image(at: index).image)
            bar.update(index + 1)
        }
        let report = CutTimingReport(times)
        if json { try printJSON(report) } else { try printLine(report.text(bits: bits)) }
    }

    private func chosenImages(classes: Int) throws -> LabelledImages {
        var set = try LabelledImages(images, labels: labels, classes: classes)
        set.keep(atMost: limit)
        guard set.count > 0 else { throw CommandFailure(.badData, "\(images) has no image") }
        return set
    }
}
