// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import Testing

struct PairedSampleTests {
    private func sample(local: Int?, full: Int, label: Int?) -> PairedSample {
        PairedSample(
            confidence: local.map { Confidence(classIndex: $0, topOne: 0.9, margin: 0.8, entropy: 0.1, energy: -3) }, fullClass: full, label: label)
    }

    @Test func harmIsALocalErrorThatTheFullModelWouldNotHaveMade() {
        #expect(sample(local: 1, full: 2, label: 2).loss(.harm) == 1)
        #expect(sample(local: 1, full: 2, label: 1).loss(.harm) == 0)
        #expect(sample(local: 1, full: 2, label: 3).loss(.harm) == 0)
        #expect(sample(local: 2, full: 2, label: 2).loss(.harm) == 0)
        #expect(sample(local: nil, full: 2, label: 2).loss(.harm) == 1)
    }

    @Test func accuracyLossIsNegativeWhereOnlyTheLocalAnswerIsRight() {
        #expect(sample(local: 1, full: 2, label: 2).loss(.accuracyLoss) == 1)
        #expect(sample(local: 1, full: 2, label: 1).loss(.accuracyLoss) == -1)
        #expect(sample(local: 1, full: 2, label: 3).loss(.accuracyLoss) == 0)
    }

    @Test func withoutALabelDisagreementIsHarm() {
        #expect(sample(local: 1, full: 2, label: nil).loss(.harm) == 1)
        #expect(sample(local: 2, full: 2, label: nil).loss(.accuracyLoss) == 0)
    }
}
