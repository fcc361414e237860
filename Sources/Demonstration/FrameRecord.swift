// SPDX-License-Identifier: Apache-2.0

/// Who gave the answer that was decided at the deadline.
package enum AnswerSource: String, Hashable, Sendable, Codable, CaseIterable {
    case local
    case cloud
    case unconfirmed = "local-unconfirmed"
}

/// What became of one frame of the flight.
package struct FrameRecord: Hashable, Sendable {
    /// What was decided, and when.
    package struct Decision: Hashable, Sendable {
        package var classIndex: Int
        /// Calibrated probability, 0 … 1.
        package var confidence: Double
        package var source: AnswerSource
        /// From the capture of the frame to its decision.
        package var latency: Duration

        package init(classIndex: Int, confidence: Double, source: AnswerSource, latency: Duration) {
            self.classIndex = classIndex
            self.confidence = confidence
            self.source = source
            self.latency = latency
        }
    }

    package var frame: UInt64
    /// Seconds since the start of the demonstration, when the frame was captured.
    package var time: Double
    /// Position in the list of phases.
    package var phase: Int
    package var trueClass: Int
    /// The board's own answer, whatever was decided in the end; `nil` if none came.
    package var localClass: Int?
    /// The board's calibrated confidence in it, 0 … 1.
    package var localConfidence: Double?
    /// From the capture of the frame to the board's own answer.
    package var localTime: Duration?
    package var decision: Decision?
    /// The class of a cloud answer that came after the decision.
    package var revisedClass: Int?

    package init(frame: UInt64, time: Double, phase: Int, trueClass: Int) {
        self.frame = frame
        self.time = time
        self.phase = phase
        self.trueClass = trueClass
    }
}
