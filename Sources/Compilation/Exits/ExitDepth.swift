// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

/// A place of a network where an exit may branch off: a single image of float32 crosses there.
package struct ExitDepth: Hashable, Sendable {
    /// Nodes before it.
    package var position: Int
    package var value: ValueID
    /// `[channels, height, width]` of the value.
    package var channels: Int
    package var height: Int
    package var width: Int
    /// Of the nodes before it.
    package var multiplyAccumulates: Int
}

extension Graph {
    /// Depths at equal shares of the network's multiply-adds, as near as there are such places: `count` of them, `1 / (count + 1)` apart, fewer where two fall together.
    ///
    /// Sources: S. Laskaridis et al., "SPINN", MobiCom 2020, section 4.1, for the measure; that six are too many for a large problem, "HAPI", ICCAD 2020.
    ///
    /// - Precondition: the graph passed ``check()``.
    package func exitDepths(_ count: Int) -> [ExitDepth] {
        let all = exitDepths
        let total = Double(cost.multiplyAccumulates)
        var chosen: [ExitDepth] = []
        for index in 1...max(count, 1) {
            let mark = total * Double(index) / Double(count + 1)
            let nearest = all.min { abs(Double($0.multiplyAccumulates) - mark) < abs(Double($1.multiplyAccumulates) - mark) }
            if let nearest, !chosen.contains(nearest) { chosen.append(nearest) }
        }
        return chosen
    }

    /// Every such place, of several with the same work before them and behind them the one that has the fewest numbers.
    package var exitDepths: [ExitDepth] {
        var result: [ExitDepth] = []
        var work = 0
        for cut in cuts.dropFirst().dropLast() {
            work += cost(of: nodes[cut.position - 1]).multiplyAccumulates
            guard cut.crossing.count == 1, work > 0, work < cost.multiplyAccumulates else { continue }
            let value = self[cut.crossing[0]]
            guard value.type == .float32, value.shape.count == 4, value.shape[0] == 1, value.shape[2] * value.shape[3] > 1 else { continue }
            let depth = ExitDepth(
                position: cut.position, value: cut.crossing[0], channels: value.shape[1], height: value.shape[2], width: value.shape[3],
                multiplyAccumulates: work)
            if let last = result.last, last.multiplyAccumulates == work {
                if depth.count <= last.count { result[result.count - 1] = depth }
            } else {
                result.append(depth)
            }
        }
        return result
    }
}

extension ExitDepth {
    package var count: Int { channels * height * width }
}
