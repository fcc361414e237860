// SPDX-License-Identifier: Apache-2.0

/// What a full model is asked about.
package enum Question: Hashable, Sendable {
    /// A JPEG or PNG.
    case image([UInt8])
    /// What a device has computed up to a cut.
    ///
    /// - Parameters:
    ///   - tensors: what crosses the cut, each value as `PackedActivation` packs it, in the order in which it comes to exist.
    ///   - cut: how many nodes come before it.
    ///   - exit: the output, before the last, that is wanted; `nil`: the last.
    case activations([[UInt8]], cut: Int, exit: Int?)
}

/// A network that answers for whole images, or from a cut on. One owner, one run at a time.
package protocol FullModel: AnyObject {
    /// How many questions it may be asked at once: 1 where it gains nothing by several.
    var lanes: Int { get }

    /// For each question the probability of every class of the task: the same whatever else is asked at once.
    ///
    /// - Precondition: 1 … ``lanes`` questions.
    func answers(to questions: [Question]) -> [Result<[Double], ModelFault>]
}

/// Why a model has no answer.
package struct ModelFault: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The image can't be decoded.
        package static let image = Code(rawValue: "image")
        /// The network can't be gone on with there, or from what was sent.
        package static let activations = Code(rawValue: "activations")
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

    /// Whether what was sent is at fault, not the model.
    package var isOfRequest: Bool { code == .image || code == .activations }

    package var description: String { "\(operation): \(cause)" }
}
