// SPDX-License-Identifier: Apache-2.0
internal import Definitions
internal import Networks
internal import Tensors

/// One piece of work of a loaded network. It can't fail, and it reserves no memory.
protocol Step: Sendable {
    /// How many parts of the work may run at the same time, fixed when the network is loaded. Results are the same however parts are cut.
    var parts: Int { get }
    /// About how long one thread takes for all of them; 0 for what isn't worth dividing.
    var nanoseconds: Double { get }

    /// Does `parts`. `worker` is the number of the thread, for its scratch area.
    func run(parts: Range<Int>, in memory: Memory, worker: Int)

    /// Does all of it in several lanes, operands that they share being read for several of them at once.
    ///
    /// - Returns: false where nothing was done, since it can't.
    func runTogether(in lanes: [Memory]) -> Bool
}

extension Step {
    var parts: Int { 1 }
    var nanoseconds: Double { 0 }
    func runTogether(in lanes: [Memory]) -> Bool { false }
}

/// What a step is, for people.
package struct StepDescription: Hashable, Sendable {
    /// The node that it computes, or for whose sake it is.
    package var node: String
    package var kernel: String
    /// Multiplications with addition.
    package var macs: Int
    /// The step runs the operation's definition: slow, and it reserves memory at each run.
    package var isDefinition: Bool
}
