// SPDX-License-Identifier: Apache-2.0

/// Why a network can't be loaded, or an input not be run.
package struct InferenceError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package var rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The graph breaks one of its own rules.
        package static let invalidGraph = Code(rawValue: "invalid graph")
        /// The graph is sound, but holds what the engine can't run.
        package static let unsupported = Code(rawValue: "unsupported")
        /// The network needs more memory than ``ExecutorOptions/memoryLimit`` or than there is.
        package static let memory = Code(rawValue: "not enough memory")
        /// The number, the type or the size of the inputs isn't the network's.
        package static let input = Code(rawValue: "wrong input")
        /// The preprocessing doesn't fit the network's input.
        package static let preprocessing = Code(rawValue: "preprocessing")
        /// An operation met values for which it isn't defined, an index out of range for instance.
        package static let evaluation = Code(rawValue: "evaluation")
        /// The system refused a thread.
        package static let threads = Code(rawValue: "threads")
    }

    package var code: Code
    /// The node or the input that it is about.
    package var operation: String
    package var cause: String

    package init(_ code: Code, _ operation: String, _ cause: String) {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(operation): \(cause)" }
}

extension InferenceError {
    /// A thread can't run where it is told to.
    init(_ code: Code, processor: Int) {
        self.init(code, "processor \(processor)", "a thread can't be bound to it: it doesn't exist, or isn't ours")
    }
}
