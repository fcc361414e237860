// SPDX-License-Identifier: Apache-2.0

/// Why an image, or a set of images, could not be read or written.
package struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// The file or folder can't be opened or read.
        package static let unreadable = Code(rawValue: "unreadable")
        /// The file or folder can't be made or written.
        package static let unwritable = Code(rawValue: "unwritable")
        /// Neither JPEG nor PNG, nor a file of records.
        package static let unknownFormat = Code(rawValue: "unknown-format")
        /// The data ends before the image does.
        package static let truncated = Code(rawValue: "truncated")
        /// The data breaks the rules of its format.
        package static let damaged = Code(rawValue: "damaged")
        /// Well formed, but of a kind that is not read here.
        package static let unsupported = Code(rawValue: "unsupported")
        /// More pixels, or bytes, than the limits allow.
        package static let tooLarge = Code(rawValue: "too-large")
        /// A set without any image.
        package static let empty = Code(rawValue: "empty")
        /// A table of labels that can't be understood.
        package static let badLabels = Code(rawValue: "bad-labels")
    }

    package var code: Code
    /// What was attempted, with the file where there is one: `decode canoe.jpg`.
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
