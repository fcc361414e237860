// SPDX-License-Identifier: Apache-2.0

/// The system refuses a thread.
package struct ThreadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, with its operand.
    package let operation: String
    package let cause: String

    package var description: String { "\(operation): \(cause)" }
}
