// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import TestSupport
import Testing

struct CalibrationTests {
    /// The definition, over logits that don't overflow.
    static func softmax(_ logits: [Float], temperature: Double) -> [Double] {
        let shares = logits.map { exp(Double($0) / temperature) }
        return shares.map { $0 / shares.reduce(0, +) }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func measuresEqualTheirDefinitions(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 2...20, using: &random)
        let logits = (0..<count).map { _ in Float.random(in: -8...8, using: &random) }
        let value = Double.random(in: 0.3...4, using: &random)
        let calibration = Calibration(temperature: try #require(Temperature(value)))
        let expected = Self.softmax(logits, temperature: value)
        let sorted = expected.sorted(by: >)
        let confidence = try calibration.confidence(of: logits.span)
        // Each probability is a ratio of sums of `count` rounded terms.
        let bound = 8 * Double(count) * Double.ulpOfOne
        #expect(expected[confidence.classIndex] == sorted[0])
        #expect(abs(confidence.topOne - sorted[0]) <= bound)
        #expect(abs(confidence.margin - (sorted[0] - sorted[1])) <= bound)
        let entropy = -expected.reduce(0) { $0 + $1 * log($1) } / log(Double(count))
        #expect(abs(confidence.entropy - entropy) <= 8 * bound)
        let energy = -value * log(logits.reduce(0) { $0 + exp(Double($1) / value) })
        #expect(abs(confidence.energy - energy) <= 32 * bound)
        let probabilities = try calibration.probabilities(of: logits.span)
        for (ours, theirs) in zip(probabilities, expected) { #expect(abs(ours - theirs) <= bound) }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func anyBitPatternGivesMeasuresInRangeOrAFault(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let special: [Float] = [
            .nan, .signalingNaN, .infinity, -.infinity, 0, -0, 1, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
            .leastNonzeroMagnitude, .leastNormalMagnitude,
        ]
        for _ in 0..<50 {
            let count = Int.random(in: 0...6, using: &random)
            let output = (0..<count).map { _ in
                Bool.random(using: &random) ? special.randomElement(using: &random)! : Float(bitPattern: .random(in: .min ... .max, using: &random))
            }
            for scores in [Calibration.Scores.logits, .probabilities] {
                for value in [1e-3, 1, 1e3] {
                    let calibration = Calibration(scores: scores, temperature: try #require(Temperature(value)))
                    let reading = Reading(of: output.span, calibration: calibration, gate: .all([]))
                    if let confidence = reading.confidence {
                        #expect(output.indices.contains(confidence.classIndex))
                        #expect((0...1).contains(confidence.topOne))
                        #expect(confidence.topOne * Double(count) >= 1 - 1e-12)
                        #expect((0...1).contains(confidence.margin))
                        #expect((0...1).contains(confidence.entropy))
                        #expect(!confidence.energy.isNaN && confidence.score == confidence.topOne)
                        #expect(reading.verdict == .accept)
                    } else {
                        #expect(!reading.verdict.accepts)
                    }
                    if output.contains(where: \.isNaN) || output.isEmpty { #expect(reading.confidence == nil) }
                }
            }
        }
    }

    @Test func eachDamageHasItsFault() {
        let damages: [(Calibration.Scores, [Float], Fault)] = [
            (.logits, [], .empty), (.logits, [1, .nan, 2], .notANumber), (.logits, [.nan], .notANumber),
            (.logits, [0, .infinity], .overflow), (.logits, [-.infinity, -.infinity], .noMass),
            (.probabilities, [], .empty), (.probabilities, [.nan, 1], .notANumber), (.probabilities, [0, 0, 0], .noMass),
            (.probabilities, [0.5, -0.1], .notAProbability), (.probabilities, [0.5, 1.2], .notAProbability),
        ]
        for (scores, output, fault) in damages {
            #expect(throws: fault) { try Calibration(scores: scores).confidence(of: output.span) }
        }
    }

    @Test func aSingleClassIsCertain() throws {
        for output in [0, 1, -5, .greatestFiniteMagnitude] as [Float] {
            let outputs = [output]
            let confidence = try Calibration().confidence(of: outputs.span)
            #expect(confidence.classIndex == 0 && confidence.topOne == 1 && confidence.margin == 1 && confidence.entropy == 0)
        }
    }

    @Test func equalClassesAreFullyUncertainAndTheFirstWins() throws {
        for count in 2...50 {
            let outputs = [Float](repeating: 3, count: count)
            let confidence = try Calibration().confidence(of: outputs.span)
            #expect(confidence.classIndex == 0)
            #expect(confidence.topOne == 1 / Double(count))
            #expect(confidence.margin == 0)
            #expect(abs(confidence.entropy - 1) < 1e-12)
        }
    }

    @Test func zeroAndOneAsProbabilitiesAreCertainty() throws {
        let output: [Float] = [0, 1, 0]
        let confidence = try Calibration(scores: .probabilities).confidence(of: output.span)
        #expect(confidence.classIndex == 1)
        #expect(confidence.topOne > 1 - 1e-15 && confidence.margin > 1 - 1e-15 && confidence.entropy < 1e-12)
        #expect(abs(confidence.energy) < 1e-12)
    }

    @Test func aClassThatIsRuledOutHasNoProbability() throws {
        let output: [Float] = [2, -.infinity, 2]
        let probabilities = try Calibration().probabilities(of: output.span)
        #expect(probabilities == [0.5, 0, 0.5])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func probabilitiesOfASoftmaxReadLikeItsLogits(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let logits = (0..<10).map { _ in Float.random(in: -6...6, using: &random) }
        let outputs = Self.softmax(logits, temperature: 1).map(Float.init)
        for value in [0.5, 1, 2.5] {
            let temperature = try #require(Temperature(value))
            let direct = try Calibration(temperature: temperature).confidence(of: logits.span)
            let through = try Calibration(scores: .probabilities, temperature: temperature).confidence(of: outputs.span)
            #expect(direct.classIndex == through.classIndex)
            // Rounding a probability to float32 moves its logit by one relative epsilon, divided by the temperature.
            let bound = 10 * Double(Float.ulpOfOne) / value
            #expect(abs(direct.topOne - through.topOne) <= bound)
            #expect(abs(direct.margin - through.margin) <= bound)
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aHigherTemperatureIsNeverSurer(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let logits = (0..<6).map { _ in Float.random(in: -30...30, using: &random) }
        var last = 2.0
        for step in 1...40 {
            let temperature = try #require(Temperature(Double(step) * 0.25))
            let confidence = try Calibration(temperature: temperature).confidence(of: logits.span)
            #expect(confidence.topOne <= last)
            last = confidence.topOne
        }
    }
}
