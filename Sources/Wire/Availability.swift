// SPDX-License-Identifier: Apache-2.0

/// The availability of a device or worker: birth, clean stop and will on its status topic, retained.
package struct Availability: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, Codable {
        case online
        /// It said goodbye.
        case stopped
        /// The broker lost it; only wills say this.
        case offline
    }

    package var state: State
    /// Pairs a will with its birth: grows with every connection of one process; a will with an older number is ignored.
    package var session: UInt64
    /// Tells runs of the process apart.
    package var boot: RequestID
    /// Program and version.
    package var agent: String

    package static let maximumBytes = 4096

    package init(state: State, session: UInt64, boot: RequestID, agent: String) {
        self.state = state
        self.session = session
        self.boot = boot
        self.agent = agent
    }

    private struct Form: Codable {
        var v: Int
        var state: State
        var session: UInt64
        var boot: String
        var agent: String?
    }

    package func encoded() throws(WireError) -> [UInt8] {
        try JSONMessage.encode(
            Form(v: JSONMessage.version, state: state, session: session, boot: boot.description, agent: agent), subject: "status")
    }

    package init(decoding payload: [UInt8]) throws(WireError) {
        let form = try JSONMessage.decode(Form.self, from: payload[...], limit: Self.maximumBytes, subject: "status")
        self.init(
            state: form.state, session: form.session,
            boot: try field(RequestID(form.boot), "status.boot", "not 32 lower-case hexadecimal digits"), agent: form.agent ?? "")
    }
}
