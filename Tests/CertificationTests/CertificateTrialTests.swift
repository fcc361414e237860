// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import TestSupport
import Testing

struct CertificateTrialTests {
    private func trial(
        _ risk: Certificate.Risk, _ bound: Double, _ samples: [PairedSample], _ draw: CertificateTrial.Draw, count: Int, trials: Int = 500, seed: UInt64 = 1
    ) throws -> CertificateTrial {
        var generator = SeededGenerator(seed: seed)
        return CertificateTrial(
            of: try #require(Certifier(risk: risk, bound: bound, measure: .margin)), on: RankedSamples(samples, by: .margin), draw: draw, samples: count,
            trials: trials, using: &generator)
    }

    @Test(arguments: Certificate.Risk.allCases, [0.01, 0.02]) func certificatesHoldAsOftenAsTheySay(_ risk: Certificate.Risk, _ bound: Double) throws {
        let trial = try trial(risk, bound, population(5000, harm: 0.12, gain: 0.06, seed: 31), .population, count: 2500, trials: 1000)
        // As many as this would be met in one of a thousand runs at 5 %.
        let limit = try #require((0...1000).first { Binomial(trials: 1000, probability: 0.05).upperTail($0) < 0.001 })
        #expect(trial.violations.successes < limit)
        #expect(trial.violationsOnAll == trial.violations)
        #expect(trial.violations.value > 0.01, "a certificate that always holds gives coverage away")
        #expect(trial.refusals == 0)
        #expect(trial.meanCoverage > 0.2 && trial.meanRisk < bound && trial.meanRisk > bound / 2)
        #expect(trial.coverageRange().contains(trial.meanCoverage))
    }

    /// A risk that rises above the bound and falls again: thresholds below the hump must not be reached over it.
    @Test func aRiskThatIsNotMonotoneIsNoWayRoundTheTest() throws {
        // Ranks 1,000 to 2,000 lose 8 % of themselves, and so 1.6 % of all; ranks 2,000 to 3,000 gain as much.
        let samples = ladder(
            5000, harm: { (1000..<2000).contains($0) && $0 % 25 < 2 }, gain: { (2000..<3000).contains($0) && $0 % 25 < 2 })
        let trial = try trial(.accuracyLoss, 0.0159, samples, .population, count: 1500, trials: 1000)
        let limit = try #require((0...1000).first { Binomial(trials: 1000, probability: 0.05).upperTail($0) < 0.001 })
        let past = trial.coverages.count { $0 > 0.4 }
        #expect(past > 0 && past < limit)
    }

    @Test func aSplitLeavesTheRestAsTest() throws {
        // Every sample is harmless: whatever is drawn is certified whole, and so is the rest.
        let harmless = try trial(.harm, 0.01, population(1000, harm: 0, gain: 0, seed: 32), .split, count: 500, trials: 20)
        #expect(harmless.meanCoverage > 0.99 && harmless.meanRisk == 0 && harmless.violations.successes == 0)
        let trial = try trial(.harm, 0.02, population(4000, seed: 33), .split, count: 2000)
        // A noisy test: half of the noise is the rest's own.
        #expect(trial.violations.value < 0.2 && trial.violations.value > 0)
        #expect(trial.violationsOnAll.successes < trial.violations.successes && trial.violationsOnAll.value < 0.05)
        #expect(trial.meanRisk < 0.02)
    }

    @Test func tooFewSamplesAreRefusedEveryTime() throws {
        for draw in [CertificateTrial.Draw.split, .population] {
            let trial = try trial(.harm, 0.01, population(600, seed: 34), draw, count: 298, trials: 50)
            #expect(trial.refusals == 50 && trial.violations.successes == 0 && trial.meanCoverage == 0)
        }
    }

    @Test func aSeedGivesTheSameTrial() throws {
        let samples = population(1000, seed: 35)
        #expect(try trial(.harm, 0.02, samples, .split, count: 500, trials: 30) == trial(.harm, 0.02, samples, .split, count: 500, trials: 30))
        #expect(try trial(.harm, 0.02, samples, .split, count: 500, trials: 30) != trial(.harm, 0.02, samples, .split, count: 500, trials: 30, seed: 2))
    }

    @Test func lossesOfUploadsCountWhereTheRiskIsTaken() throws {
        var samples = ladder(1000, harm: { _ in false })
        for index in stride(from: 990, to: 1000, by: 2) { samples[index].recoveredClass = 4 }
        for index in 500..<1000 { samples[index].confidence?.margin = .nan }
        let trial = try trial(.accuracyLoss, 0.05, samples, .population, count: 400, trials: 50)
        #expect(trial.coverages.allSatisfy { $0 > 0.4 && $0 <= 0.5 })
        // Never accepted, so lost in every trial.
        #expect(abs(trial.meanRisk - 0.005) < 1e-12)
        #expect(trial.violations.successes == 0)
    }
}
