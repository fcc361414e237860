// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import TestSupport
import Testing

struct CombinedScoreTests {
    /// Outputs of three classes and labels: an answer of class `c` with odds `x` is right with probability `σ(slope · x + offsets[c])`.
    static func sample(_ count: Int, slope: Double = 1, offsets: [Double] = [0, 0, 0], seed: UInt64) -> (outputs: [[Float]], labels: [Int]) {
        var random = SeededGenerator(seed: seed)
        var outputs: [[Float]] = []
        var labels: [Int] = []
        for _ in 0..<count {
            let logits = (0..<3).map { _ in Float.random(in: -4...4, using: &random) }
            let (top, odds) = odds(logits)
            let isRight = Double.random(in: 0..<1, using: &random) < 1 / (1 + exp(-(slope * odds + offsets[top])))
            outputs.append(logits)
            labels.append(isRight ? top : (top + Int.random(in: 1...2, using: &random)) % 3)
        }
        return (outputs, labels)
    }

    static func odds(_ logits: [Float]) -> (top: Int, odds: Double) {
        let shares = logits.map { exp(Double($0)) }
        let sorted = shares.sorted(by: >)
        let margin = (sorted[0] - sorted[1]) / shares.reduce(0, +)
        return (logits.firstIndex(of: logits.max()!)!, min(max(log(margin / (1 - margin)), -6), 36))
    }

