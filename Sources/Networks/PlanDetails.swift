// SPDX-License-Identifier: Apache-2.0
package import Gating

/// How a network on a board may be divided with the full one in the cloud, and what was measured of every way to do so: what plans are made of.
package struct PlanDetails: Hashable, Sendable, Encodable {
    /// An output of the graph: an exit, or the end, which is the last.
    package struct Exit: Hashable, Sendable, Codable {
        package var name: String
        /// What its scores are calibrated by.
        package var temperature: Double
        package var combination: CombinedScore?

        package init(name: String, temperature: Double, combination: CombinedScore? = nil) {
            (self.name, self.temperature, self.combination) = (name, temperature, combination)
        }
    }

    /// A place where both graphs can be divided: the same values cross.
    package struct Cut: Hashable, Sendable, Codable {
        package struct Crossing: Hashable, Sendable, Codable {
            package var name: String
            /// `[1, c, h, w]`, or a vector.
            package var shape: [Int]

            package init(name: String, shape: [Int]) {
                (self.name, self.shape) = (name, shape)
            }
        }

        /// In the nodes of the board's ``Graph/orderedByExits()``.
        package var position: Int
        /// In those of the full network's.
        package var fullPosition: Int
        package var crossing: [Crossing]

        package init(position: Int, fullPosition: Int, crossing: [Crossing]) {
            (self.position, self.fullPosition, self.crossing) = (position, fullPosition, crossing)
        }
    }

    /// SHA-256 of the full model's weights, hexadecimal.
    package var fullModel: String
    /// What the scores of the table are.
    package var measure: Measure
    /// One for each output of the graph, in their order.
    package var exits: [Exit]
    /// Rising; without cut 0, at which the frame itself is sent.
    package var cuts: [Cut]
    /// `CalibrationTable.encoded()`, which names cuts by their ``Cut/position``; in the file a tensor of its own.
    package var table: [UInt8]

    /// The longest table that is read.
    package static let maximumTableBytes = 1 << 26

    package init(fullModel: String, measure: Measure, exits: [Exit], cuts: [Cut], table: [UInt8]) {
        (self.fullModel, self.measure, self.exits, self.cuts, self.table) = (fullModel, measure, exits, cuts, table)
    }

    /// Calibrated exits of a network that nobody has tried to divide yet: no full model, no cuts, no table.
    package init(exits: [Exit]) { self.init(fullModel: "", measure: .score, exits: exits, cuts: [], table: []) }

    /// Whether there is a table to make plans from.
    package var isTabulated: Bool { !table.isEmpty }

    private enum CodingKeys: String, CodingKey { case fullModel, measure, exits, cuts }

    /// The first thing that can't be of this graph; `nil` when there is none.
    func contradiction(with graph: Graph) -> String? {
        guard exits.count == graph.outputs.count else { return "plans: \(exits.count) exits, the network has \(graph.outputs.count) outputs" }
        for exit in exits {
            guard Temperature(exit.temperature) != nil, exit.combination?.isUsable ?? true else { return "plans: exit '\(exit.name)' isn't calibrated by numbers" }
        }
        guard table.count <= Self.maximumTableBytes else { return "plans: a table of \(table.count) bytes" }
        let known = graph.orderedByExits().cuts
        for (index, cut) in cuts.enumerated() {
            guard cut.position > (index == 0 ? 0 : cuts[index - 1].position), known.indices.contains(cut.position), cut.fullPosition > 0 else {
                return "plans: cut \(cut.position) is no place in the network"
            }
            let crossing = known[cut.position].crossing.map { Cut.Crossing(name: graph[$0].name, shape: graph[$0].shape) }
            guard crossing == cut.crossing, !crossing.isEmpty else { return "plans: what crosses cut \(cut.position) isn't what crosses the network there" }
        }
        return nil
    }
}
