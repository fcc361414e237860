// SPDX-License-Identifier: Apache-2.0

/// A device's word that it needs no more answer to a request, on `up/cancel/<model>`. It may be lost, and come before the request.
package struct Cancellation: Hashable, Sendable {
    /// Of the request.
    package var id: RequestID
    /// The frame's number on the device.
    package var frame: UInt64

    package static let maximumBytes = 4096

    package init(id: RequestID, frame: UInt64) {
        self.id = id
        self.frame = frame
    }

    private struct Form: Codable {
        var v: Int
        var id: String
        var frame: UInt64
    }

    package func encoded() throws(WireError) -> [UInt8] {
        try JSONMessage.encode(Form(v: JSONMessage.version, id: id.description, frame: frame), subject: "cancellation")
    }

    /// The cancellation in a payload from outside.
    package init(decoding payload: [UInt8]) throws(WireError) {
        let form = try JSONMessage.decode(Form.self, from: payload[...], limit: Self.maximumBytes, subject: "cancellation")
        self.init(id: try field(RequestID(form.id), "cancellation.id", "not 32 lower-case hexadecimal digits"), frame: form.frame)
    }
}
