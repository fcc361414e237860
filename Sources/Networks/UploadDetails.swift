// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// The cheapest form of an image that keeps a full model's answer, and the evidence.
package struct UploadDetails: Hashable, Sendable, Codable {
    package var form: UploadForm
    /// Of an image on the samples.
    package var meanBytes: Double
    /// What 95 % of the images don't exceed.
    package var p95Bytes: Int
    package var samples: Int
    /// Samples of which the full model says another class than of the lossless image.
    package var changed: Int
    /// Labelled samples that the full model has right only without the loss, and only with it; 0 without labels.
    package var lost: Int
    package var gained: Int
    package var isLabelled: Bool
    /// At most this is lost: of the accuracy where the samples are labelled, of the answers where they aren't. 0 … 1, at `confidence`.
    package var bound: Double
    package var confidence: Double
    /// SHA-256 of the full model's weights, hexadecimal.
    package var fullModel: String

    package init(
        form: UploadForm, meanBytes: Double, p95Bytes: Int, samples: Int, changed: Int, lost: Int, gained: Int, isLabelled: Bool, bound: Double,
        confidence: Double, fullModel: String
    ) {
        self.form = form
        self.meanBytes = meanBytes
        self.p95Bytes = p95Bytes
        self.samples = samples
        self.changed = changed
        self.lost = lost
        self.gained = gained
        self.isLabelled = isLabelled
        self.bound = bound
        self.confidence = confidence
        self.fullModel = fullModel
    }

    /// Share of the samples whose answer is the same, 0 … 1.
    package var kept: Double { 1 - Double(changed) / Double(samples) }

    /// The first thing that can't be; `nil` when there is none.
    package var contradiction: String? {
        if let problem = form.contradiction { return "recovery: " + problem }
        guard samples > 0, (0...samples).contains(changed), lost >= 0, gained >= 0, meanBytes.isFinite, meanBytes > 0, p95Bytes > 0, bound.isFinite,
            confidence > 0, confidence < 1
        else { return "recovery: counts that can't be" }
        return nil
    }
}
