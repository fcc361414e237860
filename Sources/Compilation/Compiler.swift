// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Inference
package import Networks
package import Tensors

/// Makes a bundle of a network: simplifies it, quantises it, measures what that costs, fits temperatures and scores, records golden outputs.
package struct Compiler {
    package var preprocessing: Preprocessing
    /// Images that are not scored later. One in eight is kept out of the statistics and judges them.
    package var samples: [CalibrationSample]
    /// The rule for ranges; `nil` picks the one with the least error.
    package var rule: RangeRule?
    package var threads = 1
    /// Whether the end's temperature and scores are fitted to the samples, too, where they have labels; else they stay as they are.
    package var calibratesEnd = true
    /// Of all weights in int8: less than 8 bits takes more time to compile.
    package var weights = LayerPrecision.bits8
    /// Is told what is being done, and how much of how much is done.
    package var progress: (String, Int, Int) -> Void = { _, _, _ in }

    package init(preprocessing: Preprocessing, samples: [CalibrationSample]) {
        self.preprocessing = preprocessing
        self.samples = samples
    }

    /// What was measured while a network was compiled.
    package struct Report: Sendable, Codable {
        /// Squared error of the logits over their variance, by rule, on images that the statistics don't know; empty for fp32.
        package var errorByRule: [String: Double] = [:]
        package var rule: String?
        /// Of the quantised network, as in ``errorByRule``.
        package var error: Double?
        /// Share of those images on which the quantised network and the float32 one have the same top-1.
        package var agreement: Double?
        package var quantizedNodes = 0
        package var nodes = 0
        /// Convolutions and products that stay float32 because their sums could leave 32 bits.
        package var wideLayers: [String] = []
        package var temperature = 1.0
        /// Classes that the score tells apart; 0 where the labelled images say too little.
        package var classOffsets = 0
        /// In the order of the outputs, without the end.
        package var exits: [Exit] = []

        /// One exit, measured as the end is.
        package struct Exit: Sendable, Codable {
            package var name: String
            /// `nil` for fp32.
            package var error: Double?
            package var agreement: Double?
            package var temperature = 1.0
        }
    }

    /// - Parameters:
    ///   - graph: as it was imported, or the float32 graph of a bundle: one input `[1, c, h, w]` of the preprocessing's size; the last output is the end,
    ///     those before it are exits, which say the same about the same classes.
    ///   - details: `precision` says what to make; calibrations and preprocessing are filled in, and a network that ends in a softmax gives
    ///     probabilities, whatever `outputKind` says.
    /// - Throws: ``CompilationError`` where the network doesn't take the images, an exit has other classes than the end, or numbers or results aren't finite.
    package func compile(_ graph: Graph, details: BundleDetails) throws -> (bundle: Bundle, report: Report) {
        try checkInput(of: graph)
        var report = Report()
        let compiled: Graph
        switch details.precision {
        case .fp32: compiled = try graph.optimized(for: .float)
        case .int8: compiled = try quantize(graph, report: &report)
        }
        return (try finished(compiled, details: details, report: &report), report)
    }

    /// The bundle of a graph that is ready to run.
    func finished(_ compiled: Graph, details: BundleDetails, report: inout Report) throws -> Bundle {
        report.nodes = compiled.nodes.count
        report.quantizedNodes = compiled.nodes.count { node in node.inputs.first.flatMap(\.self).map { compiled[$0].type == .uint8 } ?? false }
        try compiled.checkNumbers()
        var details = details
        details.preprocessing = preprocessing
        if compiled.endsInSoftmax { details.outputKind = .probabilities }
        if calibratesEnd { try calibrate(&details, by: compiled) }
        try calibrateExits(&details, &report, by: compiled)
        report.temperature = details.temperature
        report.classOffsets = details.combination?.offsets.count ?? 0
        return Bundle(graph: compiled, details: details, golden: try golden(of: compiled))
    }

    func checkInput(of graph: Graph) throws(CompilationError) {
        try graph.checkNumbers()
        let wanted = [1, preprocessing.channels, preprocessing.height, preprocessing.width]
        guard graph.inputs.count == 1, graph[graph.inputs[0]].type == .float32, graph[graph.inputs[0]].shape == wanted else {
            let found = graph.inputs.map { "\(graph[$0].type.rawValue) \(graph[$0].shape)" }.joined(separator: ", ")
            throw CompilationError("network '\(graph.name)'", "expected one float32 input \(wanted), found \(found)")
        }
        guard !graph.outputs.isEmpty else { throw CompilationError("network '\(graph.name)'", "it has no output") }
        let end = graph[graph.end]
        for id in graph.outputs.dropLast() {
            let exit = graph[id]
            guard exit.type.isFloatingPoint, exit.shape.elementCount == end.shape.elementCount else {
                throw CompilationError(
                    "network '\(graph.name)'",
                    "its output '\(exit.name)' is \(exit.type.rawValue) \(exit.shape), the last one, '\(end.name)', \(end.type.rawValue) \(end.shape): an exit has a score for each class of the end"
                )
            }
            guard graph.isSoftmax(id) == graph.endsInSoftmax else {
                throw CompilationError(
                    "network '\(graph.name)'",
                    "of its outputs '\(exit.name)' and '\(end.name)' one is the result of a softmax, the other isn't: all must give probabilities, or none")
            }
        }
    }

    private func quantize(_ graph: Graph, report: inout Report) throws -> Graph {
        guard !samples.isEmpty else { throw CompilationError("network '\(graph.name)' to int8", "there are no calibration images") }
        let prepared = try graph.takingQuantizationIntoValues().optimized(for: .quantized)
        let references = try allOutputs(of: prepared.saturating(), judges, "reference")
        let reference = references[references.count - 1]
        let network = try calibrated(prepared, reference: reference, report: &report)
        guard case .bits(let width) = weights else {
            let (quantized, wide) = try network.quantized()
            report.wideLayers = prepared.names(ofLayers: wide)
            if references.count > 1 { report.exits = Self.exits(of: quantized, try allOutputs(of: quantized, judges, "exits"), references) }
            return quantized
        }
        let rounded = network.roundedWeights(widths: [width]) { progress("rounding", $0, $1) }
        let (narrowed, wide) = try network.quantized(Dictionary(uniqueKeysWithValues: network.layers.map { ($0, weights) }), rounded: rounded)
        let results = try allOutputs(of: narrowed, judges, "\(width.rawValue) bits")
        report.error = Self.relativeError(results[results.count - 1], reference)
        report.agreement = Self.agreement(results[results.count - 1], reference)
        report.exits = Self.exits(of: narrowed, results, references)
        report.wideLayers = prepared.names(ofLayers: wide)
        return narrowed
    }

    private static func exits(of graph: Graph, _ results: [[[Float]]], _ references: [[[Float]]]) -> [Report.Exit] {
        graph.outputs.indices.dropLast().map { index in
            Report.Exit(
                name: graph[graph.outputs[index]].name, error: relativeError(results[index], references[index]),
                agreement: agreement(results[index], references[index]))
        }
    }

    /// Images that the statistics don't know.
    var judges: [CalibrationSample] {
        samples.count < 8 ? samples : samples.enumerated().filter { $0.offset % 8 == 7 }.prefix(Self.mostJudges).map(\.element)
    }

    /// The network with statistics, and the rule for ranges that judges find best.
    func calibrated(_ prepared: Graph, reference: [[Float]], report: inout Report) throws -> CalibratedNetwork {
        let seen = samples.count < 8 ? samples : samples.enumerated().filter { $0.offset % 8 != 7 }.map(\.element)
        var network = try observed(prepared, seen)
        var best: (error: Double, network: CalibratedNetwork)?
        let rules = rule.map { [$0] } ?? RangeRule.all
        func judge(_ rule: RangeRule, joinsConcatenations: Bool, largestError: Double) throws {
            network.rule = rule
            network.joinsConcatenations = joinsConcatenations
            let results = try outputs(of: network.quantized().graph, judges, "\(rule)")
            let error = Self.relativeError(results, reference)
            if joinsConcatenations { report.errorByRule["\(rule)"] = error }
            guard error < largestError else { return }
            best = (error, network)
            report.rule = "\(rule)"
            report.errorByRule["\(rule)"] = error
            report.error = error
            report.agreement = Self.agreement(results, reference)
        }
        for rule in rules { try judge(rule, joinsConcatenations: true, largestError: best?.error ?? .infinity) }
        // Conversions on the way into concatenations cost time: they must be worth it.
        if let joined = best, prepared.hasConcatenations {
            try judge(joined.network.rule, joinsConcatenations: false, largestError: joined.error * Self.worthwhileError)
        }
        guard let best else { throw CompilationError("network '\(prepared.name)' to int8", "no quantisation gives finite results") }
        return best.network
    }

    private static let mostJudges = 128
    /// Quantisations of their own for what is concatenated are taken where they leave less than this share of the error.
    private static let worthwhileError = 0.8

    private func observed(_ graph: Graph, _ samples: [CalibrationSample]) throws -> CalibratedNetwork {
        let saturating = graph.saturating()
        let executor = try Executor(saturating, options: ExecutorOptions(threads: threads))
        var statistics: [ValueID: ValueStatistics] = [:]
        var covariances: [ValueID: InputCovariance] = [:]
        /// Outputs of convolutions and products by what they read.
        var readers: [ValueID: [ValueID]] = [:]
        if weights != .bits8 {
            for node in graph.nodes {
                guard let input = node.input(0), let covariance = InputCovariance(node, in: graph, images: samples.count) else { continue }
                readers[input, default: []].append(node.outputs[0])
                covariances[node.outputs[0]] = covariance
            }
        }
        for (index, sample) in samples.enumerated() {
            try executor.run([preprocessing.tensor(pixels: sample.pixels)]) { id, numbers in
                statistics[id, default: ValueStatistics()].observe(numbers, shape: saturating[id].shape)
                for reader in readers[id] ?? [] { covariances[reader]?.observe(numbers, shape: saturating[id].shape) }
            }
            progress("calibrating", index + 1, samples.count)
        }
        return CalibratedNetwork(
            graph: graph, statistics: statistics, covariances: covariances, given: [graph.inputs[0]: preprocessing.quantization])
    }

    /// What a network says of each sample at its end.
    func outputs(of graph: Graph, _ samples: [CalibrationSample], _ name: String?) throws -> [[Float]] {
        var graph = graph
        graph.outputs = graph.outputs.suffix(1)
        return try allOutputs(of: graph.withoutDeadCode(), samples, name)[0]
    }

    /// By output what a network says of each sample.
    func allOutputs(of graph: Graph, _ samples: [CalibrationSample], _ name: String?) throws -> [[[Float]]] {
        let executor = try Executor(graph, preprocessing: preprocessing, options: ExecutorOptions(threads: threads))
        var results: [[[Float]]] = graph.outputs.map { _ in [] }
        for (index, sample) in samples.enumerated() {
            try executor.run(pixels: sample.pixels.span)
            for output in results.indices { results[output].append(executor.withOutput(output) { span in span.indices.map { span[$0] } }) }
            if let name { progress(name, index + 1, samples.count) }
        }
        return results
    }

    /// `Σ (result − reference)² / Σ (reference − mean of its image)²`
    static func relativeError(_ results: [[Float]], _ references: [[Float]]) -> Double {
        var (error, spread) = (0.0, 0.0)
        for (result, reference) in zip(results, references) {
            let mean = Double(reference.reduce(0, +)) / Double(max(reference.count, 1))
            for (a, b) in zip(result, reference) {
                error += (Double(a) - Double(b)) * (Double(a) - Double(b))
                spread += (Double(b) - mean) * (Double(b) - mean)
            }
        }
        return spread > 0 ? error / spread : error
    }

    /// The share of images with the same top-1.
    static func agreement(_ results: [[Float]], _ references: [[Float]]) -> Double {
        Double(zip(results, references).count { $0.largestIndex == $1.largestIndex }) / Double(max(results.count, 1))
    }

    private func golden(of graph: Graph) throws -> Bundle.Golden {
        let pixels = samples.first?.pixels ?? (0..<preprocessing.width * preprocessing.height * preprocessing.channels).map { UInt8($0 * 7 % 256) }
        let outputs = try Executor(graph).run([preprocessing.tensor(pixels: pixels)])
        for (id, output) in zip(graph.outputs, outputs) where output.type.isFloatingPoint {
            guard output.floats.allSatisfy(\.isFinite) else {
                throw CompilationError("network '\(graph.name)'", "its output '\(graph[id].name)' is not a finite number for the first image: it overflows")
            }
        }
        let largest = outputs.flatMap(\.floats).map(\.magnitude).max() ?? 0
        return Bundle.Golden(inputs: .pixels(Tensor(shape: preprocessing.imageShape, pixels)), outputs: outputs, tolerance: graph.goldenTolerance * largest)
    }
}

