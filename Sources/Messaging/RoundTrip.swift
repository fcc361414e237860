// SPDX-License-Identifier: Apache-2.0

/// The last round trips to the worker and back, with their quantiles.
package struct RoundTrip: Sendable {
    private var samples: [Duration] = []
    private var next = 0
    private let window: Int

    /// - Parameter window: how many round trips the quantiles look back on.
    package init(window: Int = 64) { self.window = window }

    package mutating func add(_ sample: Duration) {
        if samples.count < window {
            samples.append(sample)
        } else {
            samples[next] = sample
        }
        next = (next + 1) % window
    }

    /// The smallest sample that a share `fraction` (0 … 1) of the samples doesn't exceed; `nil` without samples.
    package func quantile(_ fraction: Double) -> Duration? {
        guard !samples.isEmpty else { return nil }
        let rank = Int((fraction * Double(samples.count)).rounded(.up)) - 1
        return samples.sorted()[min(max(rank, 0), samples.count - 1)]
    }
}
