// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
package import Inference
package import Networks
internal import Tensors

/// The network of a bundle, as a full model. It goes on from every cut of ``Networks/Graph/shippableCuts``.
package final class BundleModel: FullModel {
    private let name: String
    private let executor: Executor
    private var preprocessor: Preprocessor
    /// One an output.
    private let calibrations: [Calibration]
    /// Of steps that have no kernel.
    package var warning: String? { executor.definitionWarning }
    /// Of the whole network.
    private let nodes: Int
    private let starts: [Int: CutStart]

    /// Loads the network; throws where the bundle doesn't say how an image becomes its input, or the network can't run. With lanes it finds out what they gain.
    package init(_ bundle: Bundle, options: ExecutorOptions = ExecutorOptions()) throws(ModelFault) {
        let details = bundle.details
        let operation = "load network '\(details.name)'"
        guard let preprocessing = details.preprocessing else {
            throw ModelFault(.network, operation, "the bundle has no preprocessing, so it can't take images")
        }
        guard let calibration = details.calibration else { throw ModelFault(.network, operation, "temperature \(details.temperature) is out of range") }
        let graph = bundle.graph.orderedByExits()
        var options = options
        nodes = graph.nodes.count
        starts = Dictionary(uniqueKeysWithValues: graph.shippableCuts.map { ($0.position, CutStart($0, in: graph)) })
        options.cuts = Set(starts.keys).union([0, nodes])
        do {
            executor = try Executor(graph, preprocessing: preprocessing, options: options)
            try executor.verify(bundle)
            try executor.measureLanes()
        } catch {
            throw ModelFault(.network, operation, "\(error)")
        }
        guard let output = executor.outputs.last, executor.outputs.allSatisfy({ $0.shape.elementCount == output.shape.elementCount }),
            details.labels.isEmpty || output.shape.elementCount == details.labels.count
        else { throw ModelFault(.network, operation, "its outputs don't fit its \(details.labels.count) labels") }
        name = details.name
        preprocessor = Preprocessor(preprocessing)
        let end = executor.outputs.count - 1
        calibrations = (0...end).map { index in
            // What the exits were calibrated by where plans were made of them; the end has its own.
            guard index < end, let exit = details.plans?.exits[index], let temperature = Temperature(exit.temperature) else { return calibration }
            return Calibration(scores: calibration.scores, temperature: temperature, combination: exit.combination)
        }
    }

    package var lanes: Int { executor.lanes }

    /// The first node that is computed for all questions before the next one; `nil` where that never pays.
    package var firstSharedNode: String? { executor.firstSharedStep.map { executor.plan[$0].node } }

    package func answers(to questions: [Question]) -> [Result<[Double], ModelFault>] {
        var results: [Result<[Double], ModelFault>?] = []
        var runs: [(question: Int, run: LaneRun)] = []
        for (index, question) in questions.enumerated() {
            do throws(ModelFault) {
                runs.append((index, try prepare(question, lane: runs.count)))
                results.append(nil)
            } catch {
                results.append(.failure(error))
            }
        }
        do throws(InferenceError) {
            try executor.run(lanes: runs.map(\.run))
            for (lane, entry) in runs.enumerated() { results[entry.question] = answer(to: questions[entry.question], entry.run, lane) }
        } catch {
            for entry in runs { results[entry.question] = .failure(ModelFault(.network, "run the network", "\(error)")) }
        }
        return results.compactMap(\.self)
    }

    /// Puts what is asked about into a lane.
    private func prepare(_ question: Question, lane: Int) throws(ModelFault) -> LaneRun {
        switch question {
        case .image(let image):
            let decoded: Image
            do {
                decoded = try Image.decode(image, name: "the request's image").image
            } catch {
                throw ModelFault(.image, "decode", "\(error)")
            }
            preprocessor.prepare(decoded)
            let pixels = preprocessor.pixels
            do {
                try executor.begin(pixels: pixels.span, lane: lane)
            } catch {
                throw ModelFault(.network, "take the image", "\(error)")
            }
            return LaneRun(segment: 0..<nodes)
        case .activations(let activations, let cut, let exit):
            let operation = "go on from cut \(cut)"
            guard let start = starts[cut] else {
                let known = starts.keys.sorted().map { "\($0)" }.joined(separator: ", ")
                throw ModelFault(.activations, operation, "'\(name)' can't be divided there, but at \(known)")
            }
            guard start.outputs.contains(exit ?? end), exit.map({ $0 < end }) ?? true else {
                throw ModelFault(.activations, operation, "exit \(exit ?? end) of '\(name)' can't be reached from there: it has \(end), or they come before")
            }
            let tensors = try start.unpack(activations, operation)
            do {
                try executor.load(tensors, at: cut, lane: lane)
            } catch {
                throw ModelFault(.network, operation, "\(error)")
            }
            return LaneRun(segment: cut..<(exit.map { executor.exitPositions[$0] } ?? nodes), head: exit)
        }
    }

    private var end: Int { calibrations.count - 1 }

    private func answer(to question: Question, _ run: LaneRun, _ lane: Int) -> Result<[Double], ModelFault> {
        let output = run.head ?? end
        return executor.withOutput(output, lane: lane) { scores in
            Result { try calibrations[output].probabilities(of: scores) }
        }.mapError { error in
            switch question {
            case .image: ModelFault(.network, "run the network", "\(error)")
            // Numbers that no board's network gives, though each is finite.
            case .activations(_, let cut, _): ModelFault(.activations, "go on from cut \(cut)", "nothing comes of these numbers: \(error)")
            }
        }
    }
}
