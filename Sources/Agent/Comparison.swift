// SPDX-License-Identifier: Apache-2.0
package import Answers
package import Gating

/// What both networks say about a frame whose local answer the gate trusts, and which needn't have been asked about: evidence on the gate.
package struct Comparison: Hashable, Sendable {
    /// How the frame was chosen; only a choice that the gate had no part in is a fair sample.
    package enum Cause: Hashable, Sendable {
        /// By the pre-route, which expected the gate not to trust it: harder frames than most.
        case sentAtOnce
    }

    package var frame: UInt64
    package var confidence: Confidence
    package var cloudAnswer: Answer
    package var cause: Cause

    package init(frame: UInt64, confidence: Confidence, cloudAnswer: Answer, cause: Cause) {
        self.frame = frame
        self.confidence = confidence
        self.cloudAnswer = cloudAnswer
        self.cause = cause
    }

    /// Whether the two networks say the same class; `nil` where the cloud answered with something else than a class.
    package var agrees: Bool? {
        guard case .classification(let classification) = cloudAnswer else { return nil }
        return classification.classIndex == confidence.classIndex
    }
}
