// SPDX-License-Identifier: Apache-2.0

/// A circuit breaker: after some failures in a row nothing is asked for a while, then one probe decides. A value; time comes in.
package struct Breaker: Sendable, Equatable {
    package struct Settings: Sendable, Equatable {
        /// Failures in a row that open it.
        package var threshold = 2
        /// How long it stays open at first; doubles with every failed probe.
        package var interval: Duration = .seconds(2)
        package var maximumInterval: Duration = .seconds(60)

        package init() {}
    }

    package enum State: Sendable, Equatable {
        case closed
        /// Nothing is asked before `until`; the first request after it is the probe.
        case open(until: Duration)
        /// The probe is under way.
        case halfOpen
    }

    package let settings: Settings
    package private(set) var state = State.closed
    private var failures = 0
    private var failedProbes = 0

    package init(settings: Settings = Settings()) { self.settings = settings }

    /// Whether a request would be let through, and as a probe.
    package func admits(now: Duration) -> (admitted: Bool, isProbe: Bool) {
        switch state {
        case .closed: (true, false)
        case .open(let until): (now >= until, true)
        case .halfOpen: (false, true)
        }
    }

    /// A request that was let through is under way.
    package mutating func began(isProbe: Bool) {
        if isProbe, state != .closed { state = .halfOpen }
    }

    package mutating func succeeded() {
        failures = 0
        failedProbes = 0
        state = .closed
    }

    package mutating func failed(now: Duration, wasProbe: Bool) {
        failures += 1
        guard wasProbe || failures >= settings.threshold else { return }
        if case .open = state { return }
        var interval = settings.interval
        for _ in 0..<failedProbes where interval < settings.maximumInterval { interval = interval * 2 }
        failedProbes += wasProbe ? 1 : 0
        state = .open(until: now + min(interval, settings.maximumInterval))
    }

    /// The probe came to no end that says anything about the worker; the next request may be one.
    package mutating func abandonedProbe(now: Duration) {
        if state == .halfOpen { state = .open(until: now) }
    }

    /// There is reason to believe that things are better: the next request is a probe, at once.
    package mutating func encourage(now: Duration) {
        failures = 0
        failedProbes = 0
        if state != .closed, state != .halfOpen { state = .open(until: now) }
    }
}
