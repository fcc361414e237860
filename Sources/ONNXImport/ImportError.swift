// SPDX-License-Identifier: Apache-2.0
internal import Networks

/// Why an ONNX file can't be read as a network.
package struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package var rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// A file can't be read, or is not where external data may be.
        package static let file = Code(rawValue: "file")
        /// The bytes are no ONNX model, or contradict themselves.
        package static let format = Code(rawValue: "format")
        /// A sound model that uses what this program doesn't know.
        package static let unsupported = Code(rawValue: "unsupported")
        /// Types, shapes or parameters that don't fit together.
        package static let invalid = Code(rawValue: "invalid")
        /// Larger than this program reads.
        package static let size = Code(rawValue: "size")
    }

    package var code: Code
    /// The file, and the node, tensor or input in it.
    package var subject: String
    package var cause: String

    package init(_ code: Code, _ cause: String, subject: String = "") {
        self.code = code
        self.cause = cause
        self.subject = subject
    }

    init(_ error: GraphError) {
        self.init(error.code == .size ? .size : .invalid, error.cause, subject: error.subject ?? "")
    }

    /// The same error with `outer` before its subject.
    func within(_ outer: String) -> ImportError {
        ImportError(code, cause, subject: subject.isEmpty ? outer : "\(outer): \(subject)")
    }

    package var description: String {
        let text = code == .unsupported ? "not supported: \(cause)" : cause
        return subject.isEmpty ? text : "\(subject): \(text)"
    }
}
