// SPDX-License-Identifier: Apache-2.0
import Gating
import TestSupport
import Testing

/// Random gates on random and damaged scores.
struct HostileScoreTests {
    static let special: [Double] = [
        .nan, .signalingNaN, .infinity, -.infinity, 0, -0.0, 1, 0.5, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude,
        -.greatestFiniteMagnitude, 1 - .ulpOfOne / 2, 1 + .ulpOfOne, -1, 2,
    ]

    static func number(_ random: inout SeededGenerator) -> Double {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: special.randomElement(using: &random)!
        case 1: Double(bitPattern: .random(in: .min ... .max, using: &random))
        default: .random(in: -0.2...1.2, using: &random)
        }
    }

    /// - Parameter isFinite: else thresholds may be anything.
    static func gate(_ depth: Int, isFinite: Bool, _ random: inout SeededGenerator) -> Gate {
        func threshold() -> Double { isFinite ? .random(in: -0.1...1.1, using: &random) : number(&random) }
        func some() -> [Gate] { (0..<Int.random(in: 0...3, using: &random)).map { _ in gate(depth - 1, isFinite: isFinite, &random) } }
        let measure = Measure.allCases.randomElement(using: &random)!
        switch Int.random(in: 0..<(depth == 0 ? 2 : 5), using: &random) {
        case 0: return .threshold(measure, threshold())
        case 1:
            let classes = (0..<Int.random(in: 0...3, using: &random)).map { _ in (Int.random(in: -1...4, using: &random), threshold()) }
            return .perClass(measure, thresholds: Dictionary(classes) { first, _ in first }, otherwise: threshold())
        case 2: return .all(some())
        case 3: return .any(some())
        default: return .not(gate(depth - 1, isFinite: isFinite, &random))
        }
    }

    static func confidence(_ number: (inout SeededGenerator) -> Double, _ random: inout SeededGenerator) -> Confidence {
        Confidence(
            classIndex: .random(in: -1...4, using: &random), topOne: number(&random), margin: number(&random), entropy: number(&random),
            energy: number(&random), score: number(&random))
    }

    /// What `gate` accepts, by the words of its documentation.
    static func accepts(_ gate: Gate, _ confidence: Confidence) -> Bool {
        switch gate {
        case .threshold(let measure, let threshold):
            measure.risesWithConfidence ? confidence[measure] >= threshold : confidence[measure] <= threshold
        case .perClass(let measure, let thresholds, let otherwise):
            accepts(.threshold(measure, thresholds[confidence.classIndex] ?? otherwise), confidence)
        case .all(let gates): gates.allSatisfy { accepts($0, confidence) }
        case .any(let gates): gates.contains { accepts($0, confidence) }
        case .not(let gate): !accepts(gate, confidence)
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func anyGateDecidesAnyScoreAndAcceptsNoDamage(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let gate = Self.gate(4, isFinite: false, &random)
            let confidence = Self.confidence(Self.number, &random)
            let verdict = gate.verdict(on: confidence)
            let isDamaged = Measure.allCases.contains { !confidence[$0].isFinite }
            #expect(verdict.accepts == (!isDamaged && Self.accepts(gate, confidence)), "\(gate) on \(confidence)")
            if isDamaged {
                guard case .escalate(.fault) = verdict else {
                    Issue.record("\(verdict) on \(confidence)")
                    continue
                }
            } else {
                #expect(Gate.not(.not(gate)).verdict(on: confidence).accepts == verdict.accepts)
                #expect(Gate.not(gate).verdict(on: confidence).accepts != verdict.accepts)
                #expect(Gate.all([gate, .not(gate)]).verdict(on: confidence).accepts == false)
                #expect(Gate.any([gate, .not(gate)]).verdict(on: confidence).accepts)
            }
            #expect(gate.verdict(on: confidence, stricterBy: 0).accepts == verdict.accepts)
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func anyOutputThatIsDamagedIsAcceptedByNoGate(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let special: [Float] = [.nan, .infinity, -.infinity, 0, 1, -1, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude]
        for _ in 0..<300 {
            let gate = Self.gate(3, isFinite: true, &random)
            let count = Int.random(in: 0...4, using: &random)
            let isEqual = Int.random(in: 0..<4, using: &random) == 0
            let one = special.randomElement(using: &random)!
            let output = (0..<count).map { _ in isEqual ? one : special.randomElement(using: &random)! }
            let scores: Calibration.Scores = Bool.random(using: &random) ? .logits : .probabilities
            let combination = Bool.random(using: &random) ? CombinedScore(intercept: 1, slope: 0.5, offsets: [0.1, -0.1]) : nil
            let calibration = Calibration(scores: scores, combination: combination)
            let reading = Reading(of: output.span, calibration: calibration, gate: gate, hysteresis: .random(in: 0...1, using: &random))
            if let confidence = reading.confidence {
                #expect(reading.verdict.accepts == Self.accepts(gate, confidence))
                #expect(!reading.isClear || reading.verdict.accepts)
            } else {
                #expect(!reading.verdict.accepts && !reading.isClear)
            }
            let isSound = !output.isEmpty && !output.contains(where: \.isNaN) && !output.contains(.infinity)
            if !isSound { #expect(reading.confidence == nil) }
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func aStricterGateNeverAcceptsMore(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let gate = Self.gate(4, isFinite: true, &random)
            let confidence = Self.confidence({ .random(in: 0...1, using: &$0) }, &random)
            var shares = (0..<6).map { _ in Double.random(in: 0...1, using: &random) } + [0, 1]
            shares.sort()
            var last = true
            for share in shares {
                let accepts = gate.verdict(on: confidence, stricterBy: share).accepts
                #expect(last || !accepts, "\(gate) by \(share) on \(confidence)")
                last = accepts
            }
        }
    }

    @Test func halfWayToCertaintyIsHalfOfWhatIsMissing() {
        let cases: [(Measure, Double, Double)] = [(.topOne, 0.6, 0.8), (.margin, 0, 0.5), (.score, 1, 1), (.entropy, 0.4, 0.2), (.energy, -4, -6), (.energy, 4, 2), (.energy, 0, -0.5)]
        for (measure, threshold, stricter) in cases {
            let confidence = Confidence(classIndex: 0, topOne: -9, margin: -9, entropy: 9, energy: 9, score: -9)
            guard case .escalate(.unsure(_, _, let used)) = Gate.threshold(measure, threshold).verdict(on: confidence, stricterBy: 0.5) else {
                Issue.record("\(measure)")
                continue
            }
            #expect(abs(used - stricter) < 1e-12)
        }
        // What a `not` rules out grows.
        let gate = Gate.not(.threshold(.topOne, 0.8))
        let confidence = Confidence(classIndex: 0, topOne: 0.5, margin: 0, entropy: 0, energy: 0)
        #expect(gate.verdict(on: confidence, stricterBy: 0.3).accepts && !gate.verdict(on: confidence, stricterBy: 0.4).accepts)
    }

    @Test func aClassMayHaveAThresholdOfItsOwn() {
        let gate = Gate.perClass(.margin, thresholds: [2: 0.9], otherwise: 0.6)
        for (index, margin, accepts) in [(2, 0.9, true), (2, 0.89, false), (0, 0.6, true), (0, 0.59, false), (7, 0.7, true)] {
            let confidence = Confidence(classIndex: index, topOne: 0, margin: margin, entropy: 0, energy: 0)
            let verdict = gate.verdict(on: confidence)
            #expect(verdict.accepts == accepts)
            if !accepts { #expect(verdict == .escalate(.unsure(.margin, value: margin, threshold: index == 2 ? 0.9 : 0.6))) }
        }
    }
}
