// SPDX-License-Identifier: Apache-2.0
import Compilation
import TestSupport
import Testing

@Suite struct ExitChoiceTests {
    /// 100 images: the first `sure` get a score of 0.9, the others 0.1; `wrong` of them are wrong.
    private func option(_ depth: Int, before: Int, head: Int, sure: Range<Int>, wrong: Set<Int> = []) -> ExitOption {
        ExitOption(
            depth: depth, before: before, head: head, scores: (0..<100).map { sure.contains($0) ? 0.9 : 0.1 },
            isRight: (0..<100).map { sure.contains($0) && !wrong.contains($0) })
    }

    private let end = Array(repeating: true, count: 100)

    @Test func theCostIsThatOfFramesPlayedThrough() {
        let options = [option(0, before: 200, head: 20, sure: 0..<50), option(1, before: 600, head: 10, sure: 0..<80)]
        let choice = ExitChoice(among: options, total: 1000, end: end, most: 3)
        #expect(choice.kept == [0, 1] && choice.thresholds == [0.9, 0.9] && choice.shares == [0.5, 0.3, 0.2])
        // 50 images leave after 220, 30 after 630, 20 take all of 1030.
        let expected: Double = Double(50 * 220 + 30 * 630 + 20 * 1030) / 100_000
        #expect(abs(choice.cost - expected) < 1e-12)
    }

    @Test func anExitThatCostsMoreThanItSavesIsLeftOut() {
        let options = [option(0, before: 200, head: 20, sure: 0..<50), option(1, before: 600, head: 150, sure: 0..<60)]
        let choice = ExitChoice(among: options, total: 1000, end: end, most: 3)
        #expect(choice.kept == [0] && choice.shares == [0.5, 0.5])
        #expect(ExitChoice(among: [options[1]], total: 1000, end: end, most: 3).kept == [0])
        let useless = ExitChoice(among: [option(0, before: 990, head: 5, sure: 0..<100)], total: 1000, end: end, most: 3)
        #expect(useless.kept.isEmpty && useless.cost == 1 && useless.shares == [1])
    }

    @Test func ofTheHeadsAtOneDepthTheOneThatEarnsItsCostIsKept() {
        let cheap = option(0, before: 300, head: 1, sure: 0..<30)
        let dear = option(0, before: 300, head: 40, sure: 0..<70)
        #expect(ExitChoice(among: [cheap, dear], total: 1000, end: end, most: 3).kept == [1])
        let equal = option(0, before: 300, head: 40, sure: 0..<33)
        #expect(ExitChoice(among: [cheap, equal], total: 1000, end: end, most: 3).kept == [0])
    }

    @Test func noMoreAreKeptThanAreAllowed() {
        let options = (0..<4).map { option($0, before: 200 * ($0 + 1), head: 1, sure: 0..<20 * ($0 + 1)) }
        #expect(ExitChoice(among: options, total: 1000, end: end, most: 4).kept.count == 4)
        #expect(ExitChoice(among: options, total: 1000, end: end, most: 2).kept.count == 2)
    }

    @Test func theThresholdKeepsTheHarmWithinTheRisk() {
        let scores = (0..<100).map { 1 - Double($0) / 100 }
        let option = ExitOption(depth: 0, before: 1, head: 1, scores: scores, isRight: (0..<100).map { ![30, 40, 60].contains($0) })
        #expect(option.threshold(end: end, risk: 0) == scores[29])
        #expect(option.threshold(end: end, risk: 0.01) == scores[39])
        // Where the end is wrong, too, nothing is lost.
        #expect(option.threshold(end: (0..<100).map { $0 != 30 }, risk: 0.01) == scores[59])
        #expect(ExitOption(depth: 0, before: 1, head: 1, scores: [0.5, 0.5], isRight: [false, true]).threshold(end: [true, true], risk: 0.4) == nil)
    }

    @Test func theBestOfRandomChoicesIsFound() {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<20 {
            var options: [ExitOption] = []
            for index in 0..<6 {
                let scores = (0..<60).map { _ in Double.random(in: 0...1, using: &random) }
                let isRight = (0..<60).map { _ in Int.random(in: 0..<20, using: &random) > 0 }
                let head = Int.random(in: 1...120, using: &random)
                options.append(ExitOption(depth: index / 2, before: 200 * (index / 2 + 1), head: head, scores: scores, isRight: isRight))
            }
            let end = Array(repeating: true, count: 60)
            let choice = ExitChoice(among: options, total: 1000, end: end, most: 3, risk: 0.02, worth: 0.01)
            func worth(_ kept: [Int]) -> Double {
                let costs = (0..<60).map { image -> Int in
                    var heads = 0
                    for option in kept {
                        heads += options[option].head
                        if let threshold = choice.thresholds[option], options[option].scores[image] >= threshold { return options[option].before + heads }
                    }
                    return 1000 + heads
                }
                return Double(costs.reduce(0, +)) / 60_000 + 0.01 * Double(kept.count)
            }
            #expect(abs(worth(choice.kept) - choice.cost - 0.01 * Double(choice.kept.count)) < 1e-12)
            for first in [[], [0], [1]] {
                for second in [[], [2], [3]] {
                    for third in [[], [4], [5]] { #expect(worth(choice.kept) <= worth(first + second + third) + 1e-12) }
                }
            }
        }
    }
}
