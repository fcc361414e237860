// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import TestSupport
import Testing

struct CertifierTests {
    private func certifier(_ risk: Certificate.Risk = .harm, _ bound: Double = 0.01, by measure: Measure = .margin) throws -> Certifier {
        try #require(Certifier(risk: risk, bound: bound, measure: measure))
    }

    private func refusal(_ certifier: Certifier, _ samples: [PairedSample]) -> Refusal? {
        do throws(Refusal) {
            _ = try certifier.certify(samples)
            return nil
        } catch {
            return error
        }
    }

    @Test func acceptsUpToTheLastHarmThatTheTestAllows() throws {
        // 2,500 samples allow 16 harms; the 17th is the sample at position 1,700 from the top.
        let samples = ladder(2500, harm: { $0 % 100 == 0 && $0 > 0 })
        let certificate = try certifier().certify(samples)
        #expect(certificate.accepted == 1700)
        #expect(certificate.loss == 16)
        #expect(certificate.disagreements == 16)
        #expect(certificate.threshold == 1 - 1699.0 / 5000)
        #expect(certificate.samples == 2500 && certificate.coverage == 0.68)
        #expect(certificate.isLabelled && certificate.risk == .harm && certificate.bound == 0.01 && certificate.confidence == 0.95)
    }

    @Test func gainsPayForLosses() throws {
        let samples = ladder(2500, harm: { $0 % 20 == 1 }, gain: { $0 % 20 == 2 })
        let harm = try certifier(.harm, 0.01).certify(samples)
        let loss = try certifier(.accuracyLoss, 0.01).certify(samples)
        #expect(harm.accepted < 400)
        #expect(loss.accepted > 1500)
        #expect(abs(loss.loss) <= 1)
        #expect(loss.disagreements > 150)
    }

    @Test(arguments: Measure.allCases) func aGateWithTheThresholdAcceptsWhatTheCertificateCounts(_ measure: Measure) throws {
        let samples = population(3000, seed: 11)
        for risk in Certificate.Risk.allCases {
            let certificate = try certifier(risk, 0.02, by: measure).certify(samples)
            let gate = Gate.threshold(measure, certificate.threshold)
            let accepted = samples.filter { $0.confidence.map { gate.verdict(on: $0).accepts } ?? false }
            #expect(accepted.count == certificate.accepted)
            #expect(accepted.reduce(0) { $0 + $1.loss(risk, accepted: true) } == certificate.loss)
            #expect(accepted.count { !$0.agreesWithUpload } == certificate.disagreements)
            #expect(0 < certificate.accepted && certificate.accepted < 3000)
        }
    }

