// SPDX-License-Identifier: Apache-2.0

/// When the frames of a steady source are due.
package struct FrameSchedule: Hashable, Sendable {
    package let start: ContinuousClock.Instant
    package let framesPerSecond: Double

    package init(start: ContinuousClock.Instant, framesPerSecond: Double) {
        self.start = start
        self.framesPerSecond = framesPerSecond
    }

    package func due(_ index: Int) -> ContinuousClock.Instant { start + .seconds(Double(index) / framesPerSecond) }

    /// How many frames, from `index` on, are older than one frame time at `now`.
    package func framesBehind(_ index: Int, at now: ContinuousClock.Instant) -> Int {
        let newest = Int(((now - start) / .seconds(1) * framesPerSecond).rounded(.down))
        return max(newest - 1 - index, 0)
    }
}
