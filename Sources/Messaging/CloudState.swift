// SPDX-License-Identifier: Apache-2.0
package import Wire

/// How far the cloud is with us.
package struct LinkMode: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        /// Broker and workers are there.
        case connected
        /// The broker is there, but nobody seems to answer.
        case degraded
        /// No broker.
        case autonomous
    }

    package var kind: Kind
    /// One line for people.
    package var reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }
}

/// Why a question isn't taken.
package struct Refusal: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    package static let disconnected = Refusal(rawValue: "disconnected")
    /// The workers said that they are gone.
    package static let poolOffline = Refusal(rawValue: "pool offline")
    /// Nothing is known of the workers, and the one probe of this interval is spent.
    package static let poolUnknown = Refusal(rawValue: "pool unknown")
    package static let breakerOpen = Refusal(rawValue: "breaker open")
    /// The workers asked for a pause.
    package static let busy = Refusal(rawValue: "busy")
    /// The workers' labels are not ours.
    package static let otherTask = Refusal(rawValue: "other task")
    /// The cut is one of another model than the workers'.
    package static let otherModel = Refusal(rawValue: "other model")
    /// More bytes than the broker or the workers take.
    package static let tooLarge = Refusal(rawValue: "too large")
    /// A field of the request is outside its range.
    package static let invalid = Refusal(rawValue: "invalid")
}

/// How a question ended without an answer.
package struct Failure: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    /// No reply within the deadline.
    package static let expired = Failure(rawValue: "expired")
    /// A newer question took its place before it was sent.
    package static let superseded = Failure(rawValue: "superseded")
    /// Whoever asked has no more need of an answer.
    package static let cancelled = Failure(rawValue: "cancelled")
    /// The broker went away.
    package static let disconnected = Failure(rawValue: "disconnected")
    /// The broker says that no worker listens.
    package static let unheard = Failure(rawValue: "nobody listens")
    /// The broker or the network layer didn't take it.
    package static let undeliverable = Failure(rawValue: "undeliverable")

    /// The worker answered with another status than `ok`.
    package static func status(_ status: Reply.Status) -> Failure { Failure(rawValue: "worker: " + status.rawValue) }
}

/// What a device link tells its owner.
package enum LinkEvent: Sendable {
    /// The answer to question `id` about `frame`, within its deadline.
    case answered(id: RequestID, frame: UInt64, Reply, Transfer)
    /// The question `id` ended without an answer.
    ///
    /// - Parameter waited: at the worker that has refused it.
    case unanswered(id: RequestID, frame: UInt64, Failure, waited: Duration? = nil)
    /// A reply to a question that already ended without one: it came too late, or the question was cancelled.
    case late(frame: UInt64, Reply, Transfer)
    case mode(LinkMode)
}

/// What a device link has counted since its start.
package struct LinkCounters: Sendable, Equatable {
    package var asked: UInt64 = 0
    /// By reason.
    package var refused: [Refusal: UInt64] = [:]
    package var sent: UInt64 = 0
    package var probes: UInt64 = 0
    package var answered: UInt64 = 0
    /// By reason.
    package var failed: [Failure: UInt64] = [:]
    package var late: UInt64 = 0
    /// Replies to questions that had one already, or had ended so that none was to come.
    package var duplicate: UInt64 = 0
    /// Replies to questions that we never asked, or asked too long ago.
    package var unknown: UInt64 = 0
    /// Messages on topics that mean nothing to us, and replies by models that we didn't ask.
    package var misdirected: UInt64 = 0
    /// Payloads that aren't what their topic promises.
    package var damaged: UInt64 = 0
    /// Events and snapshots that were not sent.
    package var unpublished: UInt64 = 0
}
