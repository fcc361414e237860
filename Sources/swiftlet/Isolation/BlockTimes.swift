// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Demonstration
internal import Synchronization

/// The times of one block, gathered from the threads of source and agent.
final class BlockTimes: Sendable {
    /// In milliseconds.
    struct Entry {
        /// `nil` for a frame that doesn't count.
        var captured: ContinuousClock.Instant?
        /// From the hand-over to taking up.
        var wait: Double?
        /// From taking up to what the board's network said.
        var computing: Double?
    }

    private struct Pages {
        var entries: [Entry] = []
        var isOpen = false
    }

    private let pages: Mutex<Pages>

    /// - Parameter capacity: frames that are expected, so that nothing is moved while it is measured.
    init(capacity: Int) {
        var empty = Pages()
        empty.entries.reserveCapacity(capacity)
        pages = Mutex(empty)
    }

    /// Frames that are handed over count from now on, or no longer.
    func count(_ isOpen: Bool) { pages.withLock { $0.isOpen = isOpen } }

    func handOver(_ frame: UInt64, at instant: ContinuousClock.Instant) {
        pages.withLock { pages in
            while pages.entries.count < Int(frame) { pages.entries.append(Entry()) }
            pages.entries.append(Entry(captured: pages.isOpen ? instant : nil))
        }
    }

    func take(_ frame: UInt64, at instant: ContinuousClock.Instant) {
        pages.withLock { pages in
            guard let captured = pages.entries[Int(frame)].captured else { return }
            pages.entries[Int(frame)].wait = (instant - captured).milliseconds
        }
    }

    /// Where the board was late its answer comes with the revision.
    func note(_ decision: Decision) {
        guard let latency = decision.localLatency else { return }
        pages.withLock { $0.entries[Int(decision.frame)].computing = latency.milliseconds }
    }

    /// The frames that counted and were taken up.
    var frames: (computing: [Double], whole: [Double]) {
        let counted = pages.withLock { $0.entries }.compactMap { entry in
            entry.wait.flatMap { wait in entry.computing.map { (wait: wait, computing: $0) } }
        }
        return (counted.map(\.computing), counted.map { $0.wait + $0.computing })
    }
}