extension [Float] {
    /// Position of the first greatest number; numbers before NaN.
    var largestIndex: Int { indices.reduce(0) { self[$1] > self[$0] ? $1 : $0 } }
}

extension Graph {
    /// Of the nodes with these outputs, in order.
    func names(ofLayers outputs: Set<ValueID>) -> [String] {
        nodes.filter { $0.outputs.contains(where: outputs.contains) }.map(\.name)
    }

    fileprivate var hasConcatenations: Bool {
        nodes.contains { if case .concatenation = $0.operation { true } else { false } }
    }

    /// Of the largest output: 0 where only exact operations take part, little where float32 is rounded at the end, more where such results are quantised
    /// again and may fall on the other side of a step.
    fileprivate var goldenTolerance: Float {
        var rounded: Set<ValueID> = []
        var result: Float = 0
        for node in nodes {
            let reads = node.inputs.contains { $0.map(rounded.contains) ?? false }
            if case .quantize = node.operation {
                if reads { result = 0.05 }
                continue
            }
            guard node.outputs.contains(where: { self[$0].type.isFloatingPoint }) else { continue }
            if reads || node.isRounded(in: self) {
                rounded.formUnion(node.outputs)
                result = max(result, 1e-4)
            }
        }
        return result
    }
}

extension Node {
    /// Whether float32 results may differ between implementations.
    fileprivate func isRounded(in graph: Graph) -> Bool {
        switch operation {
        case .dequantize, .reshape, .transpose, .slice, .split, .gather, .concatenation, .pad: false
        case .convolution, .gemm: input(0).map { graph[$0].type == .float32 } ?? true
        default: true
        }
    }
}
