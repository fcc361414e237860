// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import Testing

struct RiskTestTests {
    @Test func harmIsTestedByTheBinomialTest() {
        #expect(RiskTest(.harm, below: 0.01, confidence: 0.95, samples: 298).mostLosses() == -1)
        #expect(RiskTest(.harm, below: 0.01, confidence: 0.95, samples: 299).mostLosses() == 0)
        #expect(RiskTest(.harm, below: 0.01, confidence: 0.95, samples: 2500).mostLosses() == 16)
        #expect(RiskTest(.harm, below: 0.01, confidence: 0.95, samples: 2500).mostLosses(gains: 100) == 16)
    }

    @Test func withoutGainsTheLossTestIsNearlyTheBinomialTest() {
        for samples in [598, 1000, 2500] {
            let loss = RiskTest(.accuracyLoss, below: 0.005, confidence: 0.95, samples: samples).mostLosses(gains: 0)
            let harm = RiskTest(.harm, below: 0.005, confidence: 0.95, samples: samples).mostLosses()
            #expect(loss <= harm && loss >= harm - 1, "\(samples)")
        }
    }

    @Test(arguments: Certificate.Risk.allCases) func nothingIsProvedByTooFewSamples(_ risk: Certificate.Risk) {
        for (bound, needed) in [(0.001, 2995), (0.005, 598), (0.01, 299), (0.02, 149), (0.05, 59)] {
            #expect(RiskTest.samplesNeeded(bound: bound, confidence: 0.95, expectedRate: 0) == needed)
            #expect(!RiskTest(risk, below: bound, confidence: 0.95, samples: needed - 1).proves(losses: 0, gains: needed - 1))
            #expect(RiskTest(risk, below: bound, confidence: 0.95, samples: needed).proves(losses: 0, gains: 0))
        }
        #expect(!RiskTest(risk, below: 0.5, confidence: 0.95, samples: 0).proves(losses: 0, gains: 0))
    }

