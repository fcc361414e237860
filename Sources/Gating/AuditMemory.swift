// SPDX-License-Identifier: Apache-2.0

/// What an ``AuditLadder`` needs to go on after a restart of the program: its rung and the evidence.
///
/// Times are ages: how long ago something was. Where the time that passed without the program isn't known, ages are too small, and a ladder that goes on with them
/// waits longer for evidence to relax.
package struct AuditMemory: Hashable, Sendable {
    /// How many there are means closed.
    package var rung: Int
    package var isOnProbation: Bool
    /// Audits of the present rung, and all.
    package var interval: AuditInterval
    package var total: AuditInterval
    package var tightenings: UInt64
    package var relaxings: UInt64
    package var pause: Duration
    /// Of the last answer to an audit, the last audit, the last answer about a frame between two rungs, the last change and the last step back; `nil`: there was none.
    package var ages: [Duration?]
    /// How many frames the shares are about.
    package var frames: Double
    /// Of frames that each rung accepts.
    package var shares: [Double]
    /// Of the evidence on each rung, as one to go back to.
    package var bands: [[Double]]
    /// ``DriftDetector/memory`` for each, and against each.
    package var holding: [[Double]]
    package var breaking: [[Double]]

    package init(
        rung: Int, isOnProbation: Bool, interval: AuditInterval, total: AuditInterval, tightenings: UInt64, relaxings: UInt64, pause: Duration, ages: [Duration?],
        frames: Double, shares: [Double], bands: [[Double]], holding: [[Double]], breaking: [[Double]]
    ) {
        self.rung = rung
        self.isOnProbation = isOnProbation
        self.interval = interval
        self.total = total
        self.tightenings = tightenings
        self.relaxings = relaxings
        self.pause = pause
        self.ages = ages
        self.frames = frames
        self.shares = shares
        self.bands = bands
        self.holding = holding
        self.breaking = breaking
    }

    /// The same after so long.
    package func aged(by time: Duration) -> AuditMemory {
        var older = self
        older.ages = ages.map { $0.map { $0 + time } }
        return older
    }
}
