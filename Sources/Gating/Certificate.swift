// SPDX-License-Identifier: Apache-2.0

/// What was proved about a threshold, on samples that neither trained nor calibrated the networks.
///
/// With probability `confidence` over the draw of the samples, the true risk of accepting at `threshold` is at most `bound`, as long as frames come as the
/// samples were drawn: each by itself, from the same distribution.
///
/// Source: A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then Test" (2021), fixed-sequence testing.
package struct Certificate: Hashable, Sendable, Codable {
    /// What is bounded. Both count over all inputs, also those that the gate doesn't accept.
    package enum Risk: String, CaseIterable, Hashable, Sendable, Codable {
        /// `P(accepted, the local answer is wrong, the full model's is right)`, 0 … 1.
        case harm
        /// `E[full model right − system right]`, −1 … 1: the accuracy that the system loses against the full model. The system answers with the local
        /// network where the gate accepts, and elsewhere with the full model on the image as it is uploaded.
        case accuracyLoss = "accuracy-loss"
    }

    package var risk: Risk
    /// Above 0, below 1.
    package var bound: Double
    /// Above 0, below 1; 0.95 as a rule.
    package var confidence: Double
    package var measure: Measure
    package var threshold: Double
    /// Samples that it was proved on.
    package var samples: Int
    /// Of them, those that the gate accepts.
    package var accepted: Int
    /// The sum of the losses on the samples: a count for ``Risk/harm``.
    package var loss: Int
    /// Accepted samples of which the full model says another class than the local network, by the image as it is uploaded: what an audit, which has neither label nor original
    /// to compare with, sees of them.
    package var disagreements: Int
    /// Whether right meant the label. Without labels the full model's answer about the image itself was taken for right: another local answer is harm then.
    package var isLabelled: Bool

    package init(
        risk: Risk, bound: Double, confidence: Double, measure: Measure, threshold: Double, samples: Int, accepted: Int, loss: Int,
        disagreements: Int, isLabelled: Bool
    ) {
        self.risk = risk
        self.bound = bound
        self.confidence = confidence
        self.measure = measure
        self.threshold = threshold
        self.samples = samples
        self.accepted = accepted
        self.loss = loss
        self.disagreements = disagreements
        self.isLabelled = isLabelled
    }

    /// Share of the samples that the gate accepts, 0 … 1.
    package var coverage: Double { Double(accepted) / Double(samples) }
}

/// A gate that the compiler has certified for a pair of networks: thresholds of one measure from the one that the policy asks for to stricter ones.
package struct CertifiedGate: Hashable, Sendable, Codable {
    /// The first is the gate's own; each further one has a smaller bound and accepts no more than the one before. An audit that finds the certificate broken moves down this list.
    /// Never empty.
    package var rungs: [Certificate]
    /// The weights' digest of the full network's bundle, SHA-256, hexadecimal: the certificate says nothing beside another one. Empty where it isn't known; then nothing is
    /// compared with it.
    package var fullModel: String
    /// Frames with a smaller margin were looked at a second time; `nil`: none was.
    package var secondLook: Double?

    /// - Returns: `nil` without rungs.
    package init?(rungs: [Certificate], fullModel: String, secondLook: Double? = nil) {
        guard !rungs.isEmpty else { return nil }
        self.rungs = rungs
        self.fullModel = fullModel
        self.secondLook = secondLook
    }

    /// Text that is the same for the same gate, and another one for any other.
    package var identity: String {
        let proofs = rungs.map { rung in
            "\(rung.risk.rawValue) \(rung.bound) \(rung.confidence) \(rung.measure.rawValue) \(rung.threshold) \(rung.samples) \(rung.accepted) \(rung.loss) "
                + "\(rung.disagreements) \(rung.isLabelled)"
        }
        return ([fullModel, secondLook.map { "\($0)" } ?? "-"] + proofs).joined(separator: "\n")
    }

    package var gate: Gate { .threshold(rungs[0].measure, rungs[0].threshold) }

    /// The first thing that can't be true of a certified gate from a file; `nil` when there is none.
    package var contradiction: String? {
        guard let first = rungs.first else { return "a certified gate without a certificate" }
        if let secondLook, !(0...1).contains(secondLook) { return "a gate certified with a second look below \(secondLook)" }
        for (rung, next) in zip(rungs, rungs.dropFirst()) where next.bound >= rung.bound || next.accepted > rung.accepted {
            return "certificates of a gate that don't get stricter"
        }
        return rungs.lazy.compactMap { $0.measure == first.measure ? $0.contradiction : "certificates of one gate with different measures" }.first
    }
}

extension Certificate {
    fileprivate var contradiction: String? {
        guard bound > 0, bound < 1, confidence > 0, confidence < 1 else { return "a certificate of \(bound) at \(confidence)" }
        guard threshold.isFinite else { return "a certified threshold of \(threshold)" }
        guard samples > 0, (0...samples).contains(accepted), (0...accepted).contains(disagreements), (-samples...samples).contains(loss) else {
            return "a certificate on \(samples) samples with \(accepted) accepted, \(disagreements) of them disagreeing"
        }
        return nil
    }
}
