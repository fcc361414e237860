// SPDX-License-Identifier: Apache-2.0
package import Networks

/// What a graph is being prepared for.
package enum Target: Hashable, Sendable {
    /// Float32 throughout: every activation is fused.
    case float
    /// The quantised form: only activations that limit are fused; the others become tables.
    case quantized
}

extension Graph {
    /// An equal graph with less to do: constants folded, normalisation folded into weights, pads into windows, activations and sums fused.
    ///
    /// Results differ from the original's only by float32 rounding. Names of inputs and outputs stay.
    /// - Throws: what a definition throws while a constant is computed.
    package func optimized(for target: Target = .float) throws -> Graph {
        var graph = try foldingConstants(keepsQuantization: target == .quantized)
        // What was prepared for float32 before has them fused.
        if target == .quantized { graph = graph.separatingActivations { !$0.isClamp } }
        graph = graph.makingPairsUnsigned()
        var count: Int
        repeat {
            count = graph.nodes.count
            graph = graph.droppingIdentities()
            graph = graph.recognizingActivations()
            graph = graph.normalizingProducts()
            graph = graph.foldingAffines()
            graph = graph.foldingPads()
            graph = graph.fusingResiduals()
            graph = graph.fusingActivations { target == .float || $0.isClamp }
        } while graph.nodes.count < count
        graph = graph.loweringAffines()
        graph = graph.fusingActivations { target == .float || $0.isClamp }
        return graph.averagingWholeImages()
    }
}
