// SPDX-License-Identifier: Apache-2.0

/// The name of a device or a worker: topic level, MQTT client id, user name and certificate name at once. `[a-z0-9-]{1,36}`.
package struct ClientID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// `nil` where `text` has another form.
    package init?(_ text: some StringProtocol) {
        guard (1...36).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0.isLowercaseLetterOrDigit || $0 == UInt8(ascii: "-") })
        else { return nil }
        description = String(text)
    }
}

/// The name that devices ask a full model by; a topic level of its own. `[a-z0-9._-]{1,64}`.
package struct ModelName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// `nil` where `text` has another form.
    package init?(_ text: some StringProtocol) {
        guard (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0.isLowercaseLetterOrDigit || "-._".utf8.contains($0) })
        else { return nil }
        description = String(text)
    }
}

/// What an event is about: the last level of `up/evt/<kind>`. `[a-z-]{1,24}`.
package struct EventKind: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// `nil` where `text` has another form.
    package init?(_ text: some StringProtocol) {
        guard (1...24).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        description = String(text)
    }

    private init(known: StaticString) { description = "\(known)" }

    /// A frame's decision.
    package static let decision = EventKind(known: "decision")
    /// A late cloud answer that changes a decision.
    package static let revision = EventKind(known: "revision")
    package static let gate = EventKind(known: "gate")
    /// Audits have moved the gate.
    package static let audit = EventKind(known: "audit")
    /// Another plan is in use.
    package static let plan = EventKind(known: "plan")
    /// Something isn't as it should be.
    package static let health = EventKind(known: "health")
}

extension UInt8 {
    fileprivate var isLowercaseLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
