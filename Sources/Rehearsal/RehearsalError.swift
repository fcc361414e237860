// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A rehearsal that can't be set up.
package struct RehearsalError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// A program that isn't installed.
        package static let missing = Code(rawValue: "missing")
        /// The system refuses.
        package static let system = Code(rawValue: "system")
        /// A program that doesn't do what it should.
        package static let notReady = Code(rawValue: "not ready")
    }

    package let code: Code
    package let operation: String
    package let cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    init(_ operation: String, error: CInt = errno) {
        var buffer = [CChar](repeating: 0, count: 128)
        let cause = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return "error \(error)" }
            return unsafe strerror_r(error, base, buffer.count) == 0 ? unsafe String(cString: base) : "error \(error)"
        }
        self.init(.system, operation, cause)
    }

    package var description: String { "\(operation): \(cause)" }
}
