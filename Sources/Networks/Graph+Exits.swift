// SPDX-License-Identifier: Apache-2.0

/// A network with several outputs answers early: the last output is its end, those before are exits. Nodes that one exit alone needs are its head; all others,
/// whatever the exits take from them, are the backbone.
extension Graph {
    /// The same network with its nodes in an order in which each output comes as early as it can: what output 0 shares with others, then its head; what output 1
    /// needs besides, then its head; and so on; then what no output needs. Within each part the order stays.
    ///
    /// - Precondition: the graph passed ``check()``.
    package func orderedByExits() -> Graph {
        guard outputs.count > 1 else { return self }
        let ranks = ranks
        let last = outputs.count
        var ordered = self
        ordered.nodes = (0...last).flatMap { rank in
            let part = nodes.indices.filter { (ranks[$0]?.lowerBound ?? last) == rank }
            return (part.filter { head(ranks[$0]) == nil } + part.filter { head(ranks[$0]) != nil }).map { nodes[$0] }
        }
        return ordered
    }

    /// For each node the output, before the last, whose head it is in; `nil` for the backbone.
    package var heads: [Int?] { ranks.map(head) }

    /// For each output how many nodes come before its head, in ``orderedByExits()``; of the last all do.
    package var exitPositions: [Int] {
        let heads = heads
        return outputs.enumerated().map { exit, output in
            if exit == outputs.count - 1 { return nodes.count }
            if let first = heads.firstIndex(of: exit) { return first }
            return nodes.firstIndex { $0.outputs.contains(output) }.map { $0 + 1 } ?? 0
        }
    }

    private func head(_ rank: ClosedRange<Int>?) -> Int? {
        guard let rank, rank.count == 1, rank.lowerBound < outputs.count - 1 else { return nil }
        return rank.lowerBound
    }

    /// For each node the first and the last output that need it; `nil` where none does.
    private var ranks: [ClosedRange<Int>?] {
        var ofValues: [ClosedRange<Int>?] = Array(repeating: nil, count: values.count)
        for (rank, output) in outputs.enumerated() { ofValues[output.rawValue] = Self.joined(ofValues[output.rawValue], rank...rank) }
        var ofNodes: [ClosedRange<Int>?] = []
        for node in nodes.reversed() {
            let rank = node.outputs.reduce(nil) { Self.joined($0, ofValues[$1.rawValue]) }
            for case let id? in node.inputs { ofValues[id.rawValue] = Self.joined(ofValues[id.rawValue], rank) }
            ofNodes.append(rank)
        }
        return ofNodes.reversed()
    }

    private static func joined(_ first: ClosedRange<Int>?, _ second: ClosedRange<Int>?) -> ClosedRange<Int>? {
        guard let first, let second else { return first ?? second }
        return min(first.lowerBound, second.lowerBound)...max(first.upperBound, second.upperBound)
    }
}
