// SPDX-License-Identifier: Apache-2.0
internal import CKernels

/// What threads ask of the processor that they run on.
package enum Processor {
    /// One moment of a thread that looks out for a change of memory.
    package static func spin() { spin_hint() }

    /// How many processors the calling thread may run on; 1 at least.
    package static var availableCount: Int { max(Int(available_processors()), 1) }

    /// Whether the calling thread could be bound to a processor; it isn't then.
    package static func canBindThread(to number: Int) -> Bool { CInt(exactly: number).map(can_bind_thread) ?? false }

    /// Binds the calling thread to one processor, by the system's number; `false` where there is none, or it isn't ours.
    package static func bindThread(to number: Int) -> Bool { CInt(exactly: number).map(bind_thread) ?? false }
}
