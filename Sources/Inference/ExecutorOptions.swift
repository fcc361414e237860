// SPDX-License-Identifier: Apache-2.0
package import Kernels

/// How a network is run.
package struct ExecutorOptions: Sendable {
    /// Threads that take part in a run, the caller's included: 1 … ``maximumThreads``.
    package var threads: Int
    /// The instruction sets that kernels may use.
    package var features: CPUFeatures
    /// The most bytes that activations, constant operands and scratch areas may take together; packed weights come on top.
    package var memoryLimit: Int

    package static let maximumThreads = 64

    package init(threads: Int = 1, features: CPUFeatures = .current, memoryLimit: Int = 1 << 32) {
        self.threads = threads
        self.features = features
        self.memoryLimit = memoryLimit
    }
}
