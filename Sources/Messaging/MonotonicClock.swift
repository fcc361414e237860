// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The clock of every timer here: time since boot, also while suspended (`CLOCK_BOOTTIME`); the wall clock never matters.
package enum MonotonicClock {
    package static func now() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
