// SPDX-License-Identifier: Apache-2.0
package import Gating

/// What both networks say about one image, and whether they are right: all that a gate's risk depends on.
package struct PairedSample: Hashable, Sendable {
    /// The local network's; `nil` where its output is damaged, which no gate accepts.
    package var confidence: Confidence?
    /// The full model's most probable class.
    package var fullClass: Int
    /// The true class; `nil` where it isn't known: the full model's counts as true then.
    package var label: Int?

    package init(confidence: Confidence?, fullClass: Int, label: Int?) {
        self.confidence = confidence
        self.fullClass = fullClass
        self.label = label
    }

    package var localIsRight: Bool { confidence.map { $0.classIndex == label ?? fullClass } ?? false }
    package var fullIsRight: Bool { label.map { $0 == fullClass } ?? true }
    package var agrees: Bool { confidence?.classIndex == fullClass }

    /// What accepting this sample's local answer costs: 0 or 1 for ``Certificate/Risk/harm``, −1, 0 or 1 for ``Certificate/Risk/accuracyLoss``.
    package func loss(_ risk: Certificate.Risk) -> Int {
        switch risk {
        case .harm: fullIsRight && !localIsRight ? 1 : 0
        case .accuracyLoss: (fullIsRight ? 1 : 0) - (localIsRight ? 1 : 0)
        }
    }
}
