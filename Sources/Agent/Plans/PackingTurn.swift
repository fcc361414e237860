// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Threads

/// Lets the frame thread wait while a frame is packed, on a board that has no processor to spare for that.
///
/// What is sent has the longest way before it. Were an insurance computed meanwhile, both would take turns on the processor and both be late: this way what is sent is as
/// early as it can be, and the insurance no later. Reserves no memory.
final class PackingTurn: Sendable {
    private let handled = Monitor<UInt64>(0)

    /// The thread that packs is done with one upload, be it sent, refused or withdrawn.
    func end() {
        // What is handed to the connection's thread is written by it: it wants the processor before the insurance, which would keep it to its end.
        sched_yield()
        handled.change { $0 += 1 }
    }

    /// Waits until so many uploads have been handled since the start; `limit` at most.
    func wait(for count: UInt64, limit: Duration) {
        let end = ContinuousClock.now + limit
        handled.wait { handled in
            if handled >= count { return .done(()) }
            let rest = end - .now
            return rest > .zero ? .wait(rest) : .done(())
        }
    }
}
