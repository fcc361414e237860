// SPDX-License-Identifier: Apache-2.0

/// Whether anybody can answer for a model: retained on `c/pool/<model>/state`, with an expiry, so that a silent pool becomes unknown.
package struct PoolState: Hashable, Sendable {
    package var online: Bool
    /// Who published it; when that worker's will comes, the pool counts as offline until another one speaks.
    package var worker: ClientID
    /// SHA-256 of the label list.
    package var task: DigestText
    /// SHA-256 of the model's weights.
    package var digest: DigestText?
    /// Requests that the publisher holds at the same time, waiting ones included; 1 … 65535.
    package var capacity: Int
    /// The longest request payload it takes.
    package var maximumBytes: Int

    /// How long a published state is good for.
    package static let lifetime = Duration.seconds(90)
    /// How often a worker repeats it.
    package static let period = Duration.seconds(30)
    package static let maximumStateBytes = 4096

    package init(online: Bool, worker: ClientID, task: DigestText, digest: DigestText?, capacity: Int, maximumBytes: Int) {
        self.online = online
        self.worker = worker
        self.task = task
        self.digest = digest
        self.capacity = capacity
        self.maximumBytes = maximumBytes
    }

    private struct Form: Codable {
        var v: Int
        var online: Bool
        var worker: String
        var task: String
        var digest: String?
        var capacity: Int?
        var max_bytes: Int?
    }

    package func encoded() throws(WireError) -> [UInt8] {
        try JSONMessage.encode(
            Form(
                v: JSONMessage.version, online: online, worker: worker.description, task: task.description, digest: digest?.description,
                capacity: capacity, max_bytes: maximumBytes), subject: "pool state")
    }

    package init(decoding payload: [UInt8]) throws(WireError) {
        let form = try JSONMessage.decode(Form.self, from: payload[...], limit: Self.maximumStateBytes, subject: "pool state")
        self.init(
            online: form.online, worker: try field(ClientID(form.worker), "pool.worker", "not [a-z0-9-]{1,36}"),
            task: try field(DigestText(form.task), "pool.task", "not 64 lower-case hexadecimal digits"),
            digest: try form.digest.map { text throws(WireError) in
                try field(DigestText(text), "pool.digest", "not 64 lower-case hexadecimal digits")
            },
            capacity: form.capacity ?? 1, maximumBytes: form.max_bytes ?? Request.maximumPayloadBytes)
        try require((1...65_535).contains(capacity), "pool.capacity", "outside 1 … 65535")
        try require(maximumBytes > 0, "pool.max_bytes", "not positive")
    }
}
