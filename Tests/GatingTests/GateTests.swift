// SPDX-License-Identifier: Apache-2.0
import Gating
import Testing

struct GateTests {
    static let sure = Confidence(classIndex: 2, topOne: 0.9, margin: 0.85, entropy: 0.2, energy: -6)
    static let damaged = Confidence(classIndex: 0, topOne: .nan, margin: .nan, entropy: .nan, energy: .nan)

    @Test func acceptsAtTheThresholdAndBeyond() {
        for (measure, passing, failing) in [
            (Measure.topOne, 0.9, 0.9000001), (.margin, 0.85, 0.8500001), (.entropy, 0.2, 0.1999999), (.energy, -6, -6.000001),
        ] {
            #expect(Gate.threshold(measure, passing).verdict(on: Self.sure) == .accept)
            #expect(
                Gate.threshold(measure, failing).verdict(on: Self.sure)
                    == .escalate(.unsure(measure, value: Self.sure[measure], threshold: failing)))
        }
    }

    @Test func thresholdsOfZeroAndOneAreTheWholeAndTheCertain() {
        let certain = Confidence(classIndex: 0, topOne: 1, margin: 1, entropy: 0, energy: 0)
        let clueless = Confidence(classIndex: 0, topOne: 0, margin: 0, entropy: 1, energy: 0)
        for measure in [Measure.topOne, .margin] {
            #expect(Gate.threshold(measure, 0).verdict(on: clueless).accepts)
            #expect(Gate.threshold(measure, 1).verdict(on: certain).accepts)
            #expect(!Gate.threshold(measure, 1).verdict(on: Self.sure).accepts)
        }
        #expect(Gate.threshold(.entropy, 1).verdict(on: clueless).accepts)
        #expect(Gate.threshold(.entropy, 0).verdict(on: certain).accepts)
        #expect(!Gate.threshold(.entropy, 0).verdict(on: Self.sure).accepts)
    }

    @Test func aFloorIsKnownWhereNothingElseIsAskedFor() {
        let one = Gate.threshold(.topOne, 0.7)
        #expect(one.floor(of: .topOne) == 0.7 && one.floor(of: .margin) == nil)
        #expect(Gate.any([]).floor(of: .topOne) == .infinity && Gate.all([]).floor(of: .topOne) == -.infinity)
        for other in [.all([one, one]), .any([one]), .not(one), .perClass(.topOne, thresholds: [:], otherwise: 0.7)] as [Gate] { #expect(other.floor(of: .topOne) == nil) }
    }

    @Test func nothingThatIsNotANumberIsAccepted() {
        for measure in Measure.allCases {
            #expect(!Gate.threshold(measure, 0).verdict(on: Self.damaged).accepts)
            #expect(!Gate.threshold(measure, .nan).verdict(on: Self.sure).accepts)
        }
        let output: [Float] = [.nan, 3]
        let always = Gate.not(.threshold(.topOne, 2))
        #expect(Reading(of: output.span, calibration: Calibration(), gate: always).verdict == .escalate(.fault(.notANumber)))
    }

    @Test func combinationsFollowBooleanAlgebra() {
        let leaf: (Bool) -> Gate = { .threshold(.topOne, $0 ? 0 : 2) }
        for first in [true, false] {
            #expect(Gate.not(leaf(first)).verdict(on: Self.sure).accepts == !first)
            #expect(Gate.not(.not(leaf(first))).verdict(on: Self.sure).accepts == first)
            for second in [true, false] {
                #expect(Gate.all([leaf(first), leaf(second)]).verdict(on: Self.sure).accepts == (first && second))
                #expect(Gate.any([leaf(first), leaf(second)]).verdict(on: Self.sure).accepts == (first || second))
            }
        }
        #expect(Gate.all([]).verdict(on: Self.sure).accepts)
        #expect(Gate.any([]).verdict(on: Self.sure) == .escalate(.ruledOut))
    }

    @Test func theReasonNamesTheMeasureThatFailed() {
        let gate = Gate.all([.threshold(.topOne, 0.5), .threshold(.margin, 0.9)])
        #expect(gate.verdict(on: Self.sure) == .escalate(.unsure(.margin, value: 0.85, threshold: 0.9)))
        #expect(Verdict.Reason.unsure(.margin, value: 0.85, threshold: 0.9).description == "margin 0.85 is below 0.9")
        #expect(Verdict.Reason.unsure(.entropy, value: 0.5, threshold: 0.2).description == "entropy 0.5 is above 0.2")
    }

    @Test func aStricterThresholdNeverAcceptsMore() {
        for step in 0...100 {
            let confidence = Confidence(classIndex: 0, topOne: Double(step) / 100, margin: 0, entropy: 0, energy: 0)
            var accepted = true
            for threshold in 0...100 {
                let now = Gate.threshold(.topOne, Double(threshold) / 100).verdict(on: confidence).accepts
                #expect(accepted || !now)
                accepted = now
            }
        }
    }
}
