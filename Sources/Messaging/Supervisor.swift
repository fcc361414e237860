// SPDX-License-Identifier: Apache-2.0

/// Decides when to connect: never gives up, never storms. A value without clock, randomness or I/O of its own.
///
/// After `n` failures in a row the next attempt comes after a time drawn evenly from 0 … min(cap, base · 2ⁿ⁻¹) ("full jitter"). A
/// connection that ends before it was stable counts as a failure too, so that being thrown out again and again slows down as well.
package struct Supervisor: Sendable {
    package struct Settings: Sendable {
        package var base: Duration = .seconds(2)
        package var cap: Duration = .seconds(300)
        /// How long a connection must last to forget earlier failures.
        package var stableAfter: Duration = .seconds(30)
        /// How long an attempt may take, from the first packet to the broker's acceptance of our subscriptions.
        package var attemptTimeout: Duration = .seconds(10)

        package init() {}
    }

    package enum State: Equatable, Sendable {
        case idle
        case waiting(until: Duration)
        case connecting(until: Duration)
        case connected(since: Duration)
        case stopped
    }

    package enum Event: Sendable {
        case start
        /// The attempt succeeded.
        case accepted
        /// The attempt failed, or the connection ended.
        case failed(LinkFault)
        /// Time has passed.
        case timer
        case stop
    }

    package enum Action: Equatable, Sendable {
        case nothing
        case connect
        /// Close what is open; the attempt took too long.
        case abandon(LinkFault)
        /// Say goodbye, close, and do no more.
        case finish
    }

    package let settings: Settings
    package private(set) var state = State.idle
    /// Failures since the last stable connection.
    package private(set) var failures = 0
    /// Attempts made in all.
    package private(set) var attempts: UInt64 = 0
    /// Why there is no connection, or was none before this one.
    package private(set) var lastFault = LinkFault(.notStarted, "connect", "not tried yet")

    /// Two clients with one id throw each other out; whoever is hit waits at least as long as after this many failures.
    private static let failuresAfterTakeover = 7

    package init(settings: Settings = Settings()) { self.settings = settings }

    /// When `handle(.timer)` is next due.
    package var nextDeadline: Duration? {
        switch state {
        case .waiting(let until), .connecting(let until): until
        case .idle, .connected, .stopped: nil
        }
    }

    package mutating func handle(_ event: Event, now: Duration, using generator: inout some RandomNumberGenerator) -> Action {
        switch (event, state) {
        case (.stop, _):
            state = .stopped
            return .finish
        case (_, .stopped): return .nothing
        case (.start, .idle):
            state = .waiting(until: now + delay(using: &generator))
        case (.accepted, .connecting):
            state = .connected(since: now)
        case (.failed(let fault), .connecting):
            fail(fault, now: now, using: &generator)
        case (.failed(let fault), .connected(let since)):
            if now - since >= settings.stableAfter { failures = 0 }
            fail(fault, now: now, using: &generator)
        case (.timer, .waiting(let until)) where now >= until:
            attempts += 1
            state = .connecting(until: now + settings.attemptTimeout)
            return .connect
        case (.timer, .connecting(let until)) where now >= until:
            let fault = LinkFault(.timeout, "connect", "no acceptance within \(settings.attemptTimeout)")
            fail(fault, now: now, using: &generator)
            return .abandon(fault)
        default: break
        }
        return .nothing
    }

    private mutating func fail(_ fault: LinkFault, now: Duration, using generator: inout some RandomNumberGenerator) {
        lastFault = fault
        failures += 1
        if fault.code == .takenOver { failures = max(failures, Self.failuresAfterTakeover) }
        state = .waiting(until: now + delay(using: &generator))
    }

    private func delay(using generator: inout some RandomNumberGenerator) -> Duration {
        var window = settings.base
        for _ in 1..<max(1, failures) where window < settings.cap { window = window * 2 }
        return min(window, settings.cap) * Double.random(in: 0...1, using: &generator)
    }
}
