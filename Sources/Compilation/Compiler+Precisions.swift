// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

/// A bundle with precisions of its own for each layer.
package struct PrecisionCandidate: Sendable {
    package var name: String
    package var bundle: Bundle
    package var report: Compiler.Report
    /// Convolutions and products in order, with what their numbers have: 32 (float32), 8, 4, 3 or 2 bits.
    package var bits: [LayerBits]

    package struct LayerBits: Hashable, Sendable, Codable {
        package var layer: String
        package var weights: Int
        package var bits: Int
    }

    /// Of a weight in the mean.
    package var meanBits: Double {
        let weights = bits.reduce(0) { $0 + $1.weights }
        return Double(bits.reduce(0) { $0 + $1.weights * $1.bits }) / Double(max(weights, 1))
    }
}

extension Compiler {
    /// Bundles of a network from float32 to 2 bits: float32, int8, int8 with its worst layers in float32, 4, 3 and 2 bits throughout, and mixtures.
    ///
    /// - Parameters:
    ///   - graph: as for ``compile(_:details:)``.
    ///   - mixtures: how many at most.
    /// - Throws: as ``compile(_:details:)``.
    package func candidates(for graph: Graph, details: BundleDetails, mixtures: Int) throws -> [PrecisionCandidate] {
        try checkInput(of: graph)
        var compiler = self
        compiler.weights = .bits(.four)
        guard !samples.isEmpty else { throw CompilationError("network '\(graph.name)' to int8", "there are no calibration images") }
        let prepared = try graph.takingQuantizationIntoValues().optimized(for: .quantized)
        let reference = try outputs(of: prepared.saturating(), judges, "reference")
        var report = Report()
        var network = try compiler.calibrated(prepared, reference: reference, report: &report)
        network.rememberNearest()
        let widths = BitPackedWeights.Width.allCases
        let rounded = network.roundedWeights(widths: widths) { progress("rounding", $0, $1) }
        let search = try search(network, rounded: rounded, reference: reference)

        var choices: [(name: String, precisions: [ValueID: LayerPrecision])] = [("int8", [:])]
        if let repaired = search.repaired { choices.append(("int8 and float32", repaired)) }
        for (index, mixture) in search.choices(mixtures).enumerated() { choices.append(("mixed \(index + 1)", mixture)) }
        for width in widths.reversed() {
            let uniform = Dictionary(uniqueKeysWithValues: search.layers.filter { $0.harm[.bits(width)] != nil }.map { ($0.id, LayerPrecision.bits(width)) })
            if !choices.contains(where: { $0.precisions == uniform }) { choices.append(("\(width.rawValue) bits", uniform)) }
        }
        var whole = details
        whole.precision = .fp32
        let (bundle, floatReport) = try compile(graph, details: whole)
        let layers = search.layers.map(\.id)
        var result = [
            PrecisionCandidate(name: "float32", bundle: bundle, report: floatReport, bits: bits(layers.map { ($0, .float32) }, in: prepared))
        ]
        var quantizedDetails = details
        quantizedDetails.precision = .int8
        for (name, precisions) in choices {
            let (quantized, wide) = try network.quantized(precisions, rounded: rounded)
            let results = try outputs(of: quantized, judges, name)
            report.error = Self.relativeError(results, reference)
            report.agreement = Self.agreement(results, reference)
            var own = report
            own.wideLayers = prepared.names(ofLayers: wide)
            let bundle = try finished(quantized, details: quantizedDetails, report: &own)
            result.append(PrecisionCandidate(name: name, bundle: bundle, report: own, bits: bits(layers.map { ($0, wide.contains($0) ? .float32 : precisions[$0] ?? .bits8) }, in: prepared)))
        }
        return result
    }

    private static let mostSearchJudges = 48

    private func search(
        _ network: CalibratedNetwork, rounded: [ValueID: [BitPackedWeights.Width: RoundedWeights]], reference: [[Float]]
    ) throws -> PrecisionSearch {
        let judges = Array(judges.prefix(Self.mostSearchJudges))
        let reference = Array(reference.prefix(judges.count))
        let layers = network.layers
        let base = try Self.relativeError(outputs(of: network.quantized().graph, judges, "sensitivity"), reference)
        var search = PrecisionSearch(layers: [])
        for (index, id) in layers.enumerated() {
            let weights = network.weightCount(of: id)
            var layer = PrecisionSearch.Layer(id: id, weights: weights, harm: [:])
            for precision in [LayerPrecision.float32] + (rounded[id] ?? [:]).keys.map({ .bits($0) }) {
                let error = try Self.relativeError(outputs(of: network.quantized([id: precision], rounded: rounded).graph, judges, nil), reference)
                layer.harm[precision] = error.isFinite ? error - base : .infinity
            }
            search.layers.append(layer)
            progress("sensitivity", index + 1, layers.count)
        }
        return search
    }

    private func bits(_ precisions: [(id: ValueID, precision: LayerPrecision)], in graph: Graph) -> [PrecisionCandidate.LayerBits] {
        let nodes = Dictionary(graph.nodes.compactMap { node in node.outputs.first.map { ($0, node) } }, uniquingKeysWith: { first, _ in first })
        return precisions.compactMap { id, precision in
            guard let node = nodes[id], let weights = node.input(1) else { return nil }
            let bits = switch precision {
            case .float32: 32
            case .bits8: 8
            case .bits(let width): width.rawValue
            }
            return PrecisionCandidate.LayerBits(layer: node.name, weights: graph[weights].shape.elementCount, bits: bits)
        }
    }
}

extension CalibratedNetwork {
    /// How many weights the layer with this output has.
    fileprivate func weightCount(of id: ValueID) -> Int {
        graph.nodes.first { $0.outputs.first == id }?.input(1).map { graph[$0].shape.elementCount } ?? 0
    }
}
