// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Compilation
internal import Images
internal import Inference
internal import Networks
internal import Tensors

/// `swiftlet exits MODEL --images PATH -o NAME.swiftlet`: gives a network places to answer early.
struct ExitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exits", abstract: "Train early exits for a network, and keep those that earn their cost.",
        discussion: """
            Heads are trained at several depths, a cheap one and one with convolutions at each, on the network as it is: what it says at its end doesn't change. \
            They learn the labels of the images, or with --distil what the network says itself. One image in five is held out, and decides what is kept: \
            the exits that save most multiplications where each answers at most 1 % of the images wrongly that the end answers rightly.

            Use images that the network was trained with, and that nothing is judged by. The bundle holds float32 with the exits as outputs before the end: \
            compile makes a board's of it, and evaluate shows what each exit is worth.
            """)

    @Argument(help: ArgumentHelp("The network, in float32.", valueName: "model.onnx|bundle"))
    var model: String

    @Option(help: ArgumentHelp("Images: a folder, a folder with labels.tsv, or a CIFAR-10 binary file.", valueName: "path"))
    var images: String

    @Option(help: ArgumentHelp("A table like labels.tsv, for a folder without one.", valueName: "file"))
    var labels: String?

    @Option(name: [.customShort("o"), .long], help: ArgumentHelp("The bundle to write.", valueName: "name.swiftlet"))
    var output: String

    @Option(help: ArgumentHelp("How images become the input, instead of MODEL.json.", valueName: "file.json"))
    var preprocess: String?

    @Flag(help: "Learn what the network says at its end instead of labels.")
    var distil = false

    @Option(help: "How many exits to keep at most.")
    var exits = 3

    @Option(help: "Depths at which to try heads, at equal shares of the multiplications.")
    var depths = 6

    @Option(help: "In how many ways each image is seen while heads learn: as it is, and shifted.")
    var views = 2

    @Flag(help: "Every other way is mirrored. Not for text or traffic signs.")
    var mirror = false

    @Option(help: "How often each head sees the images at most.")
    var epochs = 16

    @Option(help: "Of what is drawn at random: the same seed gives the same heads.")
    var seed: UInt64 = 1

    @Option(help: "How many of the images to use at most, evenly spread.")
    var limit: Int?

    @Option(help: ArgumentHelp("Of what is kept of the images at all depths; the rest is computed anew each time.", valueName: "MB"))
    var memory = 1024

    @Option(help: "Threads to run the network with.")
    var threads = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...6).contains(exits) else { throw ValidationError("--exits must be 1 … 6") }
        guard (exits...12).contains(depths) else { throw ValidationError("--depths must be --exits … 12") }
        guard (1...64).contains(views) else { throw ValidationError("--views must be 1 … 64") }
        guard (1...1000).contains(epochs) else { throw ValidationError("--epochs must be 1 … 1000") }
        guard (1...65536).contains(memory) else { throw ValidationError("--memory must be 1 … 65536 MB") }
        if let limit, limit < ExitBuilder.fewestImages { throw ValidationError("--limit must be at least \(ExitBuilder.fewestImages)") }
        guard (1...ExecutorOptions.maximumThreads).contains(threads) else { throw ValidationError("--threads must be 1 … \(ExecutorOptions.maximumThreads)") }
    }

    func run() throws { try exiting { try build() } }

    private func build() throws {
        let file = try ModelFile(forImages: model, sidecar: preprocess)
        guard let preprocessing = file.details.preprocessing else {
            throw CommandFailure(.usage, "\(model) doesn't say how images become its input: give --preprocess FILE.json")
        }
        guard file.details.precision == .fp32 else {
            throw CommandFailure(.usage, "\(model) is in \(file.details.precision.rawValue): heads learn from the network in float32")
        }
        let samples = try samples(preprocessing, classes: file.classes)
        if !distil, samples.contains(where: { $0.label == nil }) {
            throw CommandFailure(.usage, "\(images): not every image has a label; with --distil heads learn what the network says at its end instead")
        }
        let display = StageDisplay()
        var builder = ExitBuilder(
            images: ExitImages(samples, preprocessing: preprocessing, views: views, isMirrored: mirror), lesson: distil ? .end : .labels)
        (builder.most, builder.depths, builder.memory, builder.threads) = (exits, depths, memory << 20, threads)
        (builder.trainer.mostEpochs, builder.trainer.seed) = (epochs, seed)
        builder.progress = display.show
        let result = try builder.build(file.runnable())
        var compiler = Compiler(preprocessing: preprocessing, samples: builder.images.heldOut.map { samples[$0] })
        compiler.threads = threads
        // The end, which nobody taught anything here, has seen such images: to be calibrated on them would make it too sure of itself.
        compiler.calibratesEnd = false
        compiler.progress = display.show
        let (bundle, _) = try compiler.compile(result.graph, details: file.detailsForCompiling)
        display.finish()
        try bundle.write(to: output)
        _ = try Executor(verifying: Bundle(contentsOf: output))
        let report = ExitsReport(output: output, images: samples.count, lesson: distil ? "the end" : "labels", result)
        if json { try printJSON(report) } else { try printLine(report.text) }
    }

    private func samples(_ preprocessing: Preprocessing, classes: Int) throws -> [CalibrationSample] {
        var set = try LabelledImages(images, labels: labels, classes: classes)
        if let limit { set.keep(atMost: limit) }
        var bar = ProgressBar("reading images", total: set.count)
        var preprocessor = Preprocessor(preprocessing)
        var samples: [CalibrationSample] = []
        for index in 0..<set.count {
            let (image, label) = try set.image(at: index)
            preprocessor.prepare(image)
            samples.append(CalibrationSample(pixels: preprocessor.pixels, label: label))
            bar.update(index + 1)
        }
        return samples
    }
}

/// What `exits` says at its end. Shares, of the network's multiply-adds or of held-out images.
private struct ExitsReport: Encodable {
    var output: String
    var images: Int
    /// What the heads learnt, and what right means: labels, or what the end says.
    var lesson: String
    var heads: [ExitBuilder.Trial]
    /// Of the end.
    var accuracy: Double
    /// That leave at each exit, and reach the end.
    var shares: [Double]
    /// Of an image in the mean, heads included.
    var work: Double

    init(output: String, images: Int, lesson: String, _ result: ExitBuilder.Result) {
        (self.output, self.images, self.lesson) = (output, images, lesson)
        (heads, accuracy, shares, work) = (result.trials, result.accuracy, result.shares, result.work)
    }

    var text: String {
        var rows = [["kept", "after", "head", "work before", "own work", "right", "would answer"]]
        for head in heads {
            rows.append([
                head.name ?? "–", head.after, head.head, percent(head.work), percent(head.headWork), percent(head.accuracy), percent(head.answered),
            ])
        }
        var lines = aligned(rows, words: 3)
        let kept = heads.compactMap(\.name)
        lines.append("\(output): \(kept.isEmpty ? "no exit earns its cost" : "exits \(kept.joined(separator: ", "))"), the end as it was, right on \(percent(accuracy))")
        if !kept.isEmpty {
            let leaving = zip(kept, shares).map { "\(percent($1)) leave at \($0)" }.joined(separator: ", ")
            lines.append("\(leaving); an image takes \(percent(work)) of the network's multiplications")
        }
        lines.append("Measured on \(images / 5) of \(images) images, held out of learning, though exits were chosen by them: evaluate says what they come to on others. Right is \(lesson == "labels" ? "the label" : "what the end says").")
        return lines.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { PairReport.percent(share) + " %" }
}
