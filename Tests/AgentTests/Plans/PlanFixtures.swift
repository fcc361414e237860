// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Gating
import Images
import Networks
import Packing
import Planning
import Settings
import Tensors

/// A network of two exits that sees the mean colour, and tables in which one plan is the best.
enum PlanFixtures {
    /// Logit of class i = gain · mean of channel i: at the first exit with a small gain, at the end with a greater one.
    static func bundle(_ table: CalibrationTable = table(), gains: (Float, Float) = (5, 20)) -> Bundle {
        var graph = Graph(name: "colour")
        let input = graph.add(Value(name: "x", type: .float32, shape: [1, 3, 8, 8]))
        func layer(_ name: String, _ input: ValueID) -> ValueID {
            graph.add(.activation(.relu), name: name, inputs: [input], output: Value(name: name, type: .float32, shape: [1, 3, 8, 8]))
        }
        func head(_ name: String, _ input: ValueID, _ gain: Float) -> ValueID {
            let mean = graph.add(
                .mean(axes: [2, 3], keepsDimensions: false), name: name + "mean", inputs: [input],
                output: Value(name: name + "m", type: .float32, shape: [1, 3]))
            let weights = graph.add(Value(name: name + "w", constant: Tensor(shape: [3, 3], [gain, 0, 0, 0, gain, 0, 0, 0, gain])))
            return graph.add(
                .gemm(Gemm(transposesB: true)), name: name + "gain", inputs: [mean, weights], output: Value(name: name + "y", type: .float32, shape: [1, 3]))
        }
        let early = layer("a", input)
        let exit = head("e", early, gains.0)
        let end = head("", layer("b", early), gains.1)
        graph.inputs = [input]
        graph.outputs = [exit, end]
        let preprocessing = Preprocessing(width: 8, height: 8, resize: .warp, mean: [0, 0, 0], deviation: [1, 1, 1])
        var details = BundleDetails(name: "colour", precision: .fp32, preprocessing: preprocessing, labels: AgentFixtures.labels, outputKind: .logits)
        details.plans = PlanDetails(
            fullModel: fullModel, measure: .topOne, exits: [.init(name: "ey", temperature: 1), .init(name: "y", temperature: 1)],
            cuts: [
                .init(position: firstCut, fullPosition: 11, crossing: [.init(name: "a", shape: [1, 3, 8, 8])]),
                .init(position: secondCut, fullPosition: 14, crossing: [.init(name: "b", shape: [1, 3, 8, 8])]),
            ], table: table.encoded())
        return Bundle(graph: graph, details: details)
    }

    /// The same backbone with another head: of two classes that differ from the board's one knows who has answered.
    static func fullBundle() -> Bundle {
        var graph = Graph(name: "colour")
        let input = graph.add(Value(name: "x", type: .float32, shape: [1, 3, 8, 8]))
        var value = input
        for name in ["a", "b"] {
            value = graph.add(.activation(.relu), name: name, inputs: [value], output: Value(name: name, type: .float32, shape: [1, 3, 8, 8]))
        }
        let mean = graph.add(
            .mean(axes: [2, 3], keepsDimensions: false), name: "mean", inputs: [value], output: Value(name: "m", type: .float32, shape: [1, 3]))
        // Class 2 is the green's.
        let weights = graph.add(Value(name: "w", constant: Tensor(shape: [3, 3], [0, 0, 400, 400, 0, 0, 0, 400, 0] as [Float])))
        graph.inputs = [input]
        graph.outputs = [
            graph.add(.gemm(Gemm(transposesB: true)), name: "gain", inputs: [mean, weights], output: Value(name: "y", type: .float32, shape: [1, 3]))
        ]
        let preprocessing = Preprocessing(width: 8, height: 8, resize: .warp, mean: [0, 0, 0], deviation: [1, 1, 1])
        var details = BundleDetails(name: "colour", precision: .fp32, preprocessing: preprocessing, labels: AgentFixtures.labels, outputKind: .logits)
        details.weightsDigest = fullModel
        return Bundle(graph: graph, details: details)
    }

    static let fullModel = String(repeating: "f", count: 64)
    /// In the nodes a, e's head of two, b, the end's mean and its product.
    static let (firstCut, secondCut, nodes) = (1, 4, 6)
    static let tensors = Payload.tensors(bits: 8, .planesLZ4)

    /// Half of the samples are sure at the exit and right everywhere; of the others only the cloud is right.
    static func table(uploads: [Upload] = [Upload(cut: firstCut, payload: tensors)], bytes: UInt32 = 100) -> CalibrationTable {
        let samples = 8
        let half = SampleSet(of: samples) { $0 < samples / 2 }
        let all = SampleSet.all(of: samples)
        let scores = (0..<samples).map { Float($0 < samples / 2 ? 0.95 : 0.4) }
        return CalibrationTable(
            exits: [.init(position: firstCut, scores: scores, right: half), .init(position: nodes, scores: scores, right: half)],
            sent: uploads.map { .init($0, bytes: Array(repeating: bytes, count: samples), right: all) }, full: all)
    }

    /// 1 ms to the exit, 1 ms for its head, 4 ms to the end.
    static func times(uploads: Int = 1, packsFirst: Bool = false) -> BoardTimes {
        BoardTimes(
            arrivals: [.init(position: 0, seconds: 0), .init(position: firstCut, seconds: 0.001), .init(position: secondCut, seconds: 0.002), .init(position: nodes, seconds: 0.004)],
            heads: [0.001, 0], packing: Array(repeating: 0.0001, count: uploads), packsFirst: packsFirst)
    }

    /// As right as can be, with the exit asked first.
    static func policy(_ family: PlanFamily = .all, insurance: PolicySettings.Insurance = .always, inFlight: Int = 4, probes: Int = 0) -> PlanSettings {
        PlanSettings(
            policyFile: "test",
            policy: PolicySettings(
                family: family, levels: [.threshold(0.8)], insurance: insurance, targets: [.init(.accuracy), .init(.bytes), .init(.latency)], maximumInFlight: inFlight,
                probesPerHour: probes))
    }

    /// Sure at the exit; sure at the end only; sure nowhere.
    static let clear = AgentFixtures.image(255, 0, 0)
    static let middling = AgentFixtures.image(90, 140, 90)
    static let unclear = AgentFixtures.unclear
    static let cloudAnswer = Answer.classification(Classification(classIndex: 2, confidence: 0.97))
}

extension AgentBench {
    /// An agent with plans, in whose table one upload serves best.
    static func planned(
        _ bundle: Bundle = PlanFixtures.bundle(), cloud: ManualCloud, times: BoardTimes = PlanFixtures.times(), policy: PlanSettings = PlanFixtures.policy(),
        clock: AgentClock? = nil, settings change: (inout AgentSettings) -> Void = { _ in }
    ) throws -> AgentBench {
        try AgentBench(bundle, cloud: cloud, clock: clock, assuming: Agent.Assumptions(times: times)) {
            $0.plan = policy
            change(&$0)
        }
    }
}

extension ManualCloud {
    /// Waits for a plan whose description, or cause, holds `text`.
    func plan(with text: String, _ iterator: inout AsyncStream<[UInt8]>.Iterator) async -> String? {
        while let json = await iterator.next(isolation: #isolation) {
            let line = String(decoding: json, as: UTF8.self)
            if line.contains(text) { return line }
        }
        return nil
    }
}
