// SPDX-License-Identifier: Apache-2.0

/// When a question is sent for the link's sake alone. Pure: times are seconds of any clock that doesn't go back.
///
/// - Where workers answer: until the link's latency and bandwidth are known apart, small and large in turn, no more than ``series`` in any hour; then where nothing was
///   sent for `3600 / perHour` seconds. In all no more than `perHour` in any hour.
/// - Where the broker is there but nobody is known to answer: now and then, first after ``firstTrial``, then twice as long each time up to ``longestTrial``.
///   Else nobody would find out that somebody answers again. The link refuses most of these without sending anything.
package struct ProbeSchedule: Hashable, Sendable {
    package enum Size: Hashable, Sendable { case small, large }

    package static let firstTrial = 5.0
    package static let longestTrial = 60.0
    /// As few transfers tell latency from bandwidth (``LinkEstimate``).
    package static let series = 4

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
    ///   - isKnown: whether latency and bandwidth were ever found apart.
    ///   - mode: how far the cloud is with us.
    /// - Returns: how large a probe is due.
    package mutating func due(age: Double?, isKnown: Bool, mode: CloudStatus.Mode, at now: Double) -> Size? {
        switch mode {
        case .autonomous:
            nextTrial = nil
            return nil
        case .degraded:
            guard let nextTrial else {
                trial = Self.firstTrial
                nextTrial = now + trial
                return nil
            }
            return now >= nextTrial ? .small : nil
        case .connected:
            nextTrial = nil
            let recent = sent.reduce(0) { now - $1 < 3600 ? $0 + 1 : $0 }
            guard recent < perHour else { return nil }
            if !isKnown, recent < Self.series { return recent.isMultiple(of: 2) ? .small : .large }
            return (age ?? .infinity) >= spacing && sent.last.map({ now - $0 >= spacing }) ?? true ? .small : nil
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
