// SPDX-License-Identifier: Apache-2.0

/// What running a network takes, in seconds: on a board that nothing slows down, and on a server likewise.
package struct CostTable: Hashable, Sendable {
    package struct Exit: Hashable, Sendable {
        /// All nodes of the backbone before it.
        package var arrival: Double
        /// Its own head; 0 for the end.
        package var head: Double

        package init(arrival: Double, head: Double) {
            (self.arrival, self.head) = (arrival, head)
        }
    }

    package struct Sent: Hashable, Sendable {
        /// All nodes before the cut, on the board.
        package var arrival: Double
        /// On the board, on a thread of its own.
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

    package init(exits: [Exit], sent: [Sent]) {
        (self.exits, self.sent) = (exits, sent)
    }
}
