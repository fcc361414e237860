// SPDX-License-Identifier: Apache-2.0
import Demonstration
import Testing

struct QuantileRatioTests {
    private let rounds: [[Double]] = (0..<8).map { round in (1...100).map { Double($0 + round) } }

    @Test func isOneWithAnIntervalOfOneForTheSameTimes() throws {
        let ratio = try #require(QuantileRatio(0.99, of: rounds, to: rounds))
        #expect(ratio.ratio == 1)
        #expect(ratio.lower == 1)
        #expect(ratio.upper == 1)
        #expect(ratio.typical == 1)
        #expect(ratio.rounds == 8)
    }

    @Test func findsAFactorAtEveryQuantile() throws {
        let slower = rounds.map { $0.map { $0 * 1.25 } }
        for p in [0.01, 0.5, 0.99, 1] {
            let ratio = try #require(QuantileRatio(p, of: slower, to: rounds))
            #expect(abs(ratio.ratio - 1.25) < 1e-12)
            #expect(abs(ratio.lower - 1.25) < 1e-12)
            #expect(abs(ratio.upper - 1.25) < 1e-12)
        }
    }

    @Test func takesTheSameElementAsAQuantileOfAllTimes() throws {
        let all = rounds.flatMap { $0 }.sorted()
        let ones = rounds.map { $0.map { _ in 1.0 } }
        for p in [0, 0.003, 0.5, 0.9, 0.99, 1] {
            #expect(QuantileRatio(p, of: rounds, to: ones)?.ratio == all.quantile(p))
        }
    }

    @Test func aSlowTailShowsAtTheTailOnly() throws {
        let tailed = rounds.map { times in times.map { $0 >= 98 ? $0 * 3 : $0 } }
        #expect(QuantileRatio(0.5, of: tailed, to: rounds)?.ratio == 1)
        #expect(try #require(QuantileRatio(0.99, of: tailed, to: rounds)).lower > 2)
    }

    @Test func aDriftThatHitsBothSidesOfARoundDoesNotWidenTheInterval() throws {
        let drifting = rounds.enumerated().map { round, times in times.map { $0 * Double(round + 1) } }
        let slower = drifting.map { $0.map { $0 * 1.1 } }
        let ratio = try #require(QuantileRatio(0.99, of: slower, to: drifting))
        #expect(ratio.upper - ratio.lower < 1e-9)
    }

    @Test func oneBadRoundWidensTheIntervalAndLeavesTheTypicalRatio() throws {
        var disturbed = rounds
        disturbed[3] = disturbed[3].map { $0 * 10 }
        let ratio = try #require(QuantileRatio(0.99, of: disturbed, to: rounds))
        #expect(ratio.ratio > 2)
        #expect(ratio.lower == 1)
        #expect(ratio.upper > 5)
        #expect(ratio.typical == 1)
    }

    @Test func leavesOutRoundsWithoutTimesAndIsNilWithoutAny() {
        #expect(QuantileRatio(0.5, of: [[], [2]], to: [[1], [1]])?.rounds == 1)
        #expect(QuantileRatio(0.5, of: [[], [2]], to: [[1], [1]])?.ratio == 2)
        #expect(QuantileRatio(0.5, of: [[]], to: [[1]]) == nil)
        #expect(QuantileRatio(0.5, of: [], to: []) == nil)
    }
}
