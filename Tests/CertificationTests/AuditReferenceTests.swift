// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import TestSupport
import Testing

/// A certificate and the audits that are held against it count the same event, also where uploads change what the full model says.
struct AuditReferenceTests {
    /// Of uploads, so many get another answer than the image itself; 0.9 % of frames are harmed where all are accepted.
    static func frame(_ random: inout SeededGenerator, changed: Double) -> PairedSample {
        let score = Double.random(in: 0..<1, using: &random)
        let isHarmed = Double.random(in: 0..<1, using: &random) < 0.027 * (1 - score) * (1 - score)
        var frame = sample(score, harm: isHarmed)
        guard Double.random(in: 0..<1, using: &random) < changed else { return frame }
        // To a third class, or to the local network's wrong one.
        frame.recoveredClass = isHarmed && Bool.random(using: &random) ? 1 : 2
        return frame
    }

    /// In how many of some streams of 2,000 audits the gate moves, with each stream a certificate of its own, on frames like those that it was certified on.
    static func alarms(streams: Int, changed: Double, reference: (PairedSample) -> PairedSample) throws -> Int {
        var alarms = 0
        for seed in 0..<UInt64(streams) {
            var random = SeededGenerator(seed: 9000 + seed)
            let certifier = try #require(Certifier(risk: .harm, bound: 0.01, measure: .margin))
            let rungs = try certifier.rungs((0..<2500).map { _ in reference(frame(&random, changed: changed)) })
            var settings = AuditLadder.Settings()
            (settings.share, settings.spacing, settings.runLength) = (1, .zero, 100_000)
            let gate = try #require(CertifiedGate(rungs: rungs, fullModel: ""))
            var ladder = try #require(AuditLadder(gate, settings: settings))
            var now = Duration.zero
            while ladder.rung == 0, ladder.total.count < 2000 {
                now += .milliseconds(50)
                let frame = frame(&random, changed: changed)
                let score = try #require(frame.confidence?.margin)
                let isAudited = ladder.handle(.read(score: score, isAccepted: score >= rungs[0].threshold), now: now, using: &random) == .audit
                if isAudited { _ = ladder.handle(.audited(score: score, rung: 0, agrees: frame.agreesWithUpload), now: now, using: &random) }
            }
            if ladder.rung > 0 { alarms += 1 }
        }
        return alarms
    }

    /// A twentieth of certificates may have too low a limit, and a fiftieth of streams a false alarm: 4.2 of 60, and three deviations.
    @Test(arguments: [0, 0.01, 0.03, 0.1]) func onWhatItWasCertifiedOnThereIsNoAlarmWhateverUploadsChange(changed: Double) throws {
        #expect(try Self.alarms(streams: 60, changed: changed) { $0 } <= 10)
    }

    /// The same audits held against what the full model says of the images themselves: the alarm is about the upload, and nothing has drifted.
    @Test func heldAgainstTheImagesThemselvesAuditsWouldCryWolf() throws {
        let alarms = try Self.alarms(streams: 60, changed: 0.03) { frame in
            var blind = frame
            blind.recoveredClass = nil
            return blind
        }
        #expect(alarms >= 55, "\(alarms)")
    }

    /// `harm ≤ P(accepted, differs by the upload) + P(accepted, the upload misleads to the local answer)`, sample by sample.
    @Test func harmIsAtMostWhatAuditsSeeAndWhereUploadsMislead() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let frame = Self.frame(&random, changed: 0.5)
            let misled = frame.recoveredClass.map { $0 != frame.fullClass && $0 == frame.confidence?.classIndex } ?? false
            #expect(frame.loss(.harm, accepted: true) <= (frame.agreesWithUpload ? 0 : 1) + (misled ? 1 : 0))
        }
    }
}
