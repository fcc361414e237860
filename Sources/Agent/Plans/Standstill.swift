// SPDX-License-Identifier: Apache-2.0

/// Whether nothing can be sent, and has been so for long, though workers answer: a budget is spent, or they ask for a pause. Plans do without the cloud then, until it has been free
/// for as long; what is shorter is no news to them, since the board goes on with each frame that it can't send. Pure: times are seconds of any clock that doesn't go back.
package struct Standstill: Hashable, Sendable {
    package static let patience = 10.0

    /// Why; `nil`: it's none.
    package private(set) var reason: String?
    /// Since when it has been otherwise at every look.
    private var changedAt: Double?

    package init() {}

    /// - Parameter hindrance: why nothing can be sent now.
    package mutating func look(_ hindrance: String?, at now: Double) {
        guard (hindrance == nil) != (reason == nil) else { return changedAt = nil }
        let since = changedAt ?? now
        changedAt = since
        guard now - since >= Self.patience else { return }
        (reason, changedAt) = (hindrance, nil)
    }

    /// Nobody answers, which is another matter.
    package mutating func end() { self = Standstill() }
}
