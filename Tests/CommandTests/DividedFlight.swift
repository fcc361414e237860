// SPDX-License-Identifier: Apache-2.0
import Gating
import Images
import Inference
import Networks
import Packing
import Planning
import Tensors

/// Board and cloud going through images as a plan says, one by one: the prefix in int8, bytes across the cut, the rest in float32. No table has a part in it.
final class DividedFlight {
    private let boardBundle: Bundle
    private let plans: PlanDetails
    private let board: Executor
    private let full: Executor
    private var boardPreprocessor: Preprocessor
    private var fullPreprocessor: Preprocessor
    private let end: Int

    init(board: Bundle, full: Bundle) throws {
        guard let plans = board.details.plans, let preprocessing = board.details.preprocessing, let fullPreprocessing = full.details.preprocessing else {
            throw BundleError(.damaged, "fly", "it has no plans")
        }
        (boardBundle, self.plans) = (board, plans)
        self.board = try Executor(board.graph, preprocessing: preprocessing, options: ExecutorOptions(cuts: Set(plans.cuts.map(\.position) + [0, board.graph.nodes.count])))
        self.full = try Executor(
            full.graph, preprocessing: fullPreprocessing, options: ExecutorOptions(cuts: Set(plans.cuts.map(\.fullPosition) + [0, full.graph.nodes.count])))
        (boardPreprocessor, fullPreprocessor) = (Preprocessor(preprocessing), Preprocessor(fullPreprocessing))
        end = board.graph.outputs.count - 1
    }

    func replay(_ plan: Plan, images: [(image: Image, label: Int)]) throws -> Replay {
        var replay = Replay(samples: images.count, answered: Array(repeating: .init(), count: plan.gates.count + (plan.upload == nil ? 1 : 0)))
        for (image, label) in images {
            let fullIsRight = try cloudClass(of: image) == label
            func count(_ answered: inout Replay.Answered, _ answer: Int?) {
                answered.samples += 1
                if answer == label { answered.right += 1 }
                if answer != label, fullIsRight { answered.harms += 1 }
            }
            boardPreprocessor.prepare(image)
            let pixels = boardPreprocessor.pixels
            try board.begin(pixels: pixels.span)
            var position = 0
            var crossing: [Tensor] = []
            func go(to stop: Int) throws {
                guard stop > position else { return }
                try board.run(segment: position..<stop)
                position = stop
            }
            func pack() throws {
                if let cut = plan.upload?.cut, cut > 0, crossing.isEmpty {
                    try go(to: cut)
                    crossing = try board.crossingTensors(at: cut)
                }
            }
            func ask(_ gate: Plan.Gate) throws -> (isSure: Bool, answer: Int?) {
                try go(to: board.exitPositions[gate.exit])
                if gate.exit != end { try board.run(head: gate.exit) }
                let exit = plans.exits[gate.exit]
                guard let temperature = Temperature(exit.temperature) else { return (false, nil) }
                let calibration = Calibration(
                    scores: boardBundle.details.outputKind == .logits ? .logits : .probabilities, temperature: temperature, combination: exit.combination)
                guard let confidence = board.withOutput(gate.exit, { try? calibration.confidence(of: $0) }) else { return (false, nil) }
                // As the agent's exits do.
                return (Double(Float(confidence[plans.measure])) >= gate.threshold, confidence.classIndex)
            }
            var last: Int?
            var isAnswered = false
            for (index, gate) in plan.gates.enumerated() {
                let (isSure, answer) = try ask(gate)
                last = answer
                guard isSure else { continue }
                count(&replay.answered[index], answer)
                isAnswered = true
                break
            }
            if isAnswered { continue }
            guard let upload = plan.upload else {
                count(&replay.answered[plan.gates.count], try ask(Plan.Gate(exit: end, threshold: 0)).answer)
                continue
            }
            try pack()
            let (bytes, answer) = try sent(upload, image: image, crossing: crossing)
            replay.sent += 1
            replay.sentBytes += bytes
            var insured: (isSure: Bool, answer: Int?)?
            if let insurance = plan.insurance { insured = try ask(insurance) }
            if let insured, insured.isSure {
                replay.insuredBytes += bytes
                count(&replay.insured, insured.answer)
                count(&replay.cloudInstead, answer)
            } else {
                count(&replay.cloud, answer)
                count(&replay.forWant, insured?.answer ?? last)
                let unsent = try ask(Plan.Gate(exit: end, threshold: (plan.insurance ?? plan.gates.last)?.threshold ?? 0))
                count(&replay.unsent, unsent.answer)
                if unsent.isSure { replay.unsentSure += 1 }
            }
        }
        return replay
    }

    private func sent(_ upload: Upload, image: Image, crossing: [Tensor]) throws -> (bytes: Int, answer: Int?) {
        let form = boardBundle.details.recovery?.form ?? .standard
        switch upload.payload {
        case .jpeg(let quality):
            let encoded = try form.jpeg(quality: Int(quality)).encode(image)
            return (encoded.bytes.count, try cloudClass(of: Image.decode(encoded.bytes).image))
        case .png:
            let encoded = try form.lossless.encode(image)
            return (encoded.bytes.count, try cloudClass(of: Image.decode(encoded.bytes).image))
        case .tensors, .floats:
            let (bits, form) = upload.payload.packing ?? (PackedActivation.realsBits, .planes)
            let values = try board.crossing(at: upload.cut)
            let packed = try zip(crossing, values).map { tensor, value in
                try PackedActivation(tensor, value.quantization, bits: bits).packed(as: form)
            }
            guard let cut = plans.cuts.first(where: { $0.position == upload.cut }) else { throw BundleError(.damaged, "fly", "no such cut") }
            let expected = try full.crossing(at: cut.fullPosition)
            let received = try zip(packed, expected).map { bytes, value in
                Tensor(shape: value.shape, try PackedActivation(unpacking: bytes, maximumCount: value.shape.reduce(1, *)).reals)
            }
            try full.load(received, at: cut.fullPosition)
            try full.run(segment: cut.fullPosition..<full.exitPositions[full.outputs.count - 1])
            return (packed.reduce(0) { $0 + $1.count }, fullClass)
        }
    }

    private func cloudClass(of image: Image) throws -> Int? {
        fullPreprocessor.prepare(image)
        let pixels = fullPreprocessor.pixels
        try full.run(pixels: pixels.span)
        return fullClass
    }

    private var fullClass: Int? {
        full.withOutput(full.outputs.count - 1) { output in output.indices.reduce(0) { output[$1] > output[$0] ? $1 : $0 } }
    }
}
