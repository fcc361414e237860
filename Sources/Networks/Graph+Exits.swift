// SPDX-License-Identifier: Apache-2.0

extension Graph {
    /// The same network with its nodes in an order in which each output comes as early as it can: first what output 0 needs, then what output 1 needs
    /// besides, and so on; then what no output needs. Within each part the order stays.
    ///
    /// - Precondition: the graph passed ``check()``.
    package func orderedByExits() -> Graph {
        guard outputs.count > 1 else { return self }
        var ranks = Array(repeating: outputs.count, count: values.count)
        for (rank, output) in outputs.enumerated() { ranks[output.rawValue] = min(ranks[output.rawValue], rank) }
        for node in nodes.reversed() {
            let rank = node.rank(ranks, default: outputs.count)
            for case let id? in node.inputs { ranks[id.rawValue] = min(ranks[id.rawValue], rank) }
        }
        var ordered = self
        ordered.nodes = (0...outputs.count).flatMap { rank in nodes.filter { $0.rank(ranks, default: outputs.count) == rank } }
        return ordered
    }
}

extension Node {
    fileprivate func rank(_ ranks: [Int], default last: Int) -> Int { outputs.map { ranks[$0.rawValue] }.min() ?? last }
}
