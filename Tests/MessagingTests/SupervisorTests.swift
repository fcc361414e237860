// SPDX-License-Identifier: Apache-2.0
import Messaging
import TestSupport
import Testing

private let fault = LinkFault(.refused, "connect to host:1883", "nobody there")

/// Brings a supervisor to its next attempt; the time of it.
private func nextAttempt(_ supervisor: inout Supervisor, _ generator: inout SeededGenerator) throws -> Duration {
    let due = try #require(supervisor.nextDeadline)
    #expect(supervisor.handle(.timer, now: due, using: &generator) == .connect)
    return due
}

struct SupervisorTests {
    @Test func waitsAreDrawnFromWindowsThatDoubleUpToTheCap() throws {
        var generator = SeededGenerator(seed: 1)
        var settings = Supervisor.Settings()
        settings.base = .seconds(2)
        settings.cap = .seconds(60)
        let windows = [2, 2, 4, 8, 16, 32, 60, 60, 60].map { Duration.seconds($0) }
        var longest = windows.map { _ in Duration.zero }
        for _ in 0..<200 {
            var supervisor = Supervisor(settings: settings)
            var now = Duration.zero
            _ = supervisor.handle(.start, now: now, using: &generator)
            for (index, window) in windows.enumerated() {
                let due = try nextAttempt(&supervisor, &generator)
                #expect(due - now <= window)
                longest[index] = max(longest[index], due - now)
                now = due
                _ = supervisor.handle(.failed(fault), now: now, using: &generator)
            }
        }
        for (reached, window) in zip(longest, windows) { #expect(reached > window * 0.9) }
    }

    @Test func onlyAStableConnectionForgetsFailures() throws {
        var generator = SeededGenerator(seed: 2)
        var supervisor = Supervisor()
        _ = supervisor.handle(.start, now: .zero, using: &generator)
        var now = Duration.zero
        for failures in 1...5 {
            now = try nextAttempt(&supervisor, &generator)
            _ = supervisor.handle(.accepted, now: now, using: &generator)
            // Thrown out again right after the broker accepted us.
            _ = supervisor.handle(.failed(fault), now: now + .seconds(1), using: &generator)
            #expect(supervisor.failures == failures)
        }
        now = try nextAttempt(&supervisor, &generator)
        _ = supervisor.handle(.accepted, now: now, using: &generator)
        _ = supervisor.handle(.failed(fault), now: now + supervisor.settings.stableAfter, using: &generator)
        #expect(supervisor.failures == 1)
    }

    @Test func anAttemptThatTakesTooLongIsAbandoned() throws {
        var generator = SeededGenerator(seed: 3)
        var supervisor = Supervisor()
        _ = supervisor.handle(.start, now: .zero, using: &generator)
        let start = try nextAttempt(&supervisor, &generator)
        #expect(supervisor.handle(.timer, now: start + .seconds(9), using: &generator) == .nothing)
        guard case .abandon(let fault) = supervisor.handle(.timer, now: start + .seconds(10), using: &generator) else {
            Issue.record("not abandoned: \(supervisor.state)")
            return
        }
        #expect(fault.code == .timeout)
        #expect(supervisor.failures == 1)
        #expect(supervisor.lastFault == fault)
    }

    @Test func aTakenOverSessionWaitsLong() throws {
        var generator = SeededGenerator(seed: 4)
        var sum = Duration.zero
        for _ in 0..<100 {
            var supervisor = Supervisor()
            _ = supervisor.handle(.start, now: .zero, using: &generator)
            let now = try nextAttempt(&supervisor, &generator)
            _ = supervisor.handle(.accepted, now: now, using: &generator)
            _ = supervisor.handle(.failed(LinkFault(.takenOver, "connection", "")), now: now, using: &generator)
            sum += try #require(supervisor.nextDeadline) - now
        }
        #expect(sum > .seconds(100 * 40))
    }

    @Test func stoppedMeansStopped() {
        var generator = SeededGenerator(seed: 5)
        var supervisor = Supervisor()
        _ = supervisor.handle(.start, now: .zero, using: &generator)
        #expect(supervisor.handle(.stop, now: .zero, using: &generator) == .finish)
        for event in [Supervisor.Event.timer, .accepted, .failed(fault), .start] {
            #expect(supervisor.handle(event, now: .seconds(1000), using: &generator) == .nothing)
        }
        #expect(supervisor.nextDeadline == nil)
    }

    /// A thousand devices lose their broker at once; it is back after a minute. All come back, and never in a storm.
    @Test func aThousandDevicesComeBackWithoutAStorm() throws {
        var generator = SeededGenerator(seed: 6)
        var fleet = (0..<1000).map { _ in Supervisor() }
        for index in fleet.indices {
            _ = fleet[index].handle(.start, now: .zero, using: &generator)
            let due = try nextAttempt(&fleet[index], &generator)
            _ = fleet[index].handle(.accepted, now: due, using: &generator)
            _ = fleet[index].handle(.failed(fault), now: .seconds(100), using: &generator)
        }
        var attemptsBySecond: [Int: Int] = [:]
        for index in fleet.indices {
            while let due = fleet[index].nextDeadline, case .waiting = fleet[index].state {
                _ = fleet[index].handle(.timer, now: due, using: &generator)
                attemptsBySecond[Int(due.components.seconds), default: 0] += 1
                _ = fleet[index].handle(due < .seconds(160) ? .failed(fault) : .accepted, now: due, using: &generator)
            }
            guard case .connected(let since) = fleet[index].state else {
                Issue.record("device \(index) is \(fleet[index].state)")
                continue
            }
            #expect(since < .seconds(160 + 300))
        }
        let storm = try #require(attemptsBySecond.filter { $0.key >= 160 }.values.max())
        #expect(storm <= 50, "\(storm) attempts in one second after the restart")
        // The first round, while the broker is away: everybody within the first two seconds.
        #expect(try #require(attemptsBySecond.values.max()) <= 700)
    }
}
