// SPDX-License-Identifier: Apache-2.0
package import Answers
package import Gating
package import Images

/// The agent's way to the full model. `DeviceCloudLink` is the real one.
package protocol CloudLink: Sendable {
    /// Begins, and goes on until `stop` whatever the network does. `events` may be called from any thread; it doesn't block.
    func start(events: @escaping @Sendable (CloudEvent) -> Void) throws(AgentError)

    /// Asks about a frame; called on the agent's request thread, one call at a time. It may take the time to compress the image, never
    /// the time of the network.
    ///
    /// - Parameter spending: called with the bytes of the compressed image before it is sent; gives why it mustn't be, or `nil`.
    /// - Returns: why not, or `nil`: then one `answered` or `unanswered` event follows.
    func ask(_ question: CloudQuestion, spending: (Int) -> String?) -> String?

    /// Sends a decision, a JSON object, as an event where it can; returns at once.
    func publish(_ json: [UInt8], isRevision: Bool)

    /// Sends what audits have done to the gate, a JSON object, as an event where it can; returns at once.
    func publish(audit json: [UInt8])

    /// Sends that something isn't as it should be, a JSON object, as an event where it can; returns at once.
    func publish(health json: [UInt8])

    /// Says goodbye and ends; takes a few seconds at most.
    func stop()

    /// How far the cloud is with us.
    var status: CloudStatus { get }

    /// Messages that came and weren't what their topics promise.
    var damagedMessages: UInt64 { get }
}

/// How far the cloud is with us.
package struct CloudStatus: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable, Codable { case connected, degraded, autonomous }

    package var mode: Mode
    /// One line for people.
    package var reason: String

    package init(_ mode: Mode, reason: String) {
        self.mode = mode
        self.reason = reason
    }
}

/// One frame that the board's network isn't sure of or hasn't seen yet, or one that is audited.
package struct CloudQuestion: Sendable {
    package var frame: UInt64
    package var image: Image
    /// How long an answer is of use.
    package var timeout: Duration
    /// `nil` where the board's network failed, or hasn't run yet.
    package var verdict: Verdict?
    package var localAnswer: Answer?
    /// The value of the gate's measure for a frame that is decided already and only compared; `nil` for all others.
    package var auditedScore: Double?
    /// Whether the board's network hasn't run yet.
    package var isEarly: Bool

    package init(
        frame: UInt64, image: Image, timeout: Duration, verdict: Verdict?, localAnswer: Answer?, auditedScore: Double? = nil, isEarly: Bool = false
    ) {
        self.frame = frame
        self.image = image
        self.timeout = timeout
        self.verdict = verdict
        self.localAnswer = localAnswer
        self.auditedScore = auditedScore
        self.isEarly = isEarly
    }
}

package enum CloudEvent: Sendable {
    /// Also one that comes too late: the agent knows and counts it. The model is the SHA-256 of the weights that answered, hexadecimal; `nil` where it isn't known.
    case answered(frame: UInt64, Answer, model: String? = nil)
    case unanswered(frame: UInt64, reason: String)
    case status(CloudStatus)
}
