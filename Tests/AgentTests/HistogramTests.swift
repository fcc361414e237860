// SPDX-License-Identifier: Apache-2.0
import Agent
import TestSupport
import Testing

struct HistogramTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func quantilesAreAtMostNinePerCentTooHigh(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var histogram = TimeHistogram()
        let times = (0..<Int.random(in: 1...500, using: &random)).map { _ in Duration.microseconds(Int64.random(in: 10...5_000_000, using: &random)) }
        for time in times { histogram.add(time) }
        let sorted = times.sorted()
        for fraction in [0, 0.01, 0.5, 0.9, 0.99, 1] {
            let rank = max(Int((Double(times.count) * fraction).rounded(.up)), 1)
            let exact = sorted[rank - 1] / .seconds(1)
            let found = try #require(histogram.quantile(fraction)) / .seconds(1)
            #expect(found >= exact * (1 - 1e-9) && found <= exact * 1.0906)
        }
    }

    @Test func timesBeyondTheBinsAreStillCounted() {
        var histogram = TimeHistogram()
        #expect(histogram.quantile(0.5) == nil)
        for time in [.zero, .seconds(-1), .seconds(100_000)] as [Duration] { histogram.add(time) }
        #expect(histogram.count == 3 && histogram.counts.reduce(0, +) == 3)
        #expect(histogram.counts.first == 2 && histogram.counts.last == 1)
    }

    @Test func fractionsFallIntoTheirTwentieth() {
        var histogram = FractionHistogram()
        for value in [0, 0.049, 0.05, 0.999, 1, 7, -3, .nan] { histogram.add(value) }
        #expect(histogram.counts[0] == 3 && histogram.counts[1] == 1 && histogram.counts[19] == 3 && histogram.counts.reduce(0, +) == 7)
    }
}
