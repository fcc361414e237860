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
        #expect(sample(local: 1, full: 2, label: 2).loss(.harm, accepted: true) == 1)
        #expect(sample(local: 1, full: 2, label: 1).loss(.harm, accepted: true) == 0)
        #expect(sample(local: 1, full: 2, label: 3).loss(.harm, accepted: true) == 0)
        #expect(sample(local: 2, full: 2, label: 2).loss(.harm, accepted: true) == 0)
        #expect(sample(local: nil, full: 2, label: 2).loss(.harm, accepted: true) == 1)
    }

    @Test func accuracyLossIsNegativeWhereOnlyTheLocalAnswerIsRight() {
        #expect(sample(local: 1, full: 2, label: 2).loss(.accuracyLoss, accepted: true) == 1)
        #expect(sample(local: 1, full: 2, label: 1).loss(.accuracyLoss, accepted: true) == -1)
        #expect(sample(local: 1, full: 2, label: 3).loss(.accuracyLoss, accepted: true) == 0)
    }

    @Test func withoutALabelDisagreementIsHarm() {
        #expect(sample(local: 1, full: 2, label: nil).loss(.harm, accepted: true) == 1)
        #expect(sample(local: 2, full: 2, label: nil).loss(.accuracyLoss, accepted: true) == 0)
    }

    /// An audit can't tell an upload that changes the full model's answer from a local error, and doesn't see an error that the upload leads the full model into as well.
    @Test func anAuditSeesTheAnswerAboutTheUpload() {
        var audited = sample(local: 1, full: 2, label: 2)
        #expect(!audited.agrees && !audited.agreesWithUpload)
        audited.recoveredClass = 1
        #expect(!audited.agrees && audited.agreesWithUpload && audited.loss(.harm, accepted: true) == 1)
        audited = sample(local: 2, full: 2, label: 2)
        #expect(audited.agrees && audited.agreesWithUpload)
        audited.recoveredClass = 3
        #expect(audited.agrees && !audited.agreesWithUpload && audited.loss(.harm, accepted: true) == 0)
        #expect(!sample(local: nil, full: 2, label: 2).agreesWithUpload)
    }

    @Test func whatIsNotAcceptedCostsWhatTheUploadCosts() {
        var escalated = sample(local: 1, full: 2, label: 2)
        #expect(escalated.loss(.harm, accepted: false) == 0)
        #expect(escalated.loss(.accuracyLoss, accepted: false) == 0)
        escalated.recoveredClass = 3
        #expect(escalated.loss(.harm, accepted: false) == 0)
        #expect(escalated.loss(.accuracyLoss, accepted: false) == 1)
        escalated.label = 3
        #expect(escalated.loss(.accuracyLoss, accepted: false) == -1)
        escalated.label = nil
        #expect(escalated.loss(.accuracyLoss, accepted: false) == 1)
        #expect(escalated.loss(.accuracyLoss, accepted: true) == 1)
    }
}
