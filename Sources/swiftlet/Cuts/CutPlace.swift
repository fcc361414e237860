// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Packing
internal import Tensors

/// A cut that only float32 images or vectors of one frame cross.
struct CutPlace {
    var cut: Cut
    /// The backbone's node before it; `nil`: the input crosses.
    var after: String?
    /// `[c, h, w]` of each crossing value.
    var shapes: [ActivationShape]
    /// Multiply-adds before it, without the heads of exits.
    var multiplyAccumulates: Int

    /// Numbers that cross.
    var count: Int { shapes.reduce(0) { $0 + $1.count } }

    /// Those of a graph in ``Networks/Graph/orderedByExits()``. Heads of exits are left out: behind one the same crosses as before it.
    ///
    /// - Parameter isThorough: also those at which twice as many numbers cross as at one before.
    static func all(of graph: Graph, isThorough: Bool) -> [CutPlace] {
        let heads = graph.heads
        var places: [CutPlace] = []
        var work = 0
        for cut in isThorough ? graph.shippableCuts : graph.narrowCuts where cut.position == 0 || heads[cut.position - 1] == nil {
            for index in (places.last?.cut.position ?? 0)..<cut.position where heads[index] == nil { work += graph.cost(of: graph.nodes[index]).multiplyAccumulates }
            places.append(
                CutPlace(
                    cut: cut, after: cut.position > 0 ? graph.nodes[cut.position - 1].name : nil,
                    shapes: cut.crossing.compactMap { ActivationShape(of: graph[$0].shape) }, multiplyAccumulates: work))
        }
        return places
    }
}

extension ModelFile {
    /// What can be divided, and where: exits answer nothing here, the end does.
    func divisible(isThorough: Bool) throws -> (graph: Graph, places: [CutPlace]) {
        let graph = try runnable().orderedByExits()
        let places = CutPlace.all(of: graph, isThorough: isThorough)
        guard !places.isEmpty else { throw CommandFailure(.badData, "\(path) has no cut that only float32 images or vectors cross") }
        return (graph, places)
    }
}

extension Graph {
    /// Of the backbone: all but the heads of exits.
    var backboneMultiplyAccumulates: Int { zip(nodes, heads).reduce(0) { $1.1 == nil ? $0 + cost(of: $1.0).multiplyAccumulates : $0 } }
}
