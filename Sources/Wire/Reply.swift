// SPDX-License-Identifier: Apache-2.0
package import Answers

/// A worker's answer to one request, on `d/<device>/dn/infer`.
package struct Reply: Hashable, Sendable {
    /// What became of the request; unknown values survive and count as failures.
    package struct Status: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        package static let ok = Status(rawValue: "ok")
        /// The queue is full; ask again after `retryAfter`.
        package static let busy = Status(rawValue: "busy")
        /// The deadline had passed before the model ran.
        package static let deadline = Status(rawValue: "deadline")
        package static let tooLarge = Status(rawValue: "too_large")
        package static let badRequest = Status(rawValue: "bad_request")
        /// The worker has no model of that name or with those labels.
        package static let noModel = Status(rawValue: "no_model")
        /// The worker's model failed on an image that it could read.
        package static let failed = Status(rawValue: "failed")
    }

    /// One of the most probable classes.
    package struct Candidate: Hashable, Sendable, Codable {
        package var `class`: Int
        package var probability: Double

        package init(class: Int, probability: Double) {
            self.class = `class`
            self.probability = probability
        }
    }

    package var id: RequestID
    package var status: Status
    /// With `busy`: when to ask again; 0 … 10 min.
    package var retryAfter: Duration?
    /// One line for people where the status isn't `ok`; at most 256 bytes.
    package var reason: String?
    package var model: ModelName
    /// SHA-256 of the model's weights.
    package var digest: DigestText?
    /// Always there when the status is `ok`.
    package var answer: Answer?
    /// The most probable classes, best first; at most 16.
    package var top: [Candidate]
    /// Time between arrival at the worker and the start of the model.
    package var queueTime: Duration
    /// Time in decoding and the model.
    package var inferenceTime: Duration

    package static let maximumBytes = 65_536
    package static let maximumCandidates = 16

    package init(
        id: RequestID, status: Status, retryAfter: Duration? = nil, reason: String? = nil, model: ModelName, digest: DigestText? = nil,
        answer: Answer? = nil, top: [Candidate] = [], queueTime: Duration = .zero, inferenceTime: Duration = .zero
    ) {
        self.id = id
        self.status = status
        self.retryAfter = retryAfter
        self.reason = reason
        self.model = model
        self.digest = digest
        self.answer = answer
        self.top = top
        self.queueTime = queueTime
        self.inferenceTime = inferenceTime
    }

    private struct Form: Codable {
        var v: Int
        var id: String
        var status: String
        var retry_after_ms: Int?
        var reason: String?
        var model: String
        var digest: String?
        var answer: AnswerForm?
        var top: [Candidate]?
        var queue_ms: Double?
        var infer_ms: Double?
    }

    /// The payload; throws where a field is outside its range.
    package func encoded() throws(WireError) -> [UInt8] {
        try check()
        return try JSONMessage.encode(
            Form(
                v: JSONMessage.version, id: id.description, status: status.rawValue, retry_after_ms: retryAfter?.milliseconds,
                reason: reason, model: model.description, digest: digest?.description, answer: answer.map(AnswerForm.init),
                top: top.isEmpty ? nil : top, queue_ms: queueTime / .milliseconds(1), infer_ms: inferenceTime / .milliseconds(1)),
            subject: "reply")
    }

    /// The reply in a payload from outside.
    package init(decoding payload: [UInt8]) throws(WireError) {
        let form = try JSONMessage.decode(Form.self, from: payload[...], limit: Self.maximumBytes, subject: "reply")
        self.init(
            id: try field(RequestID(form.id), "reply.id", "not 32 lower-case hexadecimal digits"),
            status: Status(rawValue: form.status), retryAfter: try Self.duration(form.retry_after_ms.map(Double.init), "reply.retry_after_ms"),
            reason: form.reason, model: try field(ModelName(form.model), "reply.model", "not [a-z0-9._-]{1,64}"),
            digest: try form.digest.map { text throws(WireError) in
                try field(DigestText(text), "reply.digest", "not 64 lower-case hexadecimal digits")
            },
            answer: try form.answer?.answer("reply.answer"), top: form.top ?? [],
            queueTime: try Self.duration(form.queue_ms, "reply.queue_ms") ?? .zero,
            inferenceTime: try Self.duration(form.infer_ms, "reply.infer_ms") ?? .zero)
        try check()
    }

    private static func duration(_ milliseconds: Double?, _ subject: String) throws(WireError) -> Duration? {
        guard let milliseconds else { return nil }
        try require((0...600_000).contains(milliseconds), subject, "outside 0 … 600000")
        return .microseconds(Int64(milliseconds * 1000))
    }

    private func check() throws(WireError) {
        try require(!status.rawValue.isEmpty && status.rawValue.utf8.count <= 32, "reply.status", "not 1 … 32 bytes")
        try require((reason?.utf8.count ?? 0) <= 256, "reply.reason", "longer than 256 bytes")
        try require(status != .ok || answer != nil, "reply.answer", "missing, though the status is ok")
        try require(top.count <= Self.maximumCandidates, "reply.top", "more than \(Self.maximumCandidates) classes")
        for candidate in top { try AnswerForm.check(candidate.class, candidate.probability, "reply.top") }
    }
}
