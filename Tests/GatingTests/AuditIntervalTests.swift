// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import TestSupport
import Testing

struct AuditIntervalTests {
    static func interval(_ count: Int, _ events: Int) throws -> AuditInterval { try #require(AuditInterval(count: count, events: events)) }

    /// The evidence against "the rate is at least p" by its definition: the mean of likelihood ratios over smaller rates p·v, with v = u², u uniform.
    static func evidence(_ p: Double, _ count: Int, _ events: Int) -> Double {
        let steps = 200_000
        var sum = 0.0
        for step in 0..<steps {
            let u = (Double(step) + 0.5) / Double(steps)
            sum += exp(Double(events) * 2 * log(u) + Double(count - events) * (log1p(-p * u * u) - log1p(-p)))
        }
        return sum / Double(steps)
    }

    @Test func nothingIsKnownBeforeTheFirstTrial() {
        #expect(AuditInterval().bounds(confidence: 0.95) == 0...1 && AuditInterval().rate == nil)
        #expect(AuditInterval(count: 3, events: 4) == nil && AuditInterval(count: 3, events: -1) == nil)
    }

    @Test(arguments: [(30, 0), (100, 3), (300, 8), (1000, 25), (400, 399)])
    func theUpperBoundIsWhereTheEvidenceReachesWhatIsNeeded(count: Int, events: Int) throws {
        let bound = try Self.interval(count, events).upper(confidence: 0.95)
        #expect(abs(Self.evidence(bound, count, events) - 20) < 0.01)
        // And it rises with the rate, so that all larger rates are excluded too.
        let grid = (1...19).map { step -> Double in
            let beyond = step == 19 ? 0.05 * (1 - bound) : 0
            return bound * Double(step) / 20 + beyond
        }
        let values = grid.map { Self.evidence($0, count, events) }
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func boundsAreOrderedAndSymmetricUnderExchange(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...(seed % 2 == 0 ? 50 : 200_000), using: &random)
        let events = [0, count, Int.random(in: 0...count, using: &random), Int.random(in: 0...min(count, 5), using: &random)][Int(seed % 4)]
        let interval = try Self.interval(count, events)
        let bounds = interval.bounds(confidence: 0.95)
        let rate = try #require(interval.rate)
        #expect(bounds.lowerBound >= 0 && bounds.upperBound <= 1 && bounds.lowerBound <= rate && bounds.upperBound >= rate, "seed \(seed)")
        #expect(interval.upper(confidence: 0.99) >= interval.upper(confidence: 0.95) && interval.lower(confidence: 0.99) <= interval.lower(confidence: 0.95))
        #expect((interval.upper(confidence: 0.95) == 1) == (events == count) || count < 3)
        #expect(interval.lower(confidence: 0.95) < 1e-15 || events > 0)
    }

    /// It may be looked at after every trial, so it is wider than Clopper-Pearson's, which may be looked at once; by less than half.
    @Test(arguments: [(100, 0, 0.0450), (300, 0, 0.0152), (300, 8, 0.0671), (1000, 5, 0.0155), (1000, 25, 0.0448), (1000, 100, 0.1360), (5000, 125, 0.0335)])
    func theUpperBoundIsNoWiderThanStated(count: Int, events: Int, stated: Double) throws {
        #expect(try Self.interval(count, events).upper(confidence: 0.975) <= stated)
    }

    /// 200 runs of 1,000 trials, looked at after each of the first trials, at each event, and every fiftieth trial.
    @Test(arguments: [0.005, 0.03, 0.2])
    func theRateIsWithinTheBoundsAtAllTimesTogether(rate: Double) throws {
        var random = SeededGenerator(seed: 17)
        let confidence = 0.9
        let runs = 200
        var above = 0
        var below = 0
        for _ in 0..<runs {
            var interval = AuditInterval()
            var isAbove = false
            var isBelow = false
            for trial in 1...1000 {
                let isEvent = Double.random(in: 0..<1, using: &random) < rate
                interval.add(isEvent)
                guard isEvent || trial < 20 || trial % 50 == 0 else { continue }
                if interval.upper(confidence: confidence) < rate { isAbove = true }
                if interval.lower(confidence: confidence) > rate { isBelow = true }
            }
            if isAbove { above += 1 }
            if isBelow { below += 1 }
        }
        // At most a tenth, and three deviations of the count.
        let most = Int(0.1 * Double(runs) + 3 * (0.09 * Double(runs)).squareRoot())
        #expect(above <= most && below <= most, "\(above) and \(below) of \(runs)")
        #expect(above + below > 0, "never wrong: too wide")
    }
}