    static func confidence(_ logits: [Float], _ combination: CombinedScore?) throws -> Confidence {
        try Calibration(combination: combination).confidence(of: logits.span)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func scoresEqualTheirDefinition(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let combination = CombinedScore(
            intercept: .random(in: -3...3, using: &random), slope: .random(in: 0.1...2, using: &random),
            offsets: (0..<3).map { _ in Double.random(in: -1...1, using: &random) })
        let logits = (0..<3).map { _ in Float.random(in: -6...6, using: &random) }
        let (top, odds) = Self.odds(logits)
        let expected = 1 / (1 + exp(-(combination.intercept + combination.slope * odds + combination.offsets[top])))
        let confidence = try Self.confidence(logits, combination)
        #expect(abs(confidence.score - expected) < 1e-9 && confidence[.score] == confidence.score)
        #expect(try Self.confidence(logits, nil).score == confidence.topOne)
    }

    @Test func withinAClassTheScoreOrdersAsTheMarginDoes() throws {
        let combination = CombinedScore(intercept: 0.5, slope: 0.7, offsets: [-0.3, 0.2])
        var last = (margin: -1.0, score: -1.0)
        for step in 0...4000 {
            let confidence = try Self.confidence([Float(step) / 50, 0], combination)
            #expect(confidence.margin >= last.margin && confidence.score >= last.score)
            // Where one minus the margin is below its rounding, the score still tells frames apart.
            if step > 0, step < 1200 { #expect(confidence.score > last.score) }
            last = (confidence.margin, confidence.score)
        }
    }

    @Test func scoresStayBetweenZeroAndOneForEveryOutput() throws {
        let extremes: [Float] = [-.infinity, -.greatestFiniteMagnitude, -1, 0, 1, .greatestFiniteMagnitude]
        for combination in [CombinedScore(intercept: 1000, slope: 1000, offsets: [1000]), CombinedScore(intercept: -1000, slope: 1e-9, offsets: [])] {
            for first in extremes {
                for second in extremes where max(first, second) > -.infinity {
                    let score = try Self.confidence([first, second], combination).score
                    #expect((0...1).contains(score))
                }
            }
        }
        #expect(try (0...1).contains(Self.confidence([3], CombinedScore(intercept: 0, slope: 1)).score))
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func recoversWhatMadeTheLabels(seed: UInt64) throws {
        let (outputs, labels) = Self.sample(40_000, slope: 0.6, offsets: [0.4, 0, -0.4], seed: seed)
        let fitted = try #require(CombinedScore.fit(outputs: outputs, labels: labels, calibration: Calibration()))
        #expect(abs(fitted.slope - 0.6) < 0.05)
        for (index, offset) in [0.4, 0, -0.4].enumerated() { #expect(abs(fitted.intercept + fitted.offsets[index] - offset) < 0.1) }
    }

    @Test func noNeighbourIsMoreProbable() throws {
        let (outputs, labels) = Self.sample(3000, slope: 0.8, offsets: [0.5, 0, -0.5], seed: 11)
        let fitted = try #require(CombinedScore.fit(outputs: outputs, labels: labels, calibration: Calibration()))
        let points = zip(outputs, labels).map { (Self.odds($0), $1) }
        func objective(_ score: CombinedScore, precision: Double) -> Double {
            let likelihood = points.reduce(0.0) { sum, point in
                let ((top, odds), label) = point
                let probability = 1 / (1 + exp(-(score.intercept + score.slope * odds + score.offsets[top])))
                return sum + log(top == label ? probability : 1 - probability)
            }
            return likelihood - (0.25 * score.intercept * score.intercept + (score.slope - 1) * (score.slope - 1)) / 2
                - precision * score.offsets.reduce(0) { $0 + $1 * $1 } / 2
        }
        // It is the maximum for one of the priors that it may choose from.
        let isMaximum = [64, 32, 16, 8].contains { precision in
            let best = objective(fitted, precision: precision)
            return [-0.02, 0.02].allSatisfy { change in
                var neighbours = [fitted, fitted]
                neighbours[0].intercept += change
                neighbours[1].slope += change
                neighbours += fitted.offsets.indices.map { index in
                    var neighbour = fitted
                    neighbour.offsets[index] += change
                    return neighbour
                }
                return neighbours.allSatisfy { objective($0, precision: precision) < best }
            }
        }
        #expect(fitted.offsets.count == 3 && isMaximum)
    }

    @Test func withHardlyAnErrorFramesAreOrderedByTheirMargin() throws {
        var (outputs, _) = Self.sample(2000, seed: 3)
        outputs = outputs.map { $0.map { $0 * 3 } }
        var labels = outputs.map { Self.odds($0).top }
        for errors in 0...2 {
            if errors > 0 { labels[errors] = (labels[errors] + 1) % 3 }
            let fitted = try #require(CombinedScore.fit(outputs: outputs, labels: labels, calibration: Calibration()))
            #expect(fitted.offsets.isEmpty && fitted.slope > 0.1 && fitted.isUsable, "\(errors) errors")
        }
    }

    @Test func classesThatAreAlikeGetNoOffsets() throws {
        let (outputs, labels) = Self.sample(3000, seed: 6)
        let fitted = try #require(CombinedScore.fit(outputs: outputs, labels: labels, calibration: Calibration()))
        #expect(fitted.offsets.allSatisfy { $0.magnitude < 0.2 })
    }

    @Test func separableSamplesHaveAFiniteFit() throws {
        let mixed: [[Float]] = (0..<60).map { $0 % 2 == 0 ? [30, 0] : [0, 0.1] }
        let cases: [(outputs: [[Float]], labels: [Int])] = [
            (mixed, Array(repeating: 0, count: 60)), ([[30, 0]], [0]), ([[1, 0]], [1]), ([[0, 0]], [1]),
            ([[Float]](repeating: [-.infinity, 5], count: 9), Array(repeating: 1, count: 9)),
        ]
        for (outputs, labels) in cases {
            let fitted = CombinedScore.fit(outputs: outputs, labels: labels, calibration: Calibration())
            #expect(fitted?.isUsable == true)
        }
    }

    @Test func aNetworkThatIsTheSurerTheWrongerItIsHasNoCombination() {
        let outputs: [[Float]] = (0..<60).map { $0 % 2 == 0 ? [30, 0] : [0, 0.1] }
        let fitted = CombinedScore.fit(outputs: outputs, labels: Array(repeating: 1, count: 60), calibration: Calibration())
        #expect(fitted == nil)
    }

    @Test func damagedRowsAreLeftOut() throws {
        let (outputs, labels) = Self.sample(500, seed: 5)
        let clean = try #require(CombinedScore.fit(outputs: outputs, labels: labels, calibration: Calibration()))
        let damaged: [[Float]] = [[.nan, 1, 2], [.infinity, 0, 0]]
        #expect(CombinedScore.fit(outputs: outputs + damaged, labels: labels + [0, 0], calibration: Calibration()) == clean)
    }

    @Test func nothingToLearnFromIsNoCombination() {
        #expect(CombinedScore.fit(outputs: [], labels: [], calibration: Calibration()) == nil)
        #expect(CombinedScore.fit(outputs: [[3]], labels: [0], calibration: Calibration()) == nil)
        #expect(CombinedScore.fit(outputs: [[.nan, 1]], labels: [0], calibration: Calibration()) == nil)
    }

    @Test func whatIsNotANumberOrFallsWithTheMarginIsNotUsable() {
        #expect(CombinedScore(intercept: 0, slope: 1, offsets: [3, -2]).isUsable)
        for broken in [
            CombinedScore(intercept: .nan, slope: 1), .init(intercept: 0, slope: 0), .init(intercept: 0, slope: -1), .init(intercept: 0, slope: .infinity),
            .init(intercept: 0, slope: .nan), .init(intercept: 0, slope: 1, offsets: [0, .nan]), .init(intercept: 1e9, slope: 1),
        ] {
            #expect(!broken.isUsable)
        }
    }
}
