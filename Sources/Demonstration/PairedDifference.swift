// SPDX-License-Identifier: Apache-2.0

/// How much more accurate the system was than the board alone, on the same frames.
///
/// Frames of one encounter look alike, so they aren't independent: the interval resamples whole encounters (runs of one true class),
/// not frames (cluster bootstrap, percentile form; Field and Welsh, J. R. Statist. Soc. B 69, 2007).
package struct PairedDifference: Hashable, Sendable {
    /// System accuracy less local accuracy, −1 … 1.
    package var mean: Double
    /// 95 % interval.
    package var lower: Double
    package var upper: Double
    /// The number of encounters that were resampled.
    package var encounters: Int

    private static let resamples = 2_000

    package init(records: [FrameRecord]) {
        var clusters: [(gain: Int, frames: Int)] = []
        var previous: FrameRecord?
        for record in records {
            let continues = previous.map { $0.trueClass == record.trueClass && $0.phase == record.phase } ?? false
            if !continues { clusters.append((0, 0)) }
            previous = record
            let system = record.decision?.classIndex == record.trueClass ? 1 : 0
            let local = record.localClass == record.trueClass ? 1 : 0
            clusters[clusters.count - 1].gain += system - local
            clusters[clusters.count - 1].frames += 1
        }
        encounters = clusters.count
        guard !clusters.isEmpty else {
            (mean, lower, upper) = (0, -1, 1)
            return
        }
        mean = Double(clusters.reduce(0) { $0 + $1.gain }) / Double(records.count)
        var state: UInt64 = 1
        var means = (0..<Self.resamples).map { _ in
            var gain = 0, frames = 0
            for _ in clusters.indices {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let drawn = clusters[Int((state >> 33) % UInt64(clusters.count))]
                gain += drawn.gain
                frames += drawn.frames
            }
            return Double(gain) / Double(frames)
        }
        means.sort()
        lower = means.quantile(0.025) ?? mean
        upper = means.quantile(0.975) ?? mean
    }
}
