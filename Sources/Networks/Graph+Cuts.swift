// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// A place where a network can be divided: the nodes before it run here, the others elsewhere.
package struct Cut: Hashable, Sendable, Codable {
    /// Number of nodes before the cut, in the graph's order.
    package var position: Int
    /// What the backbone's nodes behind the cut need of what exists before it, constants aside; in the order in which it came to exist.
    package var crossing: [ValueID]
    /// Of the crossing values as they are, unpacked.
    package var bytes: Int
}

extension Graph {
    /// Every cut, from 0 (all nodes elsewhere: the inputs cross) to the number of nodes (all here: nothing crosses).
    ///
    /// - Precondition: the graph passed ``check()``.
    package var cuts: [Cut] {
        var lastUse: [ValueID: Int] = [:]
        for (index, (node, head)) in zip(nodes, heads).enumerated() where head == nil {
            for case let id? in node.inputs where self[id].constant == nil { lastUse[id] = index }
        }
        var live = inputs
        return (0...nodes.count).map { position in
            if position > 0 { live += nodes[position - 1].outputs }
            live.removeAll { lastUse[$0, default: -1] < position }
            return Cut(position: position, crossing: live, bytes: live.reduce(0) { $0 + self[$1].byteCount })
        }
    }
}
