// SPDX-License-Identifier: Apache-2.0
internal import Threads

/// Runs a source on a thread of its own and puts its frames into a slot.
package final class FrameFeed: Sendable {
    package struct Counts: Hashable, Sendable {
        /// Frames that the source delivered.
        package var delivered: UInt64 = 0
        /// Frames that could not be read.
        package var damaged: UInt64 = 0
        /// Frames that were passed over unread because newer ones were there.
        package var skipped: UInt64 = 0
        /// Why the last damaged frame could not be read.
        package var lastDamage: String?
        /// What ended the source, where it did not end by itself.
        package var failure: FrameError?
        package var hasEnded = false
    }

    private let slot: NewestFrame
    private let stopSignal: StopSignal
    private let state: Monitor<Counts>
    private let thread: WorkerThread

    /// Starts at once.
    ///
    /// - Parameter report: called on the source's thread with each damaged frame's reason.
    package init(
        _ source: some FrameSource, into slot: NewestFrame, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(FrameError) {
        let stopSignal = try StopSignal()
        let state = Monitor(Counts())
        self.slot = slot
        self.stopSignal = stopSignal
        self.state = state
        do {
            thread = try WorkerThread("swiftlet-source") { Self.run(source, slot, stopSignal, state, report) }
        } catch {
            throw FrameError(.unreadable, error.operation, error.cause)
        }
    }

    deinit { stop() }

    package var counts: Counts { state.withLock { $0 } }

    /// Ends the source and closes the slot; returns when the source's thread has ended.
    package func stop() {
        stopSignal.signal()
        slot.close()
        thread.join()
    }

    /// Waits until the source has ended by itself, or was stopped.
    package func waitUntilEnded() { state.wait { $0.hasEnded ? .done(()) : .wait(nil) } }

    private static func run(
        _ source: some FrameSource, _ slot: NewestFrame, _ stop: StopSignal, _ state: Monitor<Counts>, _ report: (String) -> Void
    ) {
        var source = source
        var isOpen = true
        while isOpen, !stop.isSignalled {
            do throws(FrameError) {
                if !source.isLive, !slot.waitUntilEmpty() { break }
                switch try source.next(stop) {
                case .frame(let frame):
                    state.change { $0.delivered += 1 }
                    isOpen = slot.put(frame)
                case .damaged(let reason):
                    state.change { counts in
                        counts.damaged += 1
                        counts.lastDamage = reason
                    }
                    report(reason)
                case .skipped(let count): state.change { $0.skipped += UInt64(count) }
                case .ended: isOpen = false
                }
            } catch {
                state.change { $0.failure = error }
                isOpen = false
            }
        }
        slot.finish()
        state.change { $0.hasEnded = true }
    }
}
