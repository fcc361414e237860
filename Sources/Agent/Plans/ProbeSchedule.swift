// SPDX-License-Identifier: Apache-2.0

/// When a question is sent for the link's sake alone. Pure: times are seconds of any clock that doesn't go back.
///
/// - Where workers answer: until the link's latency and bandwidth are known apart, small and large in turn, no more than ``series`` in any hour; where link or server became
///   slow, or a question stayed without an answer, once nothing was sent for ``firstTrial``, then for twice as long each time, for three quarters of what an hour may hold; else where
///   nothing was sent for `3600 / perHour` seconds. In all no more than `perHour` in any hour. What becomes slow again soon after a trial goes on where that one was, so that nothing
///   swings at the pace of the trials.
/// - Where the broker is there but nobody is known to answer: first after ``firstTrial``, then after twice as long each time, up to ``longestTrial``, or five times in the
///   time of a probe where that is longer. Else nobody would find out that somebody answers again. The link refuses most of these without sending anything.
/// - With `perHour` 0 in no other case than the last.
package struct ProbeSchedule: Hashable, Sendable {
    package enum Size: Hashable, Sendable { case small, large }

    package static let firstTrial = 2.0
    package static let longestTrial = 60.0
    /// As few transfers tell latency from bandwidth (``LinkEstimate``).
    package static let series = 4

    private let perHour: Int
    /// The times of the newest, the oldest first, no more than `perHour`.
    private var sent: [Double] = []
    private var trial = Self.firstTrial
    private var nextTrial: Double?
    private var lastTrial: Double?
    private var countsTrial = false

    package init(perHour: Int) {
        self.perHour = perHour
        sent.reserveCapacity(perHour)
    }

    private var spacing: Double { 3600 / Double(max(perHour, 1)) }

    /// - Parameters:
    ///   - age: seconds since the last transfer; `nil` before the first.
    ///   - isKnown: whether latency and bandwidth were ever found apart.
    ///   - isDoubtful: whether link or server has become slow, and may be as it was again.
    ///   - mode: how far the cloud is with us.
    /// - Returns: how large a probe is due.
    package mutating func due(age: Double?, isKnown: Bool, isDoubtful: Bool = false, mode: CloudStatus.Mode, at now: Double) -> Size? {
        let isTried = mode == .degraded || mode == .connected && isDoubtful && 4 * recent(at: now) < 3 * perHour
        guard isTried else {
            nextTrial = nil
            return mode == .connected && recent(at: now) < perHour ? usual(age: age, isKnown: isKnown, at: now) : nil
        }
        // An outage and a doubt say nothing of each other.
        if countsTrial != (mode == .connected) { (nextTrial, lastTrial) = (nil, nil) }
        countsTrial = mode == .connected
        guard let nextTrial else {
            if mode == .degraded || lastTrial.map({ now - $0 >= 2 * trial }) ?? true { trial = Self.firstTrial }
            nextTrial = now + trial
            return nil
        }
        return now >= nextTrial && (mode == .degraded || (age ?? .infinity) >= trial) ? .small : nil
    }

    private func usual(age: Double?, isKnown: Bool, at now: Double) -> Size? {
        let recent = recent(at: now)
        if !isKnown, recent < Self.series { return recent.isMultiple(of: 2) ? .small : .large }
        return (age ?? .infinity) >= spacing && sent.last.map({ now - $0 >= spacing }) ?? true ? .small : nil
    }

    private func recent(at now: Double) -> Int { sent.reduce(0) { now - $1 < 3600 ? $0 + 1 : $0 } }

    /// One is on its way, as far as the link lets it.
    package mutating func began(at now: Double) {
        if nextTrial != nil {
            trial = min(trial * 2, countsTrial ? max(Self.firstTrial, spacing) : max(Self.longestTrial, spacing / 5))
            (nextTrial, lastTrial) = (now + trial, now)
        }
        guard perHour > 0, nextTrial == nil || countsTrial else { return }
        if sent.count == perHour { sent.removeFirst() }
        sent.append(now)
    }
}
