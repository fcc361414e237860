// SPDX-License-Identifier: Apache-2.0

/// When a question is sent for the link's sake alone. Pure: times are seconds of any clock that doesn't go back.
///
/// - Where workers answer: where nothing was sent for `3600 / perHour` seconds, and no more than `perHour` in any hour.
/// - Where the broker is there but nobody is known to answer: now and then, first after ``firstTrial``, then twice as long each time up to ``longestTrial``.
///   Else nobody would find out that somebody answers again. The link refuses most of these without sending anything.
package struct ProbeSchedule: Hashable, Sendable {
    package static let firstTrial = 5.0
    package static let longestTrial = 60.0

    private let perHour: Int
    /// The times of the newest, the oldest first, no more than `perHour`.
    private var sent: [Double] = []
    private var trial = Self.firstTrial
    private var nextTrial: Double?

    package init(perHour: Int) {
        self.perHour = perHour
        sent.reserveCapacity(perHour)
    }

    private var spacing: Double { 3600 / Double(max(perHour, 1)) }

    /// - Parameters:
    ///   - age: seconds since the last transfer; `nil` before the first.
    ///   - mode: how far the cloud is with us.
    package mutating func isDue(age: Double?, mode: CloudStatus.Mode, at now: Double) -> Bool {
        switch mode {
        case .autonomous:
            nextTrial = nil
            return false
        case .degraded:
            guard let nextTrial else {
                trial = Self.firstTrial
                nextTrial = now + trial
                return false
            }
            return now >= nextTrial
        case .connected:
            nextTrial = nil
            guard perHour > 0, (age ?? .infinity) >= spacing, sent.last.map({ now - $0 >= spacing }) ?? true else { return false }
            return sent.count < perHour || now - sent[0] >= 3600
        }
    }

    /// One is on its way, as far as the link lets it.
    package mutating func began(at now: Double) {
        if nextTrial != nil {
            trial = min(trial * 2, Self.longestTrial)
            nextTrial = now + trial
        } else if perHour > 0 {
            if sent.count == perHour { sent.removeFirst() }
            sent.append(now)
        }
    }
}
