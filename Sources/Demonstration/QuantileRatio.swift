// SPDX-License-Identifier: Apache-2.0

/// A quantile of times under one condition as a multiple of the same quantile under another, from blocks that took turns.
///
/// A round is one block of each condition, close in time, so what slows the machine for a while slows both. Times within a block aren't
/// independent: the interval resamples whole rounds (cluster bootstrap, percentile form; Field and Welsh, J. R. Statist. Soc. B 69, 2007).
package struct QuantileRatio: Hashable, Sendable {
    /// q(condition) / q(reference), each over the times of all rounds.
    package var ratio: Double
    /// 95 % interval.
    package var lower: Double
    package var upper: Double
    /// The median over the rounds of each round's own ratio: one bad round doesn't move it.
    package var typical: Double
    /// The number of rounds that were resampled.
    package var rounds: Int

    private static let resamples = 2_000

    /// - Parameters:
    ///   - condition, reference: the times of each round, in any order, all above 0. Rounds without times on either side are left out.
    ///   - p: 0 … 1.
    /// - Returns: `nil` where no round has times on both sides.
    package init?(_ p: Double, of condition: [[Double]], to reference: [[Double]]) {
        let pairs = zip(condition, reference).filter { !$0.isEmpty && !$1.isEmpty }
        let above = Pool(pairs.map(\.0)), below = Pool(pairs.map(\.1))
        let once = Array(repeating: 1, count: pairs.count)
        guard let top = above.quantile(p, drawn: once), let bottom = below.quantile(p, drawn: once) else { return nil }
        ratio = top / bottom
        rounds = pairs.count
        let own = pairs.compactMap { pair in
            pair.0.sorted().quantile(p).flatMap { top in pair.1.sorted().quantile(p).map { top / $0 } }
        }
        typical = own.sorted().quantile(0.5) ?? ratio
        var state: UInt64 = 1
        var ratios = (0..<Self.resamples).compactMap { _ in
            var drawn = Array(repeating: 0, count: pairs.count)
            for _ in pairs.indices {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                drawn[Int((state >> 33) % UInt64(pairs.count))] += 1
            }
            return above.quantile(p, drawn: drawn).flatMap { top in below.quantile(p, drawn: drawn).map { top / $0 } }
        }
        ratios.sort()
        lower = ratios.quantile(0.025) ?? ratio
        upper = ratios.quantile(0.975) ?? ratio
    }
}

/// Times of several rounds, sorted once, so that a quantile of any draw of rounds is one walk.
private struct Pool {
    private var times: [(time: Double, round: Int)]
    private var counts: [Int]

    init(_ rounds: [[Double]]) {
        counts = rounds.map(\.count)
        times = rounds.enumerated().flatMap { round, times in times.map { ($0, round) } }
        times.sort { $0.time < $1.time }
    }

    /// The quantile where each round is there as often as it was drawn; `nil` where none was.
    func quantile(_ p: Double, drawn: [Int]) -> Double? {
        let total = zip(counts, drawn).reduce(0) { $0 + $1.0 * $1.1 }
        guard total > 0 else { return nil }
        // Counted from the end, which is near for the quantiles that matter.
        var beyond = total - max(Int((p * Double(total)).rounded(.up)), 1)
        for (time, round) in times.reversed() {
            beyond -= drawn[round]
            if beyond < 0 { return time }
        }
        return times.first?.time
    }
}
