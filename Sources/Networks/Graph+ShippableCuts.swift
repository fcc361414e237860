// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Cut {
    /// The most values that may cross where a network is divided between board and cloud.
    package static let maximumShipped = 32
    /// The largest value that may.
    package static let maximumShippedElements = 1 << 24
}

extension Graph {
    /// The cuts at which this network in float32 can be given away: only images or vectors of one frame cross, 1 … ``Cut/maximumShipped`` of them, of whatever
    /// size: what five times as many numbers as the input has become in three bits may be fewer bytes than the frame. The end, which nothing crosses, isn't one of them.
    ///
    /// - Precondition: the graph passed ``check()``, and is in the order of ``orderedByExits()``.
    package var shippableCuts: [Cut] {
        cuts.dropLast().filter { (1...Cut.maximumShipped).contains($0.crossing.count) && $0.crossing.allSatisfy { isShippable(self[$0]) } }
    }

    /// Of these the cuts at which fewer than twice as many numbers cross as at every one before: an overview.
    ///
    /// - Precondition: as of ``shippableCuts``.
    package var narrowCuts: [Cut] {
        var fewest = Int.max
        return shippableCuts.filter { cut in
            let count = cut.crossing.reduce(0) { $0 + self[$1].shape.elementCount }
            defer { fewest = min(fewest, count) }
            return count / 2 < fewest
        }
    }

    private func isShippable(_ value: Value) -> Bool {
        value.type == .float32 && (value.shape.count < 2 || value.shape[0] == 1) && value.shape.elementCount <= Cut.maximumShippedElements
    }

    /// Whether output `exit` can be computed from what crosses `cut`: its head isn't behind, and reads nothing from before it that doesn't cross. The last output
    /// can from every cut before the end.
    ///
    /// - Precondition: as of ``shippableCuts``; the cut is one of this graph.
    package func canAnswer(at exit: Int, from cut: Cut) -> Bool {
        guard outputs.indices.contains(exit), cut.position < nodes.count else { return false }
        if exit == outputs.count - 1 { return true }
        guard cut.position <= exitPositions[exit] else { return false }
        let head = zip(nodes, heads).filter { $0.1 == exit }
        let before = Set(inputs + nodes[..<cut.position].flatMap(\.outputs))
        if head.isEmpty { return !before.contains(outputs[exit]) }
        return head.flatMap { $0.0.inputs.compactMap(\.self) }.allSatisfy { !before.contains($0) || cut.crossing.contains($0) }
    }
}
