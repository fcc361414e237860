// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// A cut that two forms of one network have in common, such as its int8 form and its float32 one: what crosses in the one can be handed on to the other.
package struct SharedCut: Hashable, Sendable {
    /// Nodes before it in the one form, and in the other.
    package var position: Int
    package var otherPosition: Int

    package init(position: Int, otherPosition: Int) {
        (self.position, self.otherPosition) = (position, otherPosition)
    }
}

extension Graph {
    /// The cuts at which values of the same names and shapes cross in both graphs, in the same order; element types may differ. Of several positions with the same
    /// crossing the least stands for all, on either side; where nothing crosses, nothing is shared.
    ///
    /// Names survive compilation: an optimised or quantised graph calls a value as its ONNX file does, so that equal names mean equal values where both forms come
    /// from one file. That two networks aren't one isn't seen here: their names may be alike.
    ///
    /// - Precondition: both graphs passed ``check()``. Positions count the nodes in their order; those of an executor, in ``orderedByExits()``.
    package func cutsShared(with other: Graph) -> [SharedCut] {
        var theirs: [[CrossingValue]: Int] = [:]
        for cut in other.cuts.reversed() {
            if let crossing = other.unambiguous(cut.crossing) { theirs[crossing] = cut.position }
        }
        var known: Set<[CrossingValue]> = [[]]
        return cuts.compactMap { cut in
            guard let crossing = unambiguous(cut.crossing), known.insert(crossing).inserted, let position = theirs[crossing] else { return nil }
            return SharedCut(position: cut.position, otherPosition: position)
        }
    }

    /// `nil` where another value has the name of one of these.
    private func unambiguous(_ crossing: [ValueID]) -> [CrossingValue]? {
        let names = Set(crossing.map { self[$0].name })
        guard values.count(where: { $0.constant == nil && names.contains($0.name) }) == crossing.count else { return nil }
        return crossing.map { CrossingValue(name: self[$0].name, shape: self[$0].shape) }
    }
}

private struct CrossingValue: Hashable {
    var name: String
    var shape: [Int]
}
