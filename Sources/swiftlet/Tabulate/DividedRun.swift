// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Packing
internal import Planning
internal import Tensors

/// Runs both networks of a ``DividedPair`` on one image after another, on the caller's thread.
final class DividedRun {
    /// What one image comes to.
    struct Row: Sendable {
        /// One for each exit: how sure, NaN where the output is damaged; and whether it is right.
        var exits: [(score: Float, isRight: Bool)]
        /// One for each of ``DividedPair/uploads(_:)``.
        var sent: [(bytes: UInt32, isRight: Bool)]
        var fullIsRight: Bool
    }

    private let pair: DividedPair
    private let cuts: [PlanDetails.Cut]
    private let uploads: [Upload]
    private let board: Executor
    private let full: Executor
    private var boardPreprocessor: Preprocessor
    private var fullPreprocessor: Preprocessor

    init(_ pair: DividedPair, cuts: [PlanDetails.Cut]) throws {
        (self.pair, self.cuts) = (pair, cuts)
        uploads = pair.uploads(cuts)
        func options(_ graph: Graph, _ positions: [Int]) -> ExecutorOptions {
            ExecutorOptions(cuts: Set(positions + graph.exitPositions + [0, graph.nodes.count]))
        }
        board = try Executor(pair.board, preprocessing: pair.boardPreprocessing, options: options(pair.board, cuts.map(\.position)))
        full = try Executor(pair.full, preprocessing: pair.fullPreprocessing, options: options(pair.full, cuts.map(\.fullPosition)))
        (boardPreprocessor, fullPreprocessor) = (Preprocessor(pair.boardPreprocessing), Preprocessor(pair.fullPreprocessing))
    }

    /// - Parameter label: what the image shows; `nil`: what the full network says counts.
    func row(_ image: Image, label: Int?) throws -> Row {
        let whole = try answers(to: image)
        guard let fullClass = whole[pair.end] else { throw CommandFailure(.badData, "the full network's output is damaged") }
        let truth = label ?? fullClass
        let (confidences, crossings) = try prefixes(of: image)
        var sent: [Upload: (bytes: UInt32, isRight: Bool)] = [:]
        func note(_ cut: Int, _ payload: Payload, bytes: Int, _ answers: [Int?]) {
            for (exit, answer) in answers.enumerated() {
                sent[Upload(cut: cut, payload: payload, exit: exit == pair.end ? nil : exit)] = (UInt32(clamping: bytes), answer == truth)
            }
        }
        for quality in pair.qualities {
            let encoded = try pair.frame.jpeg(quality: quality).encode(image)
            note(0, .jpeg(quality: UInt8(quality)), bytes: encoded.bytes.count, try answers(to: Image.decode(encoded.bytes).image))
        }
        let lossless = try pair.frame.lossless.encode(image)
        let decoded = try Image.decode(lossless.bytes).image
        note(0, .png, bytes: lossless.bytes.count, try decoded == image ? whole : answers(to: decoded))
        for (cut, crossing) in zip(cuts, crossings) {
            for bits in Array(QuantizedActivation.permittedBits) + [PackedActivation.realsBits] {
                let packed = try crossing.map { try PackedActivation($0.tensor, $0.quantization, bits: bits) }
                let answers = try answers(to: packed, at: cut)
                guard bits != PackedActivation.realsBits else {
                    note(cut.position, .floats, bytes: packed.bytes(as: .symbols), answers)
                    continue
                }
                for form in DividedPair.forms {
                    note(cut.position, .tensors(bits: UInt8(bits), form), bytes: packed.bytes(as: form), answers)
                }
            }
        }
        return Row(
            exits: confidences.map { confidence in (Float(confidence?[pair.measure] ?? .nan), confidence?.classIndex == truth) },
            sent: uploads.compactMap { sent[$0] }, fullIsRight: fullClass == truth)
    }

    /// What the board's exits say, and what crosses each cut on the way.
    func prefixes(of image: Image) throws -> (exits: [Confidence?], crossings: [[(tensor: Tensor, quantization: Quantization?)]]) {
        boardPreprocessor.prepare(image)
        let pixels = boardPreprocessor.pixels
        try board.begin(pixels: pixels.span)
        let positions = board.exitPositions
        var exits: [Confidence?] = []
        var crossings: [[(Tensor, Quantization?)]] = []
        var position = 0
        for stop in Set(cuts.map(\.position) + positions).sorted() {
            try board.run(segment: position..<stop)
            position = stop
            if cuts.contains(where: { $0.position == stop }) {
                let values = try board.crossing(at: stop)
                crossings.append(try zip(board.crossingTensors(at: stop), values).map { ($0, $1.quantization) })
            }
            for exit in positions.indices where positions[exit] == stop {
                if exit != pair.end { try board.run(head: exit) }
                exits.append(board.withOutput(exit) { try? pair.calibrations[exit].confidence(of: $0) })
            }
        }
        return (exits, crossings)
    }

    /// What crosses the cuts of the full network itself.
    func fullCrossings(of image: Image) throws -> [[Tensor]] {
        fullPreprocessor.prepare(image)
        let pixels = fullPreprocessor.pixels
        try full.begin(pixels: pixels.span)
        var position = 0
        return try cuts.map { cut in
            try full.run(segment: position..<cut.fullPosition)
            position = cut.fullPosition
            return try full.crossingTensors(at: position)
        }
    }

    private func answers(to image: Image) throws -> [Int?] {
        fullPreprocessor.prepare(image)
        let pixels = fullPreprocessor.pixels
        try full.begin(pixels: pixels.span)
        return try answers(from: 0)
    }

    private func answers(to packed: [PackedActivation], at cut: PlanDetails.Cut) throws -> [Int?] {
        try full.load(zip(cut.crossing, packed).map { Tensor(shape: $0.shape, $1.reals) }, at: cut.fullPosition)
        return try answers(from: cut.fullPosition)
    }

    /// The classes that the full network says from here on, one for each exit of the board's: `nil` where it has none there, or is damaged.
    private func answers(from start: Int) throws -> [Int?] {
        var classes: [Int?] = Array(repeating: nil, count: pair.exits.count)
        var position = start
        let positions = full.exitPositions
        for exit in positions.indices.dropLast() where pair.fullHasExits && positions[exit] >= start {
            try full.run(segment: position..<positions[exit])
            position = positions[exit]
            try full.run(head: exit)
            classes[exit] = topClass(exit)
        }
        try full.run(segment: position..<pair.full.nodes.count)
        classes[pair.end] = topClass(positions.count - 1)
        return classes
    }

    private func topClass(_ output: Int) -> Int? { full.withOutput(output) { try? pair.fullCalibration.confidence(of: $0).classIndex } }
}

extension [PackedActivation] {
    fileprivate func bytes(as form: PackingForm) -> Int { reduce(0) { $0 + $1.packed(as: form).count } }
}
