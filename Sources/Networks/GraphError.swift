// SPDX-License-Identifier: Apache-2.0

/// Why a graph, or one of its nodes, is not valid.
package struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package var rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// A value, node or id that doesn't exist, appears twice, or comes too late.
        package static let structure = Code(rawValue: "structure")
        /// An operation got too few or too many inputs or outputs.
        package static let arity = Code(rawValue: "arity")
        /// An element type that the operation doesn't take.
        package static let type = Code(rawValue: "type")
        /// Shapes that don't fit together or the operation's parameters.
        package static let shape = Code(rawValue: "shape")
        /// A parameter of an operation outside its range.
        package static let parameter = Code(rawValue: "parameter")
        /// Scales or zero points that are missing or out of range.
        package static let quantization = Code(rawValue: "quantization")
        /// More than ``Graph/maximumElements`` elements, or more than ``Graph/maximumRank`` axes.
        package static let size = Code(rawValue: "size")
    }

    package var code: Code
    /// The node or value that is wrong; `nil` until the graph that owns it adds it.
    package var subject: String?
    package var cause: String

    package init(_ code: Code, _ cause: String, subject: String? = nil) {
        self.code = code
        self.cause = cause
        self.subject = subject
    }

    package var description: String { subject.map { "\($0): \(cause)" } ?? cause }
}
