// SPDX-License-Identifier: Apache-2.0

/// The last 32 questions: how long each took from being asked to its answer, or that the answer didn't come in time.
package struct ArrivalTimes: Hashable, Sendable {
    /// `nil`: lost.
    private var times: [Duration?] = []
    private var next = 0
    private static let window = 32

    package init() { times.reserveCapacity(Self.window) }

    package var count: Int { times.count }

    package mutating func add(_ time: Duration) { put(time) }

    package mutating func addLost() { put(nil) }

    private mutating func put(_ time: Duration?) {
        if times.count < Self.window { times.append(time) } else { times[next] = time }
        next = (next + 1) % Self.window
    }

    /// The share of answers that take no longer than `time`, with half a count for either side: above 0, below 1.
    package func share(within time: Duration) -> Double {
        let inTime = times.count { $0.map { $0 <= time } ?? false }
        return (Double(inTime) + 0.5) / (Double(times.count) + 1)
    }
}