    @Test func accuracyLostByUploadsCounts() throws {
        // Every 100th sample is lost on its way to the cloud, where it isn't accepted.
        var samples = ladder(2500, harm: { _ in false })
        for index in stride(from: 0, to: 2500, by: 100) { samples[index].recoveredClass = 4 }
        #expect(
            refusal(try certifier(.accuracyLoss, 0.01), samples)?.description
                == "no threshold certifies an accuracy loss of at most 1 % at 95 % confidence on 2500 samples: accepting nothing, which leaves all to the uploads, "
                + "loses 25 and gains 0, and at most 16 would be a proof; where errors stay as frequent, no number of samples is enough")
        #expect(try certifier(.harm, 0.01).certify(samples).coverage == 1)
        let certificate = try certifier(.accuracyLoss, 0.02).certify(samples)
        #expect(certificate.coverage == 1 && certificate.loss == 0)
        // Uploads that do better than the image itself pay for local errors.
        var better = ladder(2500, harm: { $0 < 1250 && $0 % 50 == 0 })
        let without = try certifier(.accuracyLoss, 0.005).certify(better)
        for index in 1300..<1330 {
            better[index].fullClass = 4
            better[index].recoveredClass = 0
            better[index].confidence?.classIndex = 4
        }
        let with = try certifier(.accuracyLoss, 0.005).certify(better)
        #expect(without.accepted < 400 && with.accepted > 1300)
    }

    @Test func withTooFewSamplesNothingIsCertifiedAndTheNumberIsSaid() throws {
        for risk in Certificate.Risk.allCases {
            for count in [0, 1, 2, 59, 298] {
                let refusal = refusal(try certifier(risk), population(count, harm: 0, gain: 0.5, seed: 3))
                #expect(refusal == .tooFewSamples(count, needed: 299, risk: risk, bound: 0.01, confidence: 0.95))
            }
            #expect(refusal(try certifier(risk), population(299, harm: 0, gain: 0, seed: 3)) == nil)
        }
        #expect(
            refusal(try certifier(.harm, 0.005), [])?.description
                == "0 samples are too few to certify harm of at most 0.5 % at 95 % confidence: "
                + "at least 598 are needed, and more where there are errors among them")
    }

    @Test func anErrorAmongTheSurestOfJustEnoughSamplesIsToldFromTooFew() throws {
        let samples = ladder(299, harm: { $0 == 0 })
        #expect(
            refusal(try certifier(), samples)?.description
                == "no threshold certifies harm of at most 1 % at 95 % confidence on 299 samples: accepting the 1 surest loses 1, and at most 0 would be a proof; "
                + "where errors stay as frequent, about 773 samples are needed")
    }

    @Test func equalScoresAreAcceptedTogetherOrNotAtAll() throws {
        let few = (0..<1000).map { sample(0.5, harm: $0 < 2) }
        #expect(try certifier().certify(few).accepted == 1000)
        let many = (0..<1000).map { sample(0.5, harm: $0 < 60) }
        #expect(refusal(try certifier(), many) == .noThreshold(risk: .harm, bound: 0.01, confidence: 0.95, samples: 1000, accepted: 1000, losses: 60, gains: 0, mostLosses: 4, needed: nil))
        // The harmless half of a group can't be told from the other one.
        let samples = (0..<1000).map { sample($0 < 400 ? 0.9 : 0.5, harm: $0 >= 900) }
        #expect(try certifier().certify(samples).accepted == 400)
    }

    @Test func theOrderOfSamplesMakesNoDifference() throws {
        var generator = SeededGenerator(seed: 5)
        let samples = population(2000, seed: 6)
        for risk in Certificate.Risk.allCases {
            let certificate = try certifier(risk, 0.02).certify(samples)
            for _ in 0..<5 { #expect(try certifier(risk, 0.02).certify(samples.shuffled(using: &generator)) == certificate) }
        }
    }

    @Test func aStricterBoundNeverAcceptsMore() throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            let samples = population(1200, harm: 0.1, gain: 0.08, seed: seed)
            for risk in Certificate.Risk.allCases {
                let accepted = [0.003, 0.005, 0.01, 0.02, 0.04, 0.08].map { (try? certifier(risk, $0).certify(samples))?.accepted ?? 0 }
                #expect(accepted == accepted.sorted(), "seed \(seed) \(risk)")
            }
        }
    }

    @Test func greaterConfidenceNeverAcceptsMore() throws {
        let samples = population(2500, seed: 8)
        for risk in Certificate.Risk.allCases {
            let accepted = try [0.5, 0.9, 0.95, 0.99, 0.999].map {
                try #require(Certifier(risk: risk, bound: 0.02, confidence: $0, measure: .topOne)).certify(samples).accepted
            }
            #expect(accepted == accepted.sorted(by: >))
        }
    }

    @Test func rungsHalveTheBoundAndAcceptLess() throws {
        for risk in Certificate.Risk.allCases {
            let rungs = try certifier(risk, 0.02).rungs(population(2500, seed: 9), count: 8)
            #expect(rungs.count >= 3)
            #expect(rungs[0].bound == 0.02)
            for (wider, stricter) in zip(rungs, rungs.dropFirst()) {
                #expect(stricter.bound <= wider.bound / 2)
                #expect(stricter.accepted < wider.accepted && stricter.threshold > wider.threshold)
            }
            #expect(try certifier(risk, 0.02).rungs(population(2500, seed: 9), count: 1).count == 1)
        }
        #expect(throws: Refusal.self) { try certifier().rungs([]) }
    }

    @Test func hostileScoresAreNeverAccepted() throws {
        let good = population(1500, seed: 10).map(\.self)
        for measure in Measure.allCases {
            let clean = try certifier(.harm, 0.02, by: measure).certify(good)
            var hostile: [PairedSample] = []
            for value in [Double.nan, -.nan, .signalingNaN, -.infinity, .infinity] {
                var confidence = Confidence(classIndex: 0, topOne: value, margin: value, entropy: value, energy: value)
                confidence.classIndex = 0
                hostile.append(PairedSample(confidence: confidence, fullClass: 0, label: 0))
            }
            hostile.append(PairedSample(confidence: nil, fullClass: 0, label: 0))
            let certificate = try certifier(.harm, 0.02, by: measure).certify(good + hostile)
            // They are samples all the same: a few more allow no fewer harms.
            #expect(certificate.samples == 1500 + hostile.count)
            #expect(certificate.accepted >= clean.accepted && certificate.accepted <= clean.accepted + 20)
            #expect(certificate.threshold.isFinite)
            let alone = [[PairedSample]](repeating: hostile, count: 200).flatMap(\.self)
            #expect(refusal(try certifier(.harm, 0.02, by: measure), alone) == .nothingToAccept(alone.count))
        }
    }

    @Test func aSingleClassThatIsAlwaysRightIsCertifiedWhole() throws {
        let samples = [PairedSample](
            repeating: PairedSample(confidence: Confidence(classIndex: 0, topOne: 1, margin: 1, entropy: 0, energy: -1), fullClass: 0, label: nil), count: 300)
        for measure in Measure.allCases {
            let certificate = try certifier(.harm, 0.01, by: measure).certify(samples)
            #expect(certificate.coverage == 1 && !certificate.isLabelled)
        }
    }

    @Test func boundsOutsideOfZeroToOneMakeNoCertifier() {
        for bad in [0, 1, -0.1, 1.5, .nan, .infinity] {
            #expect(Certifier(risk: .harm, bound: bad, measure: .margin) == nil)
            #expect(Certifier(risk: .harm, bound: 0.01, confidence: bad, measure: .margin) == nil)
        }
    }
}
