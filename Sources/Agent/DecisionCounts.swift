// SPDX-License-Identifier: Apache-2.0

/// What became of the frames since the start. Every frame taken up is in exactly one of `local`, `cloud`, `carried` and `unconfirmed`, or still open.
package struct DecisionCounts: Hashable, Sendable {
    package var taken: UInt64 = 0
    package var local: UInt64 = 0
    package var cloud: UInt64 = 0
    package var carried: UInt64 = 0
    package var unconfirmed: UInt64 = 0
    package var revisions: UInt64 = 0
    /// Decided later than the deadline: the machine was too busy to wake up in time.
    package var overdue: UInt64 = 0
    /// Questions to the cloud.
    package var asked: UInt64 = 0
    /// Of them, those before the board's network had spoken.
    package var sentAtOnce: UInt64 = 0
    /// Of these, those whose local answer the gate then trusted.
    package var needless: UInt64 = 0
    /// Of the questions, those that were cancelled because a local answer came first.
    package var cancelled: UInt64 = 0
    /// Frames with which the board stopped because the cloud's answer came first.
    package var rested: UInt64 = 0
    /// Not asked about although the gate didn't trust the answer, because of the pre-route.
    package var keptBack: UInt64 = 0
    /// Not asked about, because too many questions were open.
    package var crowded: UInt64 = 0
    /// Not asked about, because a frame like it was a moment ago.
    package var spared: UInt64 = 0
    /// Questions that were refused on the way or that the cloud couldn't answer.
    package var unanswered: UInt64 = 0
    /// Questions without an answer until the expiry.
    package var expired: UInt64 = 0
    /// Answers after the expiry, or after the frame was closed in another way.
    package var lateAnswers: UInt64 = 0
    /// Second answers to one question.
    package var duplicateAnswers: UInt64 = 0
    /// Answers to what wasn't asked, or so long ago that nobody remembers.
    package var unknownAnswers: UInt64 = 0
    /// Damaged outputs of the board's network.
    package var faults: UInt64 = 0
    /// Runs of the board's network that failed.
    package var failures: UInt64 = 0

    package init() {}

    package var decided: UInt64 { local + cloud + carried + unconfirmed }

    package subscript(source: Decision.Source) -> UInt64 {
        get {
            switch source {
            case .local: local
            case .cloud: cloud
            case .carried: carried
            case .localUnconfirmed: unconfirmed
            }
        }
        set {
            switch source {
            case .local: local = newValue
            case .cloud: cloud = newValue
            case .carried: carried = newValue
            case .localUnconfirmed: unconfirmed = newValue
            }
        }
    }
}
