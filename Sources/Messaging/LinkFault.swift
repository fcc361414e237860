// SPDX-License-Identifier: Apache-2.0

/// Why a broker can't be reached or let us go. A state with a reason, never an exit: the supervisor tries again after all of them.
package struct LinkFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of fault; unknown values survive.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        package static let notStarted = Code(rawValue: "not started")
        package static let stopped = Code(rawValue: "stopped")
        /// The host's name has no address.
        package static let lookup = Code(rawValue: "name lookup")
        /// Nobody listens there, or no way leads there.
        package static let refused = Code(rawValue: "refused")
        /// No answer in time.
        package static let timeout = Code(rawValue: "timeout")
        /// Certificates, keys or the handshake.
        package static let tls = Code(rawValue: "tls")
        /// User name, password or client id.
        package static let authentication = Code(rawValue: "authentication")
        /// The broker's access control forbids what we need.
        package static let accessControl = Code(rawValue: "access control")
        package static let protocolViolation = Code(rawValue: "protocol")
        /// The broker is full, busy or shutting down.
        package static let brokerUnavailable = Code(rawValue: "broker unavailable")
        /// Another client with our id took the session.
        package static let takenOver = Code(rawValue: "taken over")
        /// The connection ended without a word.
        package static let closed = Code(rawValue: "closed")
        /// A file or memory that the connection needs.
        package static let resource = Code(rawValue: "resource")
    }

    package let code: Code
    /// What was tried, with its operand.
    package let operation: String
    package let cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "\(operation): \(code.rawValue): \(cause)" }
}
