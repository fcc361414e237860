// SPDX-License-Identifier: Apache-2.0

/// What running a network takes, in seconds: on a board that nothing slows down, and on a server likewise.
package struct CostTable: Hashable, Sendable, Codable {
    package struct Exit: Hashable, Sendable, Codable {
        /// All nodes of the backbone before it.
        package var arrival: Double
        /// Its own head; 0 for the end.
        package var head: Double

        package init(arrival: Double, head: Double) {
            (self.arrival, self.head) = (arrival, head)
        }
    }

    package struct Sent: Hashable, Sendable, Codable {
        /// All nodes before the cut, on the board.
        package var arrival: Double
        /// On the board, on a thread of its own; ``CostTable/packsFirst`` says whether it has a processor of its own, too.
        package var packing: Double
        /// Unpacking, and all nodes behind the cut.
        package var server: Double

        package init(arrival: Double, packing: Double, server: Double) {
            (self.arrival, self.packing, self.server) = (arrival, packing, server)
        }
    }

    /// For each of ``CalibrationTable/exits``.
    package var exits: [Exit]
    /// For each of ``CalibrationTable/sent``.
    package var sent: [Sent]

    /// Whether the board computes nothing while it packs, since no processor would be left for that: an insurance begins when what is sent is packed.
    package var packsFirst: Bool

    package init(exits: [Exit], sent: [Sent], packsFirst: Bool = false) {
        (self.exits, self.sent, self.packsFirst) = (exits, sent, packsFirst)
    }

    /// Throws unless this is about the same exits and uploads, all times are 0 … 1,000,000 s, and there is a sample: what a ``PlanSpace`` is made of.
    package func check(for table: CalibrationTable) throws(CalibrationTableError) {
        guard exits.count == table.exits.count, sent.count == table.sent.count else {
            throw CalibrationTableError(reason: "\(table.exits.count) exits and \(table.sent.count) uploads, with costs of \(exits.count) and \(sent.count)")
        }
        let times = exits.flatMap { [$0.arrival, $0.head] } + sent.flatMap { [$0.arrival, $0.packing, $0.server] }
        guard times.allSatisfy({ (0...1e6).contains($0) }) else { throw CalibrationTableError(reason: "costs that are no times") }
        guard table.samples > 0 else { throw CalibrationTableError(reason: "no samples") }
    }
}
