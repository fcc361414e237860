// SPDX-License-Identifier: Apache-2.0
internal import Gating

/// The test of certificates themselves: how often one doesn't hold, over many draws from samples whose truth is known.
package struct CertificateTrial: Hashable, Sendable {
    /// Where the samples of a certificate come from, and what its true risk is taken on.
    package enum Draw: Hashable, Sendable {
        /// Without replacement; the risk is that on the samples which remain. It is a noisy value of the true risk: a certificate that holds may seem not to.
        case split
        /// With replacement; the risk is that on all samples, which are the whole population then. This is the exact test.
        case population
    }

    package let certifier: Certifier
    package let draw: Draw
    /// Samples of each certificate.
    package let samples: Int
    /// The trials in which a certificate was given and its risk is above the bound, of all trials.
    package let violations: Proportion
    /// The same with the risk on all samples, whatever the draw: for a split, certificates are tried without the noise of the rest. Samples drawn without
    /// replacement vary less than a certificate allows for, so these are fewer than it promises.
    package let violationsOnAll: Proportion
    /// Trials without a certificate.
    package let refusals: Int
    /// Coverage where the risk is taken, one a trial, ascending; 0 where there is no certificate.
    package let coverages: [Double]
    /// The mean of the risk where it is taken; 0 counts where there is no certificate.
    package let meanRisk: Double

    /// Draws `trials` times `samples` of `population`, certifies each time, and takes the true risk.
    ///
    /// Takes a few ms for a hundred trials on 5,000 samples, and the making of one ``RiskTest``.
    ///
    /// - Precondition: the population is ranked by the certifier's measure and has samples; `trials` is above 0; a split leaves samples.
    package init(
        of certifier: Certifier, on population: RankedSamples, draw: Draw, samples: Int, trials: Int, using generator: inout some RandomNumberGenerator
    ) {
        precondition(population.measure == certifier.measure && population.count > 0 && samples >= 0 && trials > 0)
        precondition(draw == .population || samples < population.count, "a split of \(population.count) into \(samples) and none")
        let test = RiskTest(certifier.risk, below: certifier.bound, confidence: certifier.confidence, samples: samples)
        let size = population.count
        var order = Array(0..<size)
        var violations = 0
        var violationsOnAll = 0
        var refusals = 0
        var coverages: [Double] = []
        var risks = 0.0
        for _ in 0..<trials {
            var times = [Int](repeating: 0, count: size)
            switch draw {
            case .split:
                for position in 0..<samples {
                    order.swapAt(position, Int.random(in: position..<size, using: &generator))
                    times[order[position]] = 1
                }
            case .population:
                for _ in 0..<samples { times[Int.random(in: 0..<size, using: &generator)] += 1 }
            }
            guard let (end, certified) = population.walk(test, times: times).proven, end > 0 else {
                refusals += 1
                coverages.append(0)
                continue
            }
            let truth = population.outcome(end: end)
            let isRest = draw == .split
            let among = size - (isRest ? samples : 0)
            let risk = Double(truth.loss(certifier.risk) - (isRest ? certified.loss(certifier.risk) : 0)) / Double(among)
            if risk > certifier.bound { violations += 1 }
            if Double(truth.loss(certifier.risk)) / Double(size) > certifier.bound { violationsOnAll += 1 }
            risks += risk
            coverages.append(Double(truth.accepted - (isRest ? certified.accepted : 0)) / Double(among))
        }
        self.certifier = certifier
        self.draw = draw
        self.samples = samples
        self.violations = Proportion(violations, of: trials)
        self.violationsOnAll = Proportion(violationsOnAll, of: trials)
        self.refusals = refusals
        self.coverages = coverages.sorted()
        meanRisk = risks / Double(trials)
    }

    package var meanCoverage: Double { coverages.reduce(0, +) / Double(coverages.count) }

    /// The coverages of the middle `share` of trials: what one certificate may give.
    package func coverageRange(share: Double = 0.95) -> ClosedRange<Double> {
        let left = Int(Double(coverages.count) * (1 - share) / 2)
        return coverages[left]...coverages[coverages.count - 1 - left]
    }
}
