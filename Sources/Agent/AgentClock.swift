// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The time, as a parameter.
package struct AgentClock: Sendable {
    /// Never goes back and doesn't stop while the board sleeps. All deadlines count by it.
    package var now: @Sendable () -> Duration
    /// Since 1970-01-01 UTC; right only once the board knows the time. For people only.
    package var wall: @Sendable () -> Duration

    package init(now: @escaping @Sendable () -> Duration, wall: @escaping @Sendable () -> Duration) {
        self.now = now
        self.wall = wall
    }

    /// `CLOCK_BOOTTIME` and `CLOCK_REALTIME`.
    package static let system = AgentClock(now: { read(CLOCK_BOOTTIME) }, wall: { read(CLOCK_REALTIME) })

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
