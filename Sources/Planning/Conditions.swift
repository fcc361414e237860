// SPDX-License-Identifier: Apache-2.0

/// What the board, the link and the server are like at the moment, as far as one knows.
package struct Conditions: Hashable, Sendable {
    package struct Board: Hashable, Sendable {
        /// Factors on the times of the ``CostTable``: the usual one, and the 95th percentile.
        package var slowdown: Double
        package var highSlowdown: Double
        /// Watts that computing draws, beside what the board draws anyway.
        package var power: Double

        package init(slowdown: Double = 1, highSlowdown: Double = 1, power: Double) {
            (self.slowdown, self.highSlowdown, self.power) = (slowdown, highSlowdown, power)
        }
    }

    package struct Link: Hashable, Sendable {
        /// With the uplink and the round trip of the moment.
        package var radio: Radio
        /// What a transfer takes, as a factor on what ``Radio/requestTime(bytes:serverTime:)`` says without a server.
        package var spread: Octiles

        package init(radio: Radio, spread: Octiles = Octiles(1)) {
            (self.radio, self.spread) = (radio, spread)
        }

        /// Seconds from the start of sending to the answer of a server that takes no time.
        func time(bytes: Double) -> Double { radio.requestTime(bytes: bytes, serverTime: 0) }
    }

    package struct Server: Hashable, Sendable {
        /// Factor on the times of the ``CostTable``.
        package var slowdown: Double
        /// Seconds that a request waits. Long waits and slow transfers are taken to come together.
        package var queue: Octiles

        package init(slowdown: Double = 1, queue: Octiles = Octiles(0)) {
            (self.slowdown, self.queue) = (slowdown, queue)
        }
    }

    package var board: Board
    /// `nil`: nothing arrives.
    package var link: Link?
    package var server: Server
    /// Seconds from frame to frame.
    package var framePeriod: Double
    /// Whether frames wait until there is a place in flight, as those of files do; else the board goes on with them.
    package var framesWait: Bool

    package init(board: Board, link: Link?, server: Server = Server(), framePeriod: Double, framesWait: Bool = false) {
        (self.board, self.link, self.server, self.framePeriod, self.framesWait) = (board, link, server, framePeriod, framesWait)
    }

    /// Whether any estimate is more than a share `step` greater or smaller than it was; times under a millisecond count as one.
    package func differs(from other: Conditions, by step: Double) -> Bool {
        func moved(_ a: Double, _ b: Double) -> Bool { Self.moved(a, b, by: step) }
        func movedTime(_ a: Double, _ b: Double) -> Bool { Self.movedTime(a, b, by: step) }
        if (link == nil) != (other.link == nil) { return true }
        if let link, let old = other.link {
            if link.radio.name != old.radio.name || moved(link.radio.uplink, old.radio.uplink) || movedTime(link.radio.roundTrip, old.radio.roundTrip)
                || moved(link.spread.mean, old.spread.mean) || moved(link.spread.highest, old.spread.highest)
            {
                return true
            }
        }
        return moved(board.slowdown, other.board.slowdown) || moved(board.highSlowdown, other.board.highSlowdown) || moved(board.power, other.board.power)
            || moved(server.slowdown, other.server.slowdown) || movedTime(server.queue.mean, other.server.queue.mean)
            || movedTime(server.queue.highest, other.server.queue.highest) || moved(framePeriod, other.framePeriod)
    }

    /// Whether one is more than a share `step` greater than the other.
    package static func moved(_ one: Double, _ other: Double, by step: Double) -> Bool { max(one, other) > min(one, other) * (1 + step) }

    /// The same of seconds, of which less than a millisecond counts as one.
    package static func movedTime(_ one: Double, _ other: Double, by step: Double) -> Bool { moved(max(one, 0.001), max(other, 0.001), by: step) }
}
