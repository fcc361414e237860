// SPDX-License-Identifier: Apache-2.0
internal import Images
internal import Inference
internal import Networks
internal import Packing
internal import Tensors

/// Divides a network at its cuts, packs what crosses, and goes on from what is unpacked.
struct CutTrial {
    /// What one number of bits came to at one cut, over all images; bytes over those that were packed.
    struct Outcome {
        var bits: Int
        /// Images that are right undivided only, and divided only.
        var lost = 0
        var gained = 0
        /// Images of which the class is another one.
        var changed = 0
        /// By ``PackingForm/mixed``, ``PackingForm/symbols``, ``PackingForm/planesLZ4`` and ``PackingForm/bytesLZ4``.
        var mixed = 0
        var symbols = 0
        var planesLZ4 = 0
        var bytesLZ4 = 0
    }

    struct Place {
        var place: CutPlace
        var outcomes: [Outcome]
        /// Whether no number that crossed was below 0, as behind a ReLU.
        var isRectified = true
    }

    let name: String
    let classes: Int
    let multiplyAccumulates: Int
    private let nodes: Int
    private(set) var cuts: [Place]
    private(set) var images = 0
    /// Of which bytes were counted.
    private(set) var packed = 0
    private(set) var right = 0
    private(set) var isLabelled = true
    private let executor: Executor
    private var preprocessor: Preprocessor

    /// - Parameter isThorough: also cuts at which twice as many numbers cross as at one before.
    init(_ file: ModelFile, isThorough: Bool, threads: Int) throws {
        guard let preprocessing = file.details.preprocessing else {
            throw CommandFailure(.badData, "\(file.path) doesn't say how images become its input")
        }
        let (graph, places) = try file.divisible(isThorough: isThorough)
        name = file.details.name
        cuts = places.map { Place(place: $0, outcomes: QuantizedActivation.permittedBits.map { Outcome(bits: $0) }) }
        nodes = graph.nodes.count
        classes = file.classes
        multiplyAccumulates = graph.backboneMultiplyAccumulates
        executor = try Executor(
            graph, preprocessing: preprocessing, options: ExecutorOptions(threads: threads, cuts: Set(places.map(\.cut.position) + [graph.nodes.count])))
        preprocessor = Preprocessor(preprocessing)
    }

    mutating func measure(_ image: Image, label: Int?, countingBytes: Bool) throws {
        preprocessor.prepare(image)
        try executor.runBackbone(pixels: preprocessor.pixels.span)
        let undivided = executor.topClass
        images += 1
        if countingBytes { packed += 1 }
        if label == nil { isLabelled = false }
        let truth = label ?? undivided
        if undivided == truth { right += 1 }
        for index in cuts.indices {
            let position = cuts[index].place.cut.position
            try executor.begin(pixels: preprocessor.pixels.span)
            try executor.run(segment: 0..<position)
            let crossing = try executor.crossingTensors(at: position)
            for choice in cuts[index].outcomes.indices {
                var outcome = cuts[index].outcomes[choice]
                let activations = try zip(crossing, cuts[index].place.shapes).map { tensor, shape in
                    try tensor.withElements(of: Float.self) { numbers throws(PackingError) in try QuantizedActivation(numbers, shape: shape, bits: outcome.bits) }
                }
                if activations.contains(where: { $0.minimum < 0 }) { cuts[index].isRectified = false }
                for activation in activations where countingBytes {
                    outcome.mixed += activation.packed(as: .mixed).count
                    outcome.symbols += activation.packed(as: .symbols).count
                    outcome.planesLZ4 += activation.packed(as: .planesLZ4).count
                    if outcome.bits == 8 { outcome.bytesLZ4 += activation.packed(as: .bytesLZ4).count }
                }
                try executor.load(zip(crossing, activations).map { Tensor(shape: $0.shape, $1.reals) }, at: position)
                try executor.run(segment: position..<nodes)
                let divided = executor.topClass
                if undivided == truth, divided != truth { outcome.lost += 1 }
                if undivided != truth, divided == truth { outcome.gained += 1 }
                if divided != undivided { outcome.changed += 1 }
                cuts[index].outcomes[choice] = outcome
            }
        }
    }
}
