// SPDX-License-Identifier: Apache-2.0
internal import Networks
package import Tensors

/// A float32 network that ``Networks/Graph/optimized(for:)`` prepared for int8, with what calibration learnt of it: all that its quantised forms are made from.
struct CalibratedNetwork {
    let graph: Graph
    let statistics: [ValueID: ValueStatistics]
    /// Of the inputs of each convolution and product, by its output; empty where nothing is to be rounded to less than 8 bits.
    let covariances: [ValueID: InputCovariance]
    /// What is known of values beforehand.
    let given: [ValueID: Quantization]
    var rule = RangeRule.extremes
    var joinsConcatenations = true
    /// Weights of 8 bits, by output, so that many forms are made quickly: see ``rememberNearest()``.
    private var nearest: [ValueID: RoundedWeights] = [:]

    init(
        graph: Graph, statistics: [ValueID: ValueStatistics], covariances: [ValueID: InputCovariance], given: [ValueID: Quantization]
    ) {
        self.graph = graph
        self.statistics = statistics
        self.covariances = covariances
        self.given = given
    }

    /// The quantised form in which `precisions` has a layer's precision, by its output; the others have 8 bits.
    ///
    /// - Parameter rounded: from ``roundedWeights(widths:progress:)``, for all widths that `precisions` names. A layer that isn't there has 8 bits.
    /// - Returns: besides, the outputs of the layers that stay float32 without being asked to, because sums of theirs could leave 32 bits.
    func quantized(
        _ precisions: [ValueID: LayerPrecision] = [:], rounded: [ValueID: [BitPackedWeights.Width: RoundedWeights]] = [:]
    ) throws(CompilationError) -> (graph: Graph, wide: Set<ValueID>) {
        var weights = nearest
        var kept: Set<ValueID> = []
        for (id, precision) in precisions {
            switch precision {
            case .float32: kept.insert(id)
            case .bits(let width): weights[id] = rounded[id]?[width] ?? nearest[id]
            case .bits8: break
            }
        }
        return try graph.quantized(
            statistics: statistics, rule: rule, given: given, joinsConcatenations: joinsConcatenations, rounded: weights, kept: kept)
    }

    /// Rounds all weights to 8 bits once and for all.
    mutating func rememberNearest() {
        for node in graph.nodes {
            guard let id = node.outputs.first, let product = FoldableProduct(node, in: graph), let input = node.input(0), let weights = node.input(1)
            else { continue }
            nearest[id] = RoundedWeights.nearest(
                product, given: graph.givenScales(weights, channels: product.outputChannels), means: product.inputMeans(statistics[input]))
        }
    }

    /// The outputs of the convolutions and products that have a quantised form, in order.
    var layers: [ValueID] {
        let plan = QuantizationPlan(graph, joinsConcatenations: joinsConcatenations)
        return graph.nodes.indices.compactMap { index in
            guard plan.isQuantized[index] else { return nil }
            switch graph.nodes[index].operation {
            case .convolution, .gemm: return graph.nodes[index].outputs[0]
            default: return nil
            }
        }
    }

    /// The weights of each layer, by its output, in fewer bits. Layers with too many weights for one output are missing.
    func roundedWeights(
        widths: [BitPackedWeights.Width], progress: (Int, Int) -> Void
    ) -> [ValueID: [BitPackedWeights.Width: RoundedWeights]] {
        var result: [ValueID: [BitPackedWeights.Width: RoundedWeights]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            if let id = node.outputs.first, let covariance = covariances[id], let product = FoldableProduct(node, in: graph) {
                result[id] = RoundedWeights.all(of: product, covariance, widths: widths)
            }
            progress(index + 1, graph.nodes.count)
        }
        return result
    }
}

/// Numbers of one convolution or product.
package enum LayerPrecision: Hashable, Sendable {
    case float32
    /// Weights and activations.
    case bits8
    /// Weights of fewer bits, activations of 8.
    case bits(BitPackedWeights.Width)
}
