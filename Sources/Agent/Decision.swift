// SPDX-License-Identifier: Apache-2.0
package import Answers
package import Gating

/// What the agent says about one frame.
package struct Decision: Hashable, Sendable {
    package enum Source: String, CaseIterable, Hashable, Sendable, Codable {
        /// The gate trusts the board's network.
        case local
        /// The full model in the cloud answered.
        case cloud
        /// The full model's answer to an earlier frame of the stream, whose class for the board's network has not changed since.
        case carried = "cloud-carried"
        /// The gate doesn't trust the board's network, and no better answer came in time.
        case localUnconfirmed = "local-unconfirmed"
    }

    /// The frame's number in its source.
    package var frame: UInt64
    /// The name that its source has for it, a file's as a rule.
    package var name: String?
    package var source: Source
    /// `nil` where there is none: the board's network was too slow, failed, or put out damage (`fault`).
    package var answer: Answer?
    /// The frame that the answer was given to, where it is carried.
    package var carriedFrom: UInt64?
    /// What the board's network said, also where the cloud decided.
    package var localAnswer: Answer?
    /// The exit that this is from, counted from 0; `nil` where it is the network's only output, or there is none.
    package var exit: Int?
    /// Which of the agent's plans the frame was taken up under; `nil` without plans.
    package var plan: Int?
    /// What was sent of the frame by then; `nil` where nothing was.
    package var sentBytes: Int?
    /// From taking up the frame to what the board's network said; `nil` where it hasn't yet.
    package var localLatency: Duration?
    /// What is wrong with the board's output.
    package var fault: Fault?
    /// From taking up the frame to this decision.
    package var latency: Duration
    /// Replaces an earlier decision on the same frame.
    package var isRevision: Bool

    package init(
        frame: UInt64, name: String? = nil, source: Source, answer: Answer?, carriedFrom: UInt64? = nil, localAnswer: Answer? = nil,
        exit: Int? = nil, plan: Int? = nil, sentBytes: Int? = nil, localLatency: Duration? = nil, fault: Fault? = nil, latency: Duration,
        isRevision: Bool = false
    ) {
        self.frame = frame
        self.name = name
        self.source = source
        self.answer = answer
        self.carriedFrom = carriedFrom
        self.localAnswer = localAnswer
        self.exit = exit
        self.plan = plan
        self.sentBytes = sentBytes
        self.localLatency = localLatency
        self.fault = fault
        self.latency = latency
        self.isRevision = isRevision
    }
}
