// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What the parts of the board's work on a frame take, in seconds, where nothing slows it down: what a ``Planning/CostTable`` is made of.
package struct BoardTimes: Hashable, Sendable {
    /// When the backbone, without any head, has come to a place where it can be stopped.
    package struct Arrival: Hashable, Sendable {
        /// In the nodes.
        package var position: Int
        /// From the pixels on.
        package var seconds: Double

        package init(position: Int, seconds: Double) {
            (self.position, self.seconds) = (position, seconds)
        }
    }

    /// From taking up a frame to having its pixels.
    package var preparing: Double
    /// From position 0 on, rising.
    package var arrivals: [Arrival]
    /// For each exit its own head; of the last 0.
    package var heads: [Double]
    /// For each upload of the table what packing takes.
    package var packing: [Double]
    /// As in ``Planning/CostTable/packsFirst``.
    package var packsFirst: Bool

    package init(preparing: Double = 0, arrivals: [Arrival], heads: [Double], packing: [Double], packsFirst: Bool = false) {
        (self.preparing, self.arrivals, self.heads, self.packing, self.packsFirst) = (preparing, arrivals, heads, packing, packsFirst)
    }

    /// With what preparing and packing take now, on a board that is `slowdown` times slower than where nothing slows it down.
    ///
    /// - Parameters:
    ///   - preparing: seconds.
    ///   - packing: as a factor on ``packing``: of frames, and of tensors.
    package func seen(preparing: Double, packing: (frames: Double, tensors: Double), slowdown: Double, of table: CalibrationTable) -> BoardTimes {
        var seen = self
        seen.preparing = preparing / slowdown
        for (index, sent) in table.sent.enumerated() { seen.packing[index] *= (sent.upload.cut > 0 ? packing.tensors : packing.frames) / slowdown }
        return seen
    }

    /// When the backbone has come to `position`; between two places that were measured, the later one's.
    package func arrival(_ position: Int) -> Double { (arrivals.first { $0.position >= position } ?? arrivals.last)?.seconds ?? 0 }

    /// What a step of a course takes.
    package func seconds(_ step: Course.Step) -> Double {
        switch step {
        case .run(let range): arrival(range.upperBound) - arrival(range.lowerBound)
        case .look(let exit, _): heads[exit]
        case .send: 0
        }
    }

    /// - Parameter server: for each upload what its part of the network takes on a server.
    package func costs(of table: CalibrationTable, server: [Double]) -> CostTable {
        CostTable(
            exits: zip(table.exits, heads).map { CostTable.Exit(arrival: preparing + arrival($0.position), head: $1) },
            sent: table.sent.indices.map { index in
                CostTable.Sent(arrival: preparing + arrival(table.sent[index].upload.cut), packing: packing[index], server: server[index])
            }, packsFirst: packsFirst)
    }
}
