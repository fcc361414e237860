// SPDX-License-Identifier: Apache-2.0
internal import Threads

/// The slot between a source and the loop that answers its frames: it holds one frame, and a newer one replaces it.
///
/// One thread puts, another takes; any may ask for the counts or close it.
package final class NewestFrame: Sendable {
    package enum Taken: Sendable {
        case frame(Frame)
        /// Nothing came until the deadline.
        case timedOut
        /// No frame will come any more.
        case ended
    }

    package struct Counts: Hashable, Sendable {
        /// Frames that were put in.
        package var arrived: UInt64 = 0
        /// Frames that were taken out.
        package var taken: UInt64 = 0
        /// Frames that a newer one replaced, or that lay there when the slot was closed. While a
        /// frame waits, `arrived = taken + dropped + 1`, else `taken + dropped`.
        package var dropped: UInt64 = 0

        package init(arrived: UInt64 = 0, taken: UInt64 = 0, dropped: UInt64 = 0) {
            self.arrived = arrived
            self.taken = taken
            self.dropped = dropped
        }
    }

    private struct State {
        var frame: Frame?
        var counts = Counts()
        var isFinished = false
    }

    private let state = Monitor(State())

    package init() {}

    package var counts: Counts { state.withLock { $0.counts } }

    /// Puts a frame in, in the place of one that waits. `false`, and nothing happens, once the slot is finished or closed.
    @discardableResult
    package func put(_ frame: Frame) -> Bool {
        state.change { state in
            guard !state.isFinished else { return false }
            if state.frame != nil { state.counts.dropped += 1 }
            state.counts.arrived += 1
            state.frame = frame
            return true
        }
    }

    /// Waits until there is no frame in the slot; `false` once the slot is finished or closed.
    package func waitUntilEmpty() -> Bool {
        state.wait { $0.isFinished ? .done(false) : $0.frame == nil ? .done(true) : .wait(nil) }
    }

    /// Waits for a frame, at most until `deadline` where one is given.
    package func take(until deadline: ContinuousClock.Instant? = nil) -> Taken {
        let taken: Taken = state.wait { state in
            if let frame = state.frame {
                state.frame = nil
                state.counts.taken += 1
                return .done(.frame(frame))
            }
            if state.isFinished { return .done(.ended) }
            let remaining = deadline.map { $0 - .now }
            return remaining.map { $0 <= .zero } == true ? .done(.timedOut) : .wait(remaining)
        }
        if case .frame = taken { state.wakeAll() }
        return taken
    }

    /// Says that no frame will come any more. One that waits can still be taken.
    package func finish() { state.change { $0.isFinished = true } }

    /// Ends both sides at once; a frame that waits is dropped.
    package func close() {
        state.change { state in
            state.isFinished = true
            if state.frame != nil { state.counts.dropped += 1 }
            state.frame = nil
        }
    }
}
