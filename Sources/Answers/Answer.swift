// SPDX-License-Identifier: Apache-2.0

/// What a network says about one frame.
package enum Answer: Hashable, Sendable, Codable {
    case classification(Classification)
    /// Possibly empty: nothing seen is an answer too.
    case detections([Detection])
}

/// The most probable class of a frame.
package struct Classification: Hashable, Sendable, Codable {
    /// Position in the network's label list.
    package var classIndex: Int
    /// Calibrated probability of that class, 0 … 1.
    package var confidence: Double

    package init(classIndex: Int, confidence: Double) {
        self.classIndex = classIndex
        self.confidence = confidence
    }
}

/// One object in a frame.
package struct Detection: Hashable, Sendable, Codable {
    package var classIndex: Int
    /// Calibrated probability, 0 … 1.
    package var confidence: Double
    package var box: Box

    package init(classIndex: Int, confidence: Double, box: Box) {
        self.classIndex = classIndex
        self.confidence = confidence
        self.box = box
    }
}

/// A rectangle in fractions of the frame, 0 … 1, origin at the top left.
package struct Box: Hashable, Sendable, Codable {
    package var left: Double
    package var top: Double
    package var right: Double
    package var bottom: Double

    package init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }
}
