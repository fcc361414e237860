// SPDX-License-Identifier: Apache-2.0
package import Answers
package import Gating
package import Images
package import Tensors

/// The agent's way to the full model. `DeviceCloudLink` is the real one.
package protocol CloudLink: Sendable {
    /// Begins, and goes on until `stop` whatever the network does. `events` may be called from any thread; it doesn't block.
    func start(events: @escaping @Sendable (CloudEvent) -> Void) throws(AgentError)

    /// Asks about a frame; called on the agent's request thread, one call at a time. It may take the time to compress the image, never
    /// the time of the network.
    ///
    /// - Parameter spending: called with the bytes of the compressed image, or of the packed tensors, before they are sent; gives why they mustn't be, or `nil`.
    /// - Returns: why not, or `nil`: then one `answered` or `unanswered` event follows.
    func ask(_ question: CloudQuestion, spending: (Int) -> String?) -> String?

    /// Why a question of so many bytes would be refused at the moment whatever it asks, or `nil`; returns at once. A board that asks before it rests goes on with the frame instead.
    func hindrance(bytes: Int) -> String?

    /// What was asked about the frame is of no use any more; returns at once. An answer may come all the same.
    func cancel(frame: UInt64)

    /// Sends a decision, a JSON object, as an event where it can; returns at once.
    func publish(_ json: [UInt8], isRevision: Bool)

    /// Sends what audits have done to the gate, a JSON object, as an event where it can; returns at once.
    func publish(audit json: [UInt8])

    /// Sends that another plan is in use, a JSON object, as an event where it can; returns at once.
    func publish(plan json: [UInt8])

    /// Sends that something isn't as it should be, a JSON object, as an event where it can; returns at once.
    func publish(health json: [UInt8])

    /// Sends a snapshot of the statistics, a JSON object, where it can; returns at once.
    func publish(telemetry json: [UInt8])

    /// Says goodbye and ends; takes a few seconds at most.
    func stop()

    /// How far the cloud is with us.
    var status: CloudStatus { get }

    /// What came and was kept back.
    var strays: CloudStrays { get }
}

/// What came over a link and was kept back, since its start.
package struct CloudStrays: Hashable, Sendable {
    /// Second answers to one question.
    package var duplicates: UInt64 = 0
    /// Answers to what wasn't asked, or so long ago that nobody remembers.
    package var unknowns: UInt64 = 0
    /// Messages that weren't what their topics promise.
    package var damaged: UInt64 = 0

    package init(duplicates: UInt64 = 0, unknowns: UInt64 = 0, damaged: UInt64 = 0) {
        (self.duplicates, self.unknowns, self.damaged) = (duplicates, unknowns, damaged)
    }
}

/// How far the cloud is with us.
package struct CloudStatus: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable, Codable { case connected, degraded, autonomous }

    /// What kind of network the way to the cloud begins with.
    package enum Network: String, Hashable, Sendable { case wifi, cellular, wired }

    package var mode: Mode
    /// One line for people.
    package var reason: String
    /// Of the last connection; `nil` where it isn't known.
    package var network: Network?

    package init(_ mode: Mode, reason: String, network: Network? = nil) {
        self.mode = mode
        self.reason = reason
        self.network = network
    }
}

/// What crosses a cut, packed.
package struct PackedActivations: Hashable, Sendable {
    /// In the nodes of the full network.
    package var cut: Int
    /// SHA-256 of that network's weights, hexadecimal.
    package var model: String
    /// The exit at which the cloud stops; `nil`: the end.
    package var exit: Int?
    /// In the order in which they come to exist.
    package var tensors: [[UInt8]]

    package init(cut: Int, model: String, exit: Int? = nil, tensors: [[UInt8]]) {
        (self.cut, self.model, self.exit, self.tensors) = (cut, model, exit, tensors)
    }

    package var byteCount: Int { tensors.reduce(0) { $0 + $1.count } }
}

/// What a question and its answer say of the link and of the server.
package struct CloudTransfer: Hashable, Sendable {
    /// Sent.
    package var bytes: Int
    /// There and back, without waiting for questions sent before, and without the server.
    package var onTheWay: Duration
    /// How long it alone had the way there, where that is known.
    package var occupied: Duration?
    /// Waiting at the server, and the server's work.
    package var queue: Duration
    package var inference: Duration

    package init(bytes: Int, onTheWay: Duration, occupied: Duration? = nil, queue: Duration = .zero, inference: Duration = .zero) {
        (self.bytes, self.onTheWay, self.occupied, self.queue, self.inference) = (bytes, onTheWay, occupied, queue, inference)
    }
}

/// One frame that the board's network isn't sure of or hasn't seen yet, or one that is audited.
package struct CloudQuestion: Sendable {
    /// Why it is asked.
    package enum Purpose: Hashable, Sendable {
        /// The frame is to be answered: as its verdict says, or a pre-route.
        case answer
        /// A plan says so.
        case plan
        /// To see what the link is like.
        case probe
    }

    package enum Content: Sendable {
        /// In this form; `nil`: in the link's own.
        case image(Image, UploadForm? = nil)
        case activations(PackedActivations)
    }

    package var frame: UInt64
    package var content: Content
    package var purpose = Purpose.answer
    /// How long an answer is of use.
    package var timeout: Duration
    /// How long it is in time for the frame's decision; `nil` where that doesn't wait for it.
    package var due: Duration?
    /// `nil` where the board's network failed, or hasn't run yet.
    package var verdict: Verdict?
    package var localAnswer: Answer?
    /// The value of the gate's measure for a frame that is decided already and only compared; `nil` for all others.
    package var auditedScore: Double?
    /// Whether the board's network hasn't run yet.
    package var isEarly: Bool

    package init(
        frame: UInt64, content: Content, purpose: Purpose = .answer, timeout: Duration, due: Duration? = nil, verdict: Verdict?, localAnswer: Answer?,
        auditedScore: Double? = nil, isEarly: Bool = false
    ) {
        self.frame = frame
        self.content = content
        self.purpose = purpose
        self.timeout = timeout
        self.due = due
        self.verdict = verdict
        self.localAnswer = localAnswer
        self.auditedScore = auditedScore
        self.isEarly = isEarly
    }

    package var image: Image? { if case .image(let image, _) = content { image } else { nil } }
}

package enum CloudEvent: Sendable {
    /// Also one that comes too late: the agent knows and counts it. The model is the SHA-256 of the weights that answered, hexadecimal; `nil` where it isn't known.
    /// What it says of the link and of the server is `nil` where that isn't known.
    case answered(frame: UInt64, Answer, model: String? = nil, CloudTransfer? = nil)
    /// - Parameters:
    ///   - reason: begins with ``byWorker`` where a worker has refused it.
    ///   - waited: how long it did there, where that is known.
    case unanswered(frame: UInt64, reason: String, waited: Duration? = nil)
    case status(CloudStatus)

    package static let byWorker = "worker: "
    /// A reason: the connection has ended.
    package static let disconnected = "disconnected"
}