    @Test func moreGainsAllowMoreHarmsAndALooserBoundNoFewer() {
        let bounds = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05]
        for samples in [100, 650, 2500] {
            var before = [Int](repeating: -1, count: 101)
            for bound in bounds {
                let test = RiskTest(.accuracyLoss, below: bound, confidence: 0.95, samples: samples)
                let limits = (0...100).map { test.mostLosses(gains: $0) }
                #expect(zip(limits, limits.dropFirst()).allSatisfy { $0 <= $1 })
                #expect(zip(before, limits).allSatisfy { $0 <= $1 }, "\(bound) of \(samples)")
                before = limits
            }
        }
    }

    /// The probability of a proof, summed over all outcomes of the trinomial distribution.
    private func level(_ test: RiskTest, loss: Double, gain: Double) -> Double {
        var sum = 0.0
        for gains in 0...test.samples {
            let gained = Binomial(trials: test.samples, probability: gain).probability(of: gains)
            let losses = Binomial(trials: test.samples - gains, probability: gain < 1 ? min(loss / (1 - gain), 1) : 0)
            for harms in 0...(test.samples - gains) where test.proves(losses: harms, gains: gains) { sum += gained * losses.probability(of: harms) }
        }
        return sum
    }

    @Test(arguments: [(14, 0.2), (14, 0.5), (40, 0.08), (90, 0.05)]) func theLossTestKeepsItsLevelWhateverTheGains(_ samples: Int, _ bound: Double) {
        let test = RiskTest(.accuracyLoss, below: bound, confidence: 0.95, samples: samples)
        var greatest = 0.0
        for step in 0...80 {
            let gain = (1 - bound) / 2 * Double(step) / 80
            let level = level(test, loss: gain + bound, gain: gain)
            #expect(level <= 0.05 + 1e-12, "\(gain)")
            greatest = max(greatest, level)
            // Further inside the hypothesis a proof is rarer.
            #expect(self.level(test, loss: min(gain + bound + 0.02, 1 - gain), gain: gain) <= level + 1e-12)
        }
        #expect(greatest > 0.03, "the test gives power away")
    }

    @Test func pValuesAgreeWithLimits() {
        for risk in Certificate.Risk.allCases {
            let test = RiskTest(risk, below: 0.08, confidence: 0.95, samples: 60)
            for gains in 0...6 {
                let most = test.mostLosses(gains: gains)
                if most >= 0 { #expect(test.pValue(losses: most, gains: gains) <= 0.05 + 1e-9) }
                #expect(test.pValue(losses: most + 1, gains: gains) > 0.049, "\(risk) \(gains)")
            }
        }
    }

    /// What else is valid for bounded losses, and weaker: the exact test proves wherever these do.
    @Test(arguments: [(650, 0.02), (2500, 0.005), (2500, 0.01)]) func theExactTestProvesWhatOtherValidTestsDo(_ samples: Int, _ bound: Double) {
        let test = RiskTest(.accuracyLoss, below: bound, confidence: 0.95, samples: samples)
        for gains in stride(from: 0, through: 200, by: 4) {
            let others = BoundedLossTests(samples: samples, bound: bound)
            #expect(test.mostLosses(gains: gains) >= others.mostLosses(gains: gains, significance: 0.05, others.hoeffdingBentkus), "\(gains)")
            #expect(test.mostLosses(gains: gains) >= others.mostLosses(gains: gains, significance: 0.05, others.betting), "\(gains)")
        }
    }

    @Test func planningFindsTheLeastSamplesThatProve() {
        for (bound, rate) in [(0.01, 0.002), (0.01, 0.005), (0.05, 0.02), (0.005, 0.001)] {
            let needed = RiskTest.samplesNeeded(bound: bound, confidence: 0.95, expectedRate: rate) ?? 0
            let first = (1...needed).first { samples in
                let harms = Int((Double(samples) * rate).rounded(.up))
                return Binomial(trials: samples, probability: bound).lowerTail(harms) <= 0.05
            }
            #expect(first == needed, "\(bound) \(rate)")
        }
        #expect(RiskTest.samplesNeeded(bound: 0.01, confidence: 0.95, expectedRate: 0.01) == nil)
        #expect(RiskTest.samplesNeeded(bound: 0.01, confidence: 0.95, expectedRate: 0.2) == nil)
        #expect(RiskTest.samplesNeeded(bound: 0.01, confidence: 0.95, expectedRate: 0.01 * (1 - 1e-12)) == nil)
        #expect(RiskTest.samplesNeeded(bound: 0.01, confidence: 0.95, expectedRate: .nan) == nil)
    }

    @Test func asManySamplesAsAreSaidToBeNeededWithTheSameSharesAreJustAProof() throws {
        let harm = RiskTest(.harm, below: 0.01, confidence: 0.95, samples: 500)
        let harms = try #require(harm.samplesNeeded(losses: 3, gains: 0))
        #expect(RiskTest(.harm, below: 0.01, confidence: 0.95, samples: harms).proves(losses: Int((0.006 * Double(harms)).rounded(.up)), gains: 0))
        #expect(harm.samplesNeeded(losses: 5, gains: 0) == nil)
        for (losses, gains) in [(4, 1), (5, 4), (2, 0), (20, 19)] {
            let test = RiskTest(.accuracyLoss, below: 0.01, confidence: 0.95, samples: 600)
            #expect(!test.proves(losses: losses, gains: gains))
            let needed = try #require(test.samplesNeeded(losses: losses, gains: gains))
            #expect(needed > 600)
            let scale = Double(needed) / 600
            let (more, same) = (Int((Double(losses) * scale).rounded()), Int((Double(gains) * scale).rounded()))
            let level = RiskTest(.accuracyLoss, below: 0.01, confidence: 0.95, samples: needed).pValue(losses: more, gains: same)
            // Counts are whole numbers.
            #expect(level > 0.015 && level < 0.07, "\(losses) and \(gains): \(needed), \(level)")
        }
        #expect(RiskTest(.accuracyLoss, below: 0.01, confidence: 0.95, samples: 600).samplesNeeded(losses: 9, gains: 3) == nil)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Certificate.Risk.allCases) func extremeBoundsAreTestedLikeOthers(_ risk: Certificate.Risk) {
        let least = Double.leastNonzeroMagnitude
        #expect(!RiskTest(risk, below: least, confidence: 0.95, samples: 1000).proves(losses: 0, gains: 1000))
        #expect(RiskTest.samplesNeeded(bound: least, confidence: 0.95, expectedRate: 0) == nil)
        #expect(RiskTest.samplesNeeded(bound: 1e-7, confidence: 0.95, expectedRate: 9e-8) == nil)
        #expect(RiskTest.samplesNeeded(bound: 1e-7, confidence: 0.95, expectedRate: least) == RiskTest.samplesNeeded(bound: 1e-7, confidence: 0.95, expectedRate: 1e-9))
        let near = 1.0.nextDown
        #expect(RiskTest(risk, below: near, confidence: 0.95, samples: 1).proves(losses: 0, gains: 0))
        #expect(!RiskTest(risk, below: near, confidence: 0.95, samples: 20).proves(losses: 20, gains: 0))
        #expect(!RiskTest(risk, below: 0.1, confidence: near, samples: 100).proves(losses: 0, gains: 0))
        #expect(RiskTest(risk, below: 0.5, confidence: least, samples: 4).mostLosses() >= 0)
    }
}
