// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
internal import Networks
internal import Packing
internal import Planning
internal import Tensors

/// A network as a board has it, beside the full one in the cloud that can go on where the board stops: what there is to measure of the two.
struct DividedPair: Sendable {
    /// In the order of their exits.
    let board: Graph
    let full: Graph
    let boardPreprocessing: Preprocessing
    let fullPreprocessing: Preprocessing
    /// One for each output of the board's network.
    let exits: [PlanDetails.Exit]
    let calibrations: [Calibration]
    let fullCalibration: Calibration
    /// What gates look at.
    let measure: Measure
    /// How large, and in how much colour, frames are sent.
    let frame: UploadForm
    let qualities: [Int]

    private static let qualities = [50, 75, 90, 95, 97, 99]
    /// Ours, and DynO's, which at 8 bits is SPINN's.
    static let forms = [PackingForm.symbols, .planesLZ4]

    /// - Throws: ``CommandFailure`` where the two can't work together.
    init(board: ModelFile, full: ModelFile) throws {
        guard !ModelFile.isONNX(board.path) else { throw CommandFailure(.usage, "\(board.path) is no bundle: compile it first") }
        guard !ModelFile.isONNX(full.path) else {
            throw CommandFailure(.usage, "\(full.path) is no bundle: boards know the full model by the weights of the cloud's bundle; compile it with --precision fp32")
        }
        guard full.details.precision == .fp32 else {
            throw CommandFailure(.usage, "\(full.path) is in \(full.details.precision.rawValue): the cloud goes on in float32; compile it with --precision fp32")
        }
        try board.checkClasses(with: full)
        guard let preprocessing = board.details.preprocessing, let fullPreprocessing = full.details.preprocessing else {
            let path = board.details.preprocessing == nil ? board.path : full.path
            throw CommandFailure(.badData, "\(path) doesn't say how images become its input")
        }
        (boardPreprocessing, self.fullPreprocessing) = (preprocessing, fullPreprocessing)
        (self.board, self.full) = (board.graph.orderedByExits(), full.graph.orderedByExits())
        for (file, graph) in [(board, self.board), (full, self.full)] {
            if let odd = graph.outputs.first(where: { graph[$0].shape.elementCount != board.classes }) {
                throw CommandFailure(.badData, "output '\(graph[odd].name)' of \(file.path) has \(graph[odd].shape) elements, expected \(board.classes) classes")
            }
        }
        exits = Self.exits(of: board.details, self.board)
        let scores: Calibration.Scores = board.details.outputKind == .logits ? .logits : .probabilities
        calibrations = try exits.map { exit in
            guard let temperature = Temperature(exit.temperature) else { throw CommandFailure(.badData, "\(board.path): a temperature of \(exit.temperature)") }
            return Calibration(scores: scores, temperature: temperature, combination: exit.combination)
        }
        guard let fullCalibration = full.details.calibration else {
            throw CommandFailure(.badData, "\(full.path): a temperature of \(full.details.temperature)")
        }
        self.fullCalibration = fullCalibration
        measure = Self.measure(of: board.details, exits)
        frame = board.details.recovery?.form ?? .standard
        var qualities = Self.qualities
        if case .jpeg(let quality, _) = frame.encoding, !qualities.contains(quality) { qualities.append(quality) }
        self.qualities = qualities.sorted()
    }

    /// Index of the last exit, and whether the full network has all of them, too.
    var end: Int { exits.count - 1 }
    var fullHasExits: Bool { end > 0 && full.outputs.map { full[$0].name } == board.outputs.map { board[$0].name } }

    /// What is measured: the frame in the proven form and its neighbours; at each cut our packing, and what the published systems send. Edgent's cloud may stop at an exit.
    func uploads(_ cuts: [PlanDetails.Cut]) -> [Upload] {
        let fullCuts = full.cuts
        var uploads: [Upload] = []
        for quality in qualities { uploads.append(Upload(cut: 0, payload: .jpeg(quality: UInt8(quality)))) }
        uploads.append(Upload(cut: 0, payload: .png))
        for cut in cuts {
            for form in Self.forms {
                for bits in QuantizedActivation.permittedBits {
                    uploads.append(Upload(cut: cut.position, payload: .tensors(bits: UInt8(bits), form)))
                }
            }
            let exits = (0..<end).filter { fullHasExits && full.canAnswer(at: $0, from: fullCuts[cut.fullPosition]) }
            for exit in [Int?.none] + exits.map(Optional.some) {
                uploads.append(Upload(cut: cut.position, payload: .floats, exit: exit))
            }
        }
        return uploads
    }

    /// As the bundle has calibrated its outputs; where it has calibrated one only, the others are taken as they are.
    private static func exits(of details: BundleDetails, _ graph: Graph) -> [PlanDetails.Exit] {
        if let exits = details.plans?.exits, exits.count == graph.outputs.count { return exits }
        return graph.outputs.enumerated().map { index, output in
            let isEnd = index == graph.outputs.count - 1
            return PlanDetails.Exit(name: graph[output].name, temperature: isEnd ? details.temperature : 1, combination: isEnd ? details.combination : nil)
        }
    }

    /// The certified gate's, where more of it means surer; else the score where every exit has one, else the margin. Of one look: plans have no second.
    private static func measure(of details: BundleDetails, _ exits: [PlanDetails.Exit]) -> Measure {
        if let measure = details.certifiedGate?.rungs[0].measure, measure.risesWithConfidence { return measure }
        return exits.allSatisfy { $0.combination != nil } ? .score : .margin
    }
}
