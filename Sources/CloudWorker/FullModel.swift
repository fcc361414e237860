// SPDX-License-Identifier: Apache-2.0

/// A network that answers for whole images. One owner, one run at a time.
package protocol FullModel: AnyObject {
    /// The probability of every class of the task for a JPEG or PNG image.
    func probabilities(of image: [UInt8]) throws(ModelFault) -> [Double]
}

/// Why a model has no answer.
package struct ModelFault: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The image can't be decoded.
        package static let image = Code(rawValue: "image")
        /// The network can't be loaded or run.
        package static let network = Code(rawValue: "network")
    }

    package let code: Code
    package let operation: String
    package let cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "\(operation): \(cause)" }
}
