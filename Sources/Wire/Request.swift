// SPDX-License-Identifier: Apache-2.0
package import Answers

/// A device's question to the full model: a header and what the model is to go on from, on `up/infer/<model>`.
///
/// Bytes: length of the header (4 bytes, big-endian), the header (JSON), the compressed image or the packed activations to the end.
package struct Request: Hashable, Sendable {
    /// Why the device asks.
    package struct Gate: Hashable, Sendable, Codable {
        /// Which gate or rule spoke, e.g. `threshold` or `audit`; at most 64 bytes.
        package var reason: String
        /// The gate's measure, where it has one.
        package var score: Double?

        package init(reason: String, score: Double? = nil) {
            self.reason = reason
            self.score = score
        }
    }

    package var id: RequestID
    package var model: ModelName
    /// SHA-256 of the label list; a worker with other labels refuses.
    package var task: DigestText
    /// The frame's number on the device.
    package var frame: UInt64
    /// How long after sending an answer is still of use; 1 ms … 10 min, whole milliseconds on the wire.
    package var deadline: Duration
    /// How long after sending an answer is in time for what the device has to decide, what the way takes left out; 0 … `deadline`, whole milliseconds on the wire. `nil`: the deadline.
    package var due: Duration?
    package var gate: Gate?
    /// What the device itself says.
    package var localAnswer: Answer?
    package var payload: Payload

    package static let maximumHeaderBytes = 65_536
    /// Of what stands behind the header.
    package static let maximumPayloadBytes = 8 << 20

    package init(
        id: RequestID, model: ModelName, task: DigestText, frame: UInt64, deadline: Duration, due: Duration? = nil, gate: Gate? = nil, localAnswer: Answer? = nil,
        payload: Payload
    ) {
        self.id = id
        self.model = model
        self.task = task
        self.frame = frame
        self.deadline = deadline
        self.due = due
        self.gate = gate
        self.localAnswer = localAnswer
        self.payload = payload
    }

    private struct Header: Codable {
        var v: Int
        var id: String
        var model: String
        var task: String
        var frame: UInt64
        var deadline_ms: Int
        var due_ms: Int?
        var encoding: String
        var width: Int?
        var height: Int?
        var cut: Int?
        var full: String?
        var exit: Int?
        var sizes: [Int]?
        var gate: Gate?
        var local: AnswerForm?

        var payload: Payload.Form {
            Payload.Form(encoding: encoding, width: width, height: height, cut: cut, full: full, exit: exit, sizes: sizes)
        }
    }

    /// The payload; throws where a field is outside its range.
    package func encoded() throws(WireError) -> [UInt8] {
        try payload.check()
        try check()
        let form = payload.form
        let header = try JSONMessage.encode(
            Header(
                v: JSONMessage.version, id: id.description, model: model.description, task: task.description, frame: frame,
                deadline_ms: deadline.milliseconds, due_ms: due?.milliseconds, encoding: form.encoding, width: form.width, height: form.height, cut: form.cut,
                full: form.full, exit: form.exit, sizes: form.sizes, gate: gate, local: localAnswer.map(AnswerForm.init)), subject: "request")
        guard header.count <= Self.maximumHeaderBytes else {
            throw WireError(.tooLarge, "request", "a header of \(header.count) bytes, at most \(Self.maximumHeaderBytes) are allowed")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + header.count + payload.bytes.count)
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: header.count >> shift)) }
        bytes += header
        bytes += payload.bytes
        return bytes
    }

    /// The request in a payload from outside.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        guard bytes.count >= 4 else { throw WireError(.truncated, "request", "\(bytes.count) bytes, no header length") }
        let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.maximumHeaderBytes else {
            throw WireError(.tooLarge, "request", "a header of \(length) bytes, at most \(Self.maximumHeaderBytes) are allowed")
        }
        guard length <= bytes.count - 4 else {
            throw WireError(.truncated, "request", "the header's \(length) bytes, of \(bytes.count - 4) there")
        }
        let header = try JSONMessage.decode(Header.self, from: bytes[4..<4 + length], limit: Self.maximumHeaderBytes, subject: "request")
        self.init(
            id: try field(RequestID(header.id), "request.id", "not 32 lower-case hexadecimal digits"),
            model: try field(ModelName(header.model), "request.model", "not [a-z0-9._-]{1,64}"),
            task: try field(DigestText(header.task), "request.task", "not 64 lower-case hexadecimal digits"),
            frame: header.frame, deadline: .milliseconds(header.deadline_ms), due: header.due_ms.map { .milliseconds($0) }, gate: header.gate,
            localAnswer: try header.local?.answer("request.local"), payload: try Payload(header.payload, bytes[(4 + length)...]))
        try check()
    }

    private func check() throws(WireError) {
        try require((1...600_000).contains(deadline.milliseconds), "request.deadline_ms", "outside 1 … 600000")
        try require((.zero...deadline).contains(due ?? .zero), "request.due_ms", "outside 0 … deadline_ms")
        try require((gate?.reason.utf8.count ?? 0) <= 64, "request.gate.reason", "longer than 64 bytes")
        try require(gate?.score?.isFinite ?? true, "request.gate.score", "not finite")
    }
}
