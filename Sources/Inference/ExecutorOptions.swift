// SPDX-License-Identifier: Apache-2.0
package import Kernels

/// How a network is run.
package struct ExecutorOptions: Sendable {
    /// Threads that take part in a run, the caller's included: 1 … ``maximumThreads``.
    package var threads: Int
    /// The processors that threads are bound to; threads beyond the list are free. They are the system's numbers. The first is that of the thread
    /// that calls, once it has called ``Executor/bindThread()``.
    package var cores: [Int]
    /// How long a thread that has nothing to do looks out for the next step before it sleeps. Longer costs power, shorter costs time: waking a thread
    /// takes as long as some steps.
    package var patience: Duration
    /// Positions in the nodes of ``Networks/Graph/orderedByExits()`` at which a segment may begin or end, besides its two ends; each may keep two nodes from being computed as one.
    package var cuts: Set<Int>
    /// Inputs that may be under way at the same time, each in memory of its own: 1 … ``maximumLanes``; fewer where ``memoryLimit`` has no room for them.
    package var lanes: Int
    /// The first step that lanes share (``Executor/firstSharedStep``); `nil`: what ``Executor/measureLanes()`` finds. Results don't depend on it.
    package var firstSharedStep: Int?
    /// What it costs to divide a step among the threads and to wait for all of them; `nil`: that is measured when the network is loaded. Steps that
    /// gain less aren't divided. Results don't depend on it.
    package var barrier: Duration?
    /// The instruction sets that kernels may use.
    package var features: CPUFeatures
    /// The most bytes that activations, constant operands and scratch areas may take together; packed weights come on top.
    package var memoryLimit: Int

    package static let maximumThreads = 64
    package static let maximumLanes = 64

    package init(
        threads: Int = 1, cores: [Int] = [], patience: Duration = .microseconds(200), barrier: Duration? = nil, cuts: Set<Int> = [], lanes: Int = 1, firstSharedStep: Int? = nil,
        features: CPUFeatures = .current, memoryLimit: Int = 1 << 32
    ) {
        self.threads = threads
        self.cores = cores
        self.patience = patience
        self.barrier = barrier
        self.cuts = cuts
        self.lanes = lanes
        self.firstSharedStep = firstSharedStep
        self.features = features
        self.memoryLimit = memoryLimit
    }
}
