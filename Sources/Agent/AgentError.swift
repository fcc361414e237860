// SPDX-License-Identifier: Apache-2.0

/// Why an agent can't start.
package struct AgentError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The configuration asks for what can't be: a file that isn't there, a network without preprocessing.
        package static let configuration = Code(rawValue: "configuration")
        /// A file is there, but damaged or of another kind.
        package static let data = Code(rawValue: "data")
        /// The system refuses what is needed.
        package static let unavailable = Code(rawValue: "unavailable")
    }

    package let code: Code
    /// What was being done, with its operand.
    package let operation: String
    package let cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "\(operation): \(cause)" }

    /// As in `sysexits.h`.
    package var exitStatus: Int32 {
        switch code {
        case .configuration: 78
        case .data: 65
        default: 69
        }
    }
}
