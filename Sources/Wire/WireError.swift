// SPDX-License-Identifier: Apache-2.0

/// A payload or a topic that isn't what the protocol says.
package struct WireError: Error, Hashable, CustomStringConvertible {
    /// The kind of fault; unknown values survive.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The bytes end before the message does.
        package static let truncated = Code(rawValue: "truncated")
        /// A length, count or depth is above the protocol's bound.
        package static let tooLarge = Code(rawValue: "too large")
        /// Not JSON, or not the JSON of this message.
        package static let malformed = Code(rawValue: "malformed")
        /// A field's value is outside its range.
        package static let invalidField = Code(rawValue: "invalid field")
        /// A major version that this program doesn't speak.
        package static let version = Code(rawValue: "version")
    }

    package let code: Code
    /// The message or field it was found in.
    package let subject: String
    package let cause: String

    package init(_ code: Code, _ subject: String, _ cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    package var description: String { "\(subject): \(code.rawValue): \(cause)" }
}
