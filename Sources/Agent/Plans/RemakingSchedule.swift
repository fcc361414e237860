// SPDX-License-Identifier: Apache-2.0

/// When plans are made anew because their costs turned out otherwise. Pure: times are seconds of any clock that doesn't go back.
///
/// A movement counts where every look for ``persistence`` has found it. The first one is followed at once; from then on there is time from one remaking to the next.
package struct RemakingSchedule: Hashable, Sendable {
    package static let persistence = 0.5
    package static let interval = 5.0
    /// The same where there is but one plan, so that nothing but its figures can change.
    package static let intervalOfOne = 60.0

    /// The first of the looks, without a break, that have found a movement.
    private var movedSince: Double?
    private var last: Double?

    package init() {}

    /// Takes in a look.
    ///
    /// - Parameters:
    ///   - isMoved: whether costs are so far from those that plans are made of that it matters.
    ///   - plans: how many there are to choose among.
    package mutating func isDue(isMoved: Bool, plans: Int, at now: Double) -> Bool {
        guard isMoved else {
            movedSince = nil
            return false
        }
        guard let movedSince else {
            self.movedSince = now
            return false
        }
        let interval = plans > 1 ? Self.interval : Self.intervalOfOne
        return now - movedSince >= Self.persistence && last.map { now - $0 >= interval } ?? true
    }

    /// Plans have been made anew, for whatever reason.
    package mutating func remade(at now: Double) {
        movedSince = nil
        last = now
    }
}
