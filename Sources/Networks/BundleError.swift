// SPDX-License-Identifier: Apache-2.0

/// Why a bundle can't be read, written or trusted.
package struct BundleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of trouble it is. A struct, so that codes of later versions survive.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package var rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The file can't be opened, mapped or read.
        package static let unreadable = Code(rawValue: "unreadable")
        /// The file can't be created, written or moved into place.
        package static let unwritable = Code(rawValue: "unwritable")
        /// The file isn't a safetensors file, or not one that holds a network of ours.
        package static let notABundle = Code(rawValue: "not-a-bundle")
        /// The file is one of ours, but its contents contradict themselves or a digest.
        package static let damaged = Code(rawValue: "damaged")
        /// The file is of a format version that this program doesn't know.
        package static let unsupportedVersion = Code(rawValue: "unsupported-version")
        /// The network, run on the golden inputs, doesn't give the golden outputs.
        package static let goldenMismatch = Code(rawValue: "golden-mismatch")
    }

    package var code: Code
    /// What was tried, with its operand: `read net.swiftlet`.
    package var operation: String
    package var cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "can't \(operation): \(cause)" }
}
