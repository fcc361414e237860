// SPDX-License-Identifier: Apache-2.0
package import Gating

/// What a gate would do on known samples at every threshold, from one that accepts the surest sample to one that accepts all that can be accepted.
///
/// A description of these samples, from which a threshold may be read that is best on them; that isn't a certificate.
package struct RiskCoverageCurve: Hashable, Sendable {
    /// One threshold. Shares are of all samples unless they say otherwise.
    package struct Point: Hashable, Sendable {
        package var threshold: Double
        package var samples: Int
        package var accepted: Int
        /// Accepted samples that only the full model has right.
        package var harms: Int
        /// Samples, accepted or not, that the full model has right and the system hasn't.
        package var losses: Int
        /// Samples, accepted or not, that the system has right and the full model hasn't.
        package var gains: Int
        /// Accepted samples that the local network has wrong.
        package var errors: Int
        /// Samples that the full model has right.
        package var fullRight: Int

        package var coverage: Double { share(accepted) }
        /// See ``Certificate/Risk/harm``.
        package var harm: Double { share(harms) }
        /// See ``Certificate/Risk/accuracyLoss``.
        package var accuracyLoss: Double { share(losses - gains) }
        /// Of the local network where it's accepted, and of the full model on what is uploaded elsewhere.
        package var systemAccuracy: Double { share(fullRight - losses + gains) }
        /// Errors as a share of what is accepted.
        package var selectiveRisk: Double { Double(errors) / Double(accepted) }

        private func share(_ count: Int) -> Double { Double(count) / Double(samples) }
    }

    package let measure: Measure
    package let samples: Int
    package let fullRight: Int
    package let localRight: Int
    /// One for each distinct score, coverage rising. Empty where nothing can be accepted.
    package let points: [Point]
    /// The mean over k = 1 … n of the errors among the k surest samples, as a share of k; among equal scores errors are spread evenly, and what can't be
    /// accepted comes last. 0 without samples.
    ///
    /// Source: Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", ICLR 2019.
    package let areaUnderCurve: Double

    /// Takes n·log n.
    package init(_ samples: [PairedSample], by measure: Measure) { self.init(RankedSamples(samples, by: measure)) }

    package init(_ ranking: RankedSamples) {
        measure = ranking.measure
        samples = ranking.count
        fullRight = ranking.fullRight
        localRight = ranking.localRight
        var points: [Point] = []
        points.reserveCapacity(ranking.groupEnds.count)
        var area = 0.0
        var total = Outcome()
        for entry in ranking.entries { total.escalate(entry) }

        func addToArea(errors: Int, among count: Int) {
            for position in 0..<count {
                let expected = Double(total.errors) + Double(errors) * Double(position + 1) / Double(count)
                area += expected / Double(total.accepted + position + 1)
            }
        }
        var start = 0
        for end in ranking.groupEnds {
            let group = ranking.entries[start..<end]
            addToArea(errors: group.reduce(0) { $0 + Int($1.errors) }, among: group.count)
            for entry in group { total.accept(entry) }
            points.append(
                Point(
                    threshold: ranking.threshold(end: end), samples: ranking.count, accepted: total.accepted, harms: total.harms, losses: total.losses,
                    gains: total.gains, errors: total.errors, fullRight: ranking.fullRight))
            start = end
        }
        addToArea(errors: ranking.count - ranking.localRight - total.errors, among: ranking.count - total.accepted)
        self.points = points
        areaUnderCurve = ranking.count == 0 ? 0 : area / Double(ranking.count)
    }

    /// The point that accepts most with a risk of at most `limit` on these samples: what a threshold chosen on the test set would give, an ideal that
    /// nothing guarantees. `nil` where there is none.
    package func widest(_ risk: Certificate.Risk, atMost limit: Double) -> Point? {
        points.last { (risk == .harm ? $0.harm : $0.accuracyLoss) <= limit }
    }
}
