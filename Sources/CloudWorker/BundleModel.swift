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

    /// Loads the network; throws where the bundle doesn't say how an image becomes its input, or the network can't run.
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

    package func probabilities(of image: [UInt8]) throws(ModelFault) -> [Double] {
        let decoded: Image
        do {
            decoded = try Image.decode(image, name: "the request's image").image
        } catch {
            throw ModelFault(.image, "decode", "\(error)")
        }
        preprocessor.prepare(decoded)
        let pixels = preprocessor.pixels
        do {
            try executor.begin(pixels: pixels.span)
            try executor.run(segment: 0..<nodes)
            return try probabilities(at: calibrations.count - 1)
        } catch {
            throw ModelFault(.network, "run the network", "\(error)")
        }
    }

    package func probabilities(of activations: [[UInt8]], at cut: Int, exit: Int?) throws(ModelFault) -> [Double] {
        let operation = "go on from cut \(cut)"
        guard let start = starts[cut] else {
            let known = starts.keys.sorted().map { "\($0)" }.joined(separator: ", ")
            throw ModelFault(.activations, operation, "'\(name)' can't be divided there, but at \(known)")
        }
        let output = exit ?? calibrations.count - 1
        guard start.outputs.contains(output), exit.map({ $0 < calibrations.count - 1 }) ?? true else {
            throw ModelFault(.activations, operation, "exit \(output) of '\(name)' can't be reached from there: it has \(calibrations.count - 1), or they come before")
        }
        let tensors = try start.unpack(activations, operation)
        do {
            try executor.load(tensors, at: cut)
            let end = exit.map { executor.exitPositions[$0] } ?? nodes
            try executor.run(segment: cut..<end)
            if let exit { try executor.run(head: exit) }
        } catch {
            throw ModelFault(.network, operation, "\(error)")
        }
        do {
            return try probabilities(at: output)
        } catch {
            // Numbers that no board's network gives, though each is finite.
            throw ModelFault(.activations, operation, "nothing comes of these numbers: \(error)")
        }
    }

    private func probabilities(at output: Int) throws -> [Double] {
        try executor.withOutput(output) { scores in Result { try calibrations[output].probabilities(of: scores) } }.get()
    }
}
