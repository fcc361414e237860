// SPDX-License-Identifier: Apache-2.0

/// A message on its way to the broker.
package struct OutboundMessage: Sendable {
    package enum Quality: Int32, Sendable {
        case atMostOnce = 0
        case atLeastOnce = 1
    }

    package var topic: String
    package var payload: [UInt8]
    package var quality: Quality
    package var isRetained = false
    /// How long the message is of use, from when it is handed over; the broker counts in whole seconds, rounded up.
    package var lifetime: Duration?
    package var responseTopic: String?
    package var correlation: [UInt8]?

    package init(topic: String, payload: [UInt8], quality: Quality, isRetained: Bool = false, lifetime: Duration? = nil) {
        self.topic = topic
        self.payload = payload
        self.quality = quality
        self.isRetained = isRetained
        self.lifetime = lifetime
    }

    /// An upper bound of the MQTT packet's size.
    package var packetBytes: Int {
        64 + topic.utf8.count + payload.count + (responseTopic?.utf8.count ?? 0) + (correlation?.count ?? 0)
    }
}

/// A message from the broker.
package struct InboundMessage: Sendable {
    package var topic: String
    package var payload: [UInt8]
    /// The broker kept it for us; it may be old.
    package var isRetained: Bool
    /// What is left of its lifetime, where it has one.
    package var lifetime: Duration?
    package var correlation: [UInt8]?
}

/// A subscription, made again at every connection.
package struct Subscription: Sendable {
    package var filter: String
    /// Whether a refusal makes the connection useless.
    package var isRequired: Bool

    package init(_ filter: String, isRequired: Bool) {
        self.filter = filter
        self.isRequired = isRequired
    }
}
