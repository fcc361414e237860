// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Whether a frame is looked at a second time, as mirror image, and what both looks say together.
package struct SecondLook: Sendable {
    /// Frames with a smaller margin are looked at again: the margin, since a score that was fitted on images the network knows by heart is too high.
    package let bound: Double
    /// From taking up a frame to where a second look must be over.
    package let budget: Duration
    /// Whether the gate is certified for both looks together: what the first says alone is then no reason to accept a frame that would be looked at again.
    package let isRequired: Bool
    /// Of the mean of both looks.
    package let calibration: Calibration
    package var mean: LogitMean
    package private(set) var times = RecentTimes()

    /// - Parameter scores: of the network's output, one value a class.
    package init(bound: Double, budget: Duration, isRequired: Bool, calibration: Calibration, classes: Int, scores: Calibration.Scores) {
        self.bound = bound
        self.budget = budget
        self.isRequired = isRequired
        self.calibration = calibration
        mean = LogitMean(classes: classes, scores: scores)
    }

    /// Notes how long a look took.
    package mutating func note(_ time: Duration) { times.add(time) }

    /// What follows a first look.
    package enum Next: Hashable, Sendable {
        /// What it says counts.
        case nothing
        case look
        /// A second look is required, and there is no time for it.
        case tooLate
    }

    /// A frame is looked at again where it asks for that, and the slowest of the recent looks would still be over in time. A damaged output asks for nothing.
    ///
    /// - Parameter spent: since the frame was taken up.
    package func next(after first: Reading, spent: Duration) -> Next {
        guard let confidence = first.confidence, confidence.margin < bound else { return .nothing }
        return spent + times.longest <= budget ? .look : isRequired ? .tooLate : .nothing
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
