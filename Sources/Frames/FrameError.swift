// SPDX-License-Identifier: Apache-2.0

/// Why a source of frames can't go on.
package struct FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// The folder, file or pipe can't be opened or read, or went away.
        package static let unreadable = Code(rawValue: "unreadable")
        /// There is nothing to read, and nothing to wait for.
        package static let empty = Code(rawValue: "empty")
        /// The stream does not begin as it must.
        package static let badHeader = Code(rawValue: "bad-header")
        /// Well formed, but of a kind that is not read here.
        package static let unsupported = Code(rawValue: "unsupported")
        /// Larger than the limits allow.
        package static let tooLarge = Code(rawValue: "too-large")
    }

    package var code: Code
    /// What was attempted, with the source: `watch /srv/frames`.
    package var operation: String
    /// What was found, and what to do about it.
    package var cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "\(operation): \(cause)" }
}
