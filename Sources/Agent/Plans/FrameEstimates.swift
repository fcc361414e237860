// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What the board and its source are like, by the frames that were taken up. Pure: times are seconds of any clock that doesn't go back.
package struct FrameEstimates: Sendable {
    /// A pause is longer than so many periods.
    private static let pause = 8.0
    private static let memory = 64.0

    package private(set) var board = BoardEstimate()
    private var mean: RunningMean
    private var lastTaken: (time: Double, arrived: UInt64)?
    /// The gap before the newest frame, where that was a pause.
    private var newestPause: Double?
    private var preparation = RunningMean()

    /// - Parameter period: from frame to frame, in seconds, before any came.
    package init(period: Double) { mean = RunningMean(period, memory: Self.memory) }

    /// From frame to frame, in seconds.
    package var period: Double { mean.value }
    /// From taking up a frame to having its pixels, in seconds.
    package var preparing: Double { preparation.value }

    /// A frame is taken up. One pause says nothing of the frames before and after it; two in a row are another pace.
    ///
    /// - Parameter arrived: how many have come so far: the pace is the source's, also where the board can't follow.
    package mutating func taken(at now: Double, arrived: UInt64) {
        defer { lastTaken = (now, arrived) }
        guard let lastTaken else { return }
        let gap = (now - lastTaken.time) / Double(arrived > lastTaken.arrived ? arrived - lastTaken.arrived : 1)
        guard gap > Self.pause * period else {
            newestPause = nil
            mean.add(gap)
            return
        }
        if newestPause != nil {
            mean = RunningMean(memory: Self.memory)
            mean.add(gap)
            newestPause = nil
        } else {
            newestPause = gap
        }
    }

    /// It took so many seconds to have its pixels.
    package mutating func prepared(_ seconds: Double) { preparation.add(seconds) }

    /// The board has run a part of the network.
    ///
    /// - Parameter expected: what that takes by the costs that plans are made of.
    package mutating func ran(_ seconds: Double, expected: Double, at now: Double) { board.observe(seconds, expected: expected, at: now) }
}
