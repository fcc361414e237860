// SPDX-License-Identifier: Apache-2.0
import Agent
import Planning
import TestSupport
import Testing

struct FrameEstimatesTests {
    @Test func aPauseIsNoPeriodAndAnotherPaceIsKnownAfterTwoFrames() {
        var estimates = FrameEstimates(period: 0.1)
        var now = 0.0
        var arrived: UInt64 = 0
        func frames(_ count: Int, every period: Double) {
            for _ in 0..<count {
                now += period
                arrived += 1
                estimates.taken(at: now, arrived: arrived)
            }
        }
        frames(20, every: 0.05)
        #expect(abs(estimates.period - 0.05) < 1e-9)
        frames(1, every: 3600)
        frames(3, every: 0.05)
        #expect(abs(estimates.period - 0.05) < 1e-9)
        frames(2, every: 2)
        #expect(abs(estimates.period - 2) < 1e-9)
        frames(200, every: 0.5)
        #expect(abs(estimates.period - 0.5) < 0.1)
    }

    @Test func aBoardThatCantFollowKnowsItsSourcesPace() {
        var estimates = FrameEstimates(period: 0.1)
        for index in 1...40 as ClosedRange<UInt64> { estimates.taken(at: 0.2 * Double(index), arrived: 6 * index) }
        #expect(abs(estimates.period - 0.2 / 6) < 1e-9)
    }

    @Test func theBoardsFactorIsThatOfItsRuns() {
        var estimates = FrameEstimates(period: 0.1)
        for index in 0..<8 { estimates.ran(0.03, expected: 0.02, at: Double(index)) }
        // A clock that stood still says nothing, nor does a run of nothing.
        estimates.ran(0, expected: 0.02, at: 9)
        estimates.ran(0.01, expected: 0, at: 9)
        #expect(abs(estimates.board.board(power: 3, at: 9).slowdown - 1.5) < 1e-9)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func nothingMakesEstimatesOfWhatIsNone(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var estimates = FrameEstimates(period: 0.1)
        var now = 0.0
        let odd: [Double] = [0, -1, .nan, .infinity, 1e-12, 1e12, 0.01, 0.02]
        for _ in 0..<2000 {
            now += Double.random(in: 0...0.5, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: estimates.taken(at: now, arrived: UInt64.random(in: 0...20, using: &random))
            case 1: estimates.prepared(odd.randomElement(using: &random) ?? 0)
            default: estimates.ran(odd.randomElement(using: &random) ?? 0, expected: odd.randomElement(using: &random) ?? 0, at: now)
            }
            let board = estimates.board.board(power: 3, at: now)
            let figures = [board.slowdown, board.highSlowdown, estimates.period]
            #expect(figures.allSatisfy { $0.isFinite && $0 >= 0 } && estimates.preparing.isFinite, "seed \(seed): \(figures)")
        }
    }
}
