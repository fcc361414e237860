// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Finds the threshold that accepts most and still has a proof.
///
/// Learn-then-Test with a fixed sequence: thresholds fall from one that accepts nothing, each is tested at the full `1 − confidence`, and the first
/// that isn't proved ends the walk; the last one proved is the result. The sequence is all numbers from +∞ down, and so doesn't depend on the samples:
/// between two neighbouring scores nothing that is tested changes, hence a test at each score is a test at every number. Let t be the highest threshold
/// whose true risk reaches the bound. A certificate that doesn't hold is at or below t, so t passed its own test, which happens with probability
/// `1 − confidence` at most. This asks neither for a risk that falls as the threshold rises nor for thresholds chosen in advance.
///
/// For harm the start passes as soon as there are enough samples to prove anything, since accepting nothing harms nothing, and a few unlucky samples among
/// the surest are within what the test allows, since losses count over all samples. For accuracy loss it may fail: what the upload costs counts, too.
/// Equal scores are accepted together. The order of samples makes no difference.
///
/// Source: A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then Test" (2021), section 2.
package struct Certifier: Hashable, Sendable {
    package let risk: Certificate.Risk
    package private(set) var bound: Double
    package let confidence: Double
    package let measure: Measure

    /// - Returns: `nil` unless `bound` and `confidence` are above 0 and below 1.
    package init?(risk: Certificate.Risk, bound: Double, confidence: Double = 0.95, measure: Measure) {
        guard bound > 0, bound < 1, confidence > 0, confidence < 1 else { return nil }
        self.risk = risk
        self.bound = bound
        self.confidence = confidence
        self.measure = measure
    }

    package func certify(_ samples: [PairedSample]) throws(Refusal) -> Certificate { try certify(RankedSamples(samples, by: measure)) }

    /// - Precondition: the samples are ranked by this certifier's measure.
    package func certify(_ ranking: RankedSamples) throws(Refusal) -> Certificate {
        precondition(ranking.measure == measure, "ranked by \(ranking.measure)")
        let needed = RiskTest.samplesNeeded(bound: bound, confidence: confidence)
        guard ranking.count >= needed else {
            throw .tooFewSamples(ranking.count, needed: needed, risk: risk, bound: bound, confidence: confidence)
        }
        guard !ranking.groupEnds.isEmpty else { throw .nothingToAccept(ranking.count) }
        let test = RiskTest(risk, below: bound, confidence: confidence, samples: ranking.count)
        let walk = ranking.walk(test)
        guard let (end, outcome) = walk.proven, end > 0 else {
            let failed = walk.failed ?? Outcome()
            let losses = risk == .harm ? failed.harms : failed.losses
            throw .noThreshold(
                risk: risk, bound: bound, confidence: confidence, samples: ranking.count, accepted: failed.accepted, losses: losses, gains: failed.gains,
                mostLosses: test.mostLosses(gains: failed.gains), needed: test.samplesNeeded(losses: losses, gains: failed.gains))
        }
        return Certificate(
            risk: risk, bound: bound, confidence: confidence, measure: measure, threshold: ranking.threshold(end: end), samples: ranking.count,
            accepted: outcome.accepted, loss: outcome.loss(risk), disagreements: outcome.disagreements, isLabelled: ranking.isLabelled)
    }

    /// Certificates for the bound, half of it, a quarter and so on, as far as the samples prove one that accepts less than the one before.
    ///
    /// Each holds with `confidence` by itself. Below the last one nothing is proved: a gate that has to be stricter still accepts nothing.
    ///
    /// - Parameter count: at most this many, at least 1.
    /// - Throws: the refusal of the first.
    package func rungs(_ samples: [PairedSample], count: Int = 4) throws(Refusal) -> [Certificate] {
        let ranking = RankedSamples(samples, by: measure)
        var rungs = [try certify(ranking)]
        var stricter = self
        while rungs.count < count {
            stricter.bound /= 2
            guard let rung = try? stricter.certify(ranking) else { break }
            if rung.accepted < rungs[rungs.count - 1].accepted { rungs.append(rung) }
        }
        return rungs
    }
}
