// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import Testing

struct RiskCoverageCurveTests {
    @Test func everyPointCountsWhatItsThresholdAccepts() {
        var samples = population(400, seed: 21)
        for index in stride(from: 0, to: 400, by: 7) { samples[index].recoveredClass = index % 3 }
        for measure in Measure.allCases {
            let curve = RiskCoverageCurve(samples, by: measure)
            #expect(curve.points.map(\.accepted) == curve.points.map(\.accepted).sorted())
            #expect(curve.points.last?.accepted == 400)
            for point in curve.points {
                let gate = Gate.threshold(measure, point.threshold)
                let verdicts = samples.map { ($0, $0.confidence.map { gate.verdict(on: $0).accepts } ?? false) }
                let accepted = verdicts.filter(\.1).map(\.0)
                #expect(point.coverage == Double(accepted.count) / 400)
                #expect(point.harm == Double(verdicts.reduce(0) { $0 + $1.0.loss(.harm, accepted: $1.1) }) / 400)
                #expect(point.accuracyLoss == Double(verdicts.reduce(0) { $0 + $1.0.loss(.accuracyLoss, accepted: $1.1) }) / 400)
                #expect(point.selectiveRisk == Double(accepted.count { !$0.localIsRight }) / Double(accepted.count))
                #expect(point.systemAccuracy == Double(verdicts.count { $0.1 ? $0.0.localIsRight : $0.0.recoveredIsRight }) / 400)
            }
        }
    }

    @Test func theIdealIsTheWidestPointWithinTheLimit() {
        // Losses: one at rank 2, a gain at rank 5, two losses at ranks 8 and 9.
        let samples = ladder(10, harm: { [2, 8, 9].contains($0) }, gain: { $0 == 5 })
        let curve = RiskCoverageCurve(samples, by: .topOne)
        #expect(curve.widest(.harm, atMost: 0)?.accepted == 2)
        #expect(curve.widest(.harm, atMost: 0.1)?.accepted == 8)
        #expect(curve.widest(.accuracyLoss, atMost: 0)?.accepted == 8)
        #expect(curve.widest(.accuracyLoss, atMost: 0.1)?.accepted == 9)
        #expect(curve.widest(.accuracyLoss, atMost: -0.1) == nil)
    }

    @Test func theAreaIsTheMeanOfSelectiveRisks() {
        // Errors at ranks 1 and 3 of four: (0 + 1/2 + 1/3 + 2/4) / 4.
        let distinct = [sample(0.9), sample(0.8, harm: true), sample(0.7), sample(0.6, harm: true)]
        #expect(abs(RiskCoverageCurve(distinct, by: .topOne).areaUnderCurve - (0.5 + 1.0 / 3 + 0.5) / 4) < 1e-15)
        // Equal scores: half of them are wrong, at whatever coverage.
        let equal = (0..<4).map { sample(0.5, harm: $0 % 2 == 0) }
        #expect(RiskCoverageCurve(equal, by: .topOne).areaUnderCurve == 0.5)
        // A damaged output comes last: (0 + 1/2) / 2.
        let damaged = [PairedSample(confidence: nil, fullClass: 0, label: 0), sample(0.1)]
        #expect(RiskCoverageCurve(damaged, by: .topOne).areaUnderCurve == 0.25)
        #expect(RiskCoverageCurve([], by: .topOne).areaUnderCurve == 0)
    }

    @Test func withoutSamplesThereAreNoPoints() {
        let curve = RiskCoverageCurve([], by: .entropy)
        #expect(curve.points.isEmpty && curve.widest(.harm, atMost: 1) == nil)
        #expect(RiskCoverageCurve([sample(.nan)], by: .topOne).points.isEmpty)
        #expect(RiskCoverageCurve([sample(0.5)], by: .topOne).points.count == 1)
    }
}
