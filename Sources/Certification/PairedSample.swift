// SPDX-License-Identifier: Apache-2.0
package import Gating

/// What both networks say about one image, and whether they are right: all that a gate's risk depends on.
package struct PairedSample: Hashable, Sendable {
    /// The local network's; `nil` where its output is damaged, which no gate accepts.
    package var confidence: Confidence?
    /// The full model's most probable class on the image itself.
    package var fullClass: Int
    /// The full model's most probable class on the image as it is uploaded: the system's answer where the local one isn't accepted. `nil` for ``fullClass``.
    package var recoveredClass: Int?
    /// The true class; `nil` where it isn't known: the full model's counts as true then.
    package var label: Int?

    package init(confidence: Confidence?, fullClass: Int, recoveredClass: Int? = nil, label: Int?) {
        self.confidence = confidence
        self.fullClass = fullClass
        self.recoveredClass = recoveredClass
        self.label = label
    }

    package var localIsRight: Bool { confidence.map { $0.classIndex == label ?? fullClass } ?? false }
    package var fullIsRight: Bool { label.map { $0 == fullClass } ?? true }
    package var recoveredIsRight: Bool { (recoveredClass ?? fullClass) == label ?? fullClass }
    /// Whether both networks say the same of the image itself.
    package var agrees: Bool { confidence?.classIndex == fullClass }
    /// Whether the full model says what the local network says, but of the image as it is uploaded: all that an audit in the field sees.
    package var agreesWithUpload: Bool { confidence?.classIndex == recoveredClass ?? fullClass }

    /// What this sample costs: 0 or 1 for ``Certificate/Risk/harm``, −1, 0 or 1 for ``Certificate/Risk/accuracyLoss``.
    ///
    /// - Parameter accepted: whether the local answer is the system's; else the recovered one is, which does no harm, but may cost accuracy.
    package func loss(_ risk: Certificate.Risk, accepted: Bool) -> Int {
        switch risk {
        case .harm: accepted && fullIsRight && !localIsRight ? 1 : 0
        case .accuracyLoss: (fullIsRight ? 1 : 0) - ((accepted ? localIsRight : recoveredIsRight) ? 1 : 0)
        }
    }
}
