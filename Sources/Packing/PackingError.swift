// SPDX-License-Identifier: Apache-2.0

/// Numbers that can't be packed, or bytes that aren't a packed activation.
package struct PackingError: Error, Hashable, CustomStringConvertible {
    /// The kind of fault; unknown values survive.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The activation holds a NaN or an infinity, or its range is none that float32 holds.
        package static let notFinite = Code(rawValue: "not finite")
        /// The bytes end before the activation does.
        package static let truncated = Code(rawValue: "truncated")
        /// A size, or the ratio of numbers to bytes, is above the stated bound.
        package static let tooLarge = Code(rawValue: "too large")
        /// A version or form that this program doesn't know.
        package static let version = Code(rawValue: "version")
        /// The activation is told by its differences from one before it, and that isn't the one given.
        package static let reference = Code(rawValue: "reference")
        /// A field outside its range, or bytes that no packer writes.
        package static let damaged = Code(rawValue: "damaged")
    }

    package let code: Code
    package let operation: String
    package let cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "\(operation): \(code.rawValue): \(cause)" }
}
