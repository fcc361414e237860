// SPDX-License-Identifier: Apache-2.0

/// What a low-flying drone sees ahead, rendered: an endless sequence of frames in encounters of a few seconds.
///
/// The same seed and rate give the same bytes on every platform. Each run of ten encounters shows every obstacle once.
package struct Flight: Sendable {
    package static let width = 96, height = 96

    package let framesPerSecond: Double
    private var random: SplitMix64
    private var queue: [Obstacle] = []
    private var encounter: Encounter?
    private var encounterIndex = -1
    private var encounterStart = 0.0
    private var index = 0

    /// - Parameter framesPerSecond: above 0.
    package init(seed: UInt64, framesPerSecond: Double = 10) {
        precondition(framesPerSecond > 0, "a flight needs a frame rate above 0")
        self.framesPerSecond = framesPerSecond
        random = SplitMix64(seed: SplitMix64.mix(seed))
    }

    /// The next frame; there always is one.
    ///
    /// - Parameter rendering: Without it the frame has no pixels and costs next to nothing, for a frame that is dropped.
    package mutating func next(rendering: Bool = true) -> FlightFrame {
        let time = Double(index) / framesPerSecond
        let current = encounter(at: time)
        let local = time - encounterStart
        let truth = current.truth(at: local)
        defer { index += 1 }
        return FlightFrame(
            index: index, time: time, encounter: encounterIndex, obstacle: truth.obstacle, distance: truth.distance,
            size: truth.size, conditions: current.conditions, pixels: rendering ? current.render(at: local) : [])
    }

    private mutating func encounter(at time: Double) -> Encounter {
        if let encounter, time - encounterStart < encounter.duration { return encounter }
        if queue.isEmpty {
            queue = Obstacle.allCases
            random.shuffle(&queue)
        }
        let fresh = Encounter(obstacle: queue.removeLast(), seed: random.next())
        encounter = fresh
        encounterIndex += 1
        encounterStart = time
        return fresh
    }
}
