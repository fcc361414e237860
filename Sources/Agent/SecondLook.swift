// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Whether a frame is looked at a second time, as mirror image, and what both looks say together.
package struct SecondLook: Sendable {
    /// Frames with a smaller margin are looked at again: the margin, since a score that was fitted on images the network knows by heart is too high.
    package let bound: Double
    /// From taking up a frame to where a second look must be over.
    package let budget: Duration
    /// Of the mean of both looks.
    package let calibration: Calibration
    package var mean: LogitMean
    package private(set) var times = RecentTimes()

    /// - Parameter scores: of the network's output, one value a class.
    package init(bound: Double, budget: Duration, calibration: Calibration, classes: Int, scores: Calibration.Scores) {
        self.bound = bound
        self.budget = budget
        self.calibration = calibration
        mean = LogitMean(classes: classes, scores: scores)
    }

    /// Notes how long a look took.
    package mutating func note(_ time: Duration) { times.add(time) }

    /// Whether a frame asks for a second look, and the slowest of the recent looks would still be over in time. A damaged output asks for none.
    ///
    /// - Parameter spent: since the frame was taken up.
    package func isDue(after first: Reading, spent: Duration) -> Bool {
        guard let confidence = first.confidence, confidence.margin < bound else { return false }
        return spent + times.longest <= budget
    }
}

/// The last 128 times: their longest is about the 99th percentile.
package struct RecentTimes: Sendable {
    private static let remembered = 128
    private var times: [Duration] = []
    private var next = 0

    package init() { times.reserveCapacity(Self.remembered) }

    package mutating func add(_ time: Duration) {
        if times.count < Self.remembered { times.append(time) } else { times[next] = time }
        next = (next + 1) % Self.remembered
    }

    /// Zero where there is none.
    package var longest: Duration { times.reduce(.zero, max) }
}
