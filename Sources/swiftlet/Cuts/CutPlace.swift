// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Packing
internal import Tensors

/// A cut that only float32 images or vectors of one frame cross.
struct CutPlace {
    var cut: Cut
    /// The node before it; `nil`: the input crosses.
    var after: String?
    /// `[c, h, w]` of each crossing value.
    var shapes: [ActivationShape]
    /// Multiply-adds before it.
    var multiplyAccumulates: Int

    /// Numbers that cross.
    var count: Int { shapes.reduce(0) { $0 + $1.count } }

    /// Those of a graph in its order.
    ///
    /// - Parameter isThorough: also those at which twice as many numbers cross as at one before.
    static func all(of graph: Graph, isThorough: Bool) -> [CutPlace] {
        var places: [CutPlace] = []
        var work = 0
        for cut in isThorough ? graph.shippableCuts : graph.narrowCuts {
            for node in graph.nodes[(places.last?.cut.position ?? 0)..<cut.position] { work += graph.cost(of: node).multiplyAccumulates }
            places.append(
                CutPlace(
                    cut: cut, after: cut.position > 0 ? graph.nodes[cut.position - 1].name : nil,
                    shapes: cut.crossing.compactMap { ActivationShape(of: graph[$0].shape) }, multiplyAccumulates: work))
        }
        return places
    }
}

extension ModelFile {
    /// What can be divided, and where.
    func divisible(isThorough: Bool) throws -> (graph: Graph, places: [CutPlace]) {
        let graph = try runnable().orderedByExits()
        guard graph.outputs.count == 1 else { throw CommandFailure(.badData, "\(path) has \(graph.outputs.count) outputs, expected one with a score a class") }
        let places = CutPlace.all(of: graph, isThorough: isThorough)
        guard !places.isEmpty else { throw CommandFailure(.badData, "\(path) has no cut that only float32 images or vectors cross") }
        return (graph, places)
    }
}
