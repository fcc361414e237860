// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import TestSupport
import Testing

struct DriftDetectorTests {
    static func losses(until most: Int, _ detector: DriftDetector, _ draw: () -> Double) -> Int {
        var detector = detector
        for count in 1...most where detector.add(draw()) { return count }
        return most
    }

    static func mean(_ values: [Int]) -> Double { Double(values.reduce(0, +)) / Double(values.count) }

    @Test func theFactorOfABetIsTheLikelihoodRatioOfItsRate() {
        var detector = DriftDetector(.rise, of: 0.1, runLength: 1000)
        let rates = [0.15, 0.2, 0.3, 0.5, 0.775]
        var expected = rates.map { _ in 0.0 }
        for loss in [0.0, 1, 1, 0, 1] {
            detector.add(loss)
            expected = zip(expected, rates).map { ($0 + 1) * (loss == 1 ? $1 / 0.1 : (1 - $1) / 0.9) }
        }
        #expect(zip(detector.memory, expected).allSatisfy { abs($0 - $1) <= 1e-12 * $1 })
        #expect(abs(detector.evidence - expected.reduce(0, +) / 5) <= 1e-10)
    }

    /// At the limit itself, where false alarms are the most frequent; 300 runs, cut off at forty times the run length, which only shortens the mean.
    @Test(arguments: [(0.01, 200.0), (0.033, 500), (0.2, 300)])
    func falseAlarmsAreAsRareAsStated(limit: Double, runLength: Double) {
        var random = SeededGenerator(seed: 5)
        for direction in [DriftDetector.Direction.rise, .fall] {
            let detector = DriftDetector(direction, of: limit, runLength: runLength)
            let most = Int(runLength) * 40
            let runs = (0..<300).map { _ in Self.losses(until: most, detector) { Double.random(in: 0..<1, using: &random) < limit ? 1 : 0 } }
            // And three deviations of the mean; run lengths are about exponential.
            #expect(Self.mean(runs) * (1 + 3 / 300.0.squareRoot()) >= runLength, "\(direction): \(Self.mean(runs))")
            #expect(runs.contains { $0 < most }, "\(direction): it never sounds")
        }
    }

    /// Losses that come in bursts, and are not 0 or 1, but never have a mean above the limit given the past.
    @Test func falseAlarmsAreAsRareAsStatedForDependentLossesToo() {
        var random = SeededGenerator(seed: 6)
        let detector = DriftDetector(.rise, of: 0.05, runLength: 300)
        let runs = (0..<300).map { _ in
            var size = 1.0
            return Self.losses(until: 12_000, detector) {
                // How large a loss may get depends on the past; its mean doesn't.
                let loss = Double.random(in: 0..<1, using: &random) < 0.05 / size ? size : 0
                if loss > 0 { size = [0.1, 0.4, 1].randomElement(using: &random) ?? 1 }
                return loss
            }
        }
        #expect(Self.mean(runs) * (1 + 3 / 300.0.squareRoot()) >= 300, "\(Self.mean(runs))")
    }

    /// The certificate's share of differing answers times 2, 3 and 5; a run length of 10,000 audits. The mean is below the bound, and 95 % of the changes are noticed
    /// within the stated number.
    @Test(arguments: [(2.0, 850), (3, 300), (5, 120)])
    func aBrokenLimitIsNoticedWithinTheStatedNumber(multiple: Double, stated: Int) throws {
        var random = SeededGenerator(seed: 7)
        let limit = 0.033
        let detector = DriftDetector(.rise, of: limit, runLength: 10_000)
        let runs = (0..<1000).map { _ in Self.losses(until: 100_000, detector) { Double.random(in: 0..<1, using: &random) < limit * multiple ? 1 : 0 } }
        let bound = try #require(detector.delay(mean: limit * multiple))
        #expect(Self.mean(runs) <= bound && Self.mean(runs) > bound / 3, "\(Self.mean(runs)) against \(bound)")
        #expect(runs.sorted()[950] <= stated, "\(runs.sorted()[950])")
    }

    /// Losses of 0 or 0.6, as where six frames in ten are accepted: the same share of differing answers takes as many losses as where the largest loss is 1.
    @Test func knowingTheLargestLossCostsNoDelay() throws {
        var random = SeededGenerator(seed: 9)
        func delays(_ most: Double) -> [Int] {
            (0..<500).map { _ in
                var detector = DriftDetector(.rise, of: 0.03 * most, runLength: 2000)
                for count in 1...100_000 where detector.add(Double.random(in: 0..<1, using: &random) < 0.09 ? most : 0, of: most) { return count }
                return 100_000
            }
        }
        let (whole, part) = (Self.mean(delays(1)), Self.mean(delays(0.6)))
        #expect(abs(whole - part) < 0.15 * whole, "\(whole) and \(part)")
        let bounds = [1, 0.6].map { DriftDetector(.rise, of: 0.03 * $0, runLength: 2000).delay(mean: 0.09 * $0, of: $0) ?? 0 }
        #expect(abs(bounds[0] - bounds[1]) < 1e-6 * bounds[0])
    }

    @Test func aLongQuietTimeDoesNotDelayTheAlarm() throws {
        var random = SeededGenerator(seed: 8)
        let limit = 0.03
        let bound = try #require(DriftDetector(.rise, of: limit, runLength: 1000).delay(mean: 0.15))
        let runs = (0..<200).map { _ in
            var detector = DriftDetector(.rise, of: limit, runLength: 1000)
            for _ in 0..<20_000 { detector.add(0) }
            return Self.losses(until: 10_000, detector) { Double.random(in: 0..<1, using: &random) < 0.15 ? 1 : 0 }
        }
        #expect(Self.mean(runs) <= bound)
    }

    @Test func noDelayIsStatedOnTheRightSideOfTheLimit() {
        #expect(DriftDetector(.rise, of: 0.03, runLength: 100).delay(mean: 0.03) == nil)
        #expect(DriftDetector(.fall, of: 0.03, runLength: 100).delay(mean: 0.03) == nil)
        #expect(DriftDetector(.fall, of: 0.03, runLength: 100).delay(mean: 0) != nil)
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func evidenceStaysFiniteAndNeverNegative(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limit = [Double.leastNormalMagnitude, 1e-9, 0.5, 1 - 1e-9, Double.random(in: 0.001...0.999, using: &random)][Int(seed % 5)]
        var detector = DriftDetector(seed % 2 == 0 ? .rise : .fall, of: limit, runLength: 1e6)
        for _ in 0..<2000 {
            detector.add([0, 1, Double.random(in: 0...1, using: &random)].randomElement(using: &random) ?? 0)
            #expect(detector.evidence >= 0 && !detector.evidence.isNaN, "seed \(seed)")
        }
    }

    @Test func whatItHasSeenCanBeKept() {
        var detector = DriftDetector(.rise, of: 0.1, runLength: 1000)
        for loss in [0.0, 1, 0, 1] { detector.add(loss) }
        var other = DriftDetector(.rise, of: 0.1, runLength: 1000)
        #expect(other.restore(detector.memory) && other == detector)
        for damaged in [[], [1], [0, 0, 0, 0, -1], [0, 0, 0, 0, .nan], [0, 0, 0, 0, .infinity]] as [[Double]] {
            #expect(!other.restore(damaged) && other == detector)
        }
        other.restart()
        #expect(other.evidence == 0)
    }
}
