// SPDX-License-Identifier: Apache-2.0
import Messaging
import Testing

struct BreakerTests {
    @Test func failuresInARowOpenItAndOneProbeDecides() {
        var breaker = Breaker()
        breaker.failed(now: .zero, wasProbe: false)
        breaker.succeeded()
        breaker.failed(now: .zero, wasProbe: false)
        #expect(breaker.state == .closed)
        breaker.failed(now: .seconds(1), wasProbe: false)
        #expect(breaker.state == .open(until: .seconds(3)))
        #expect(!breaker.admits(now: .seconds(2)).admitted)
        let admission = breaker.admits(now: .seconds(3))
        #expect(admission.admitted && admission.isProbe)
        breaker.began(isProbe: true)
        #expect(!breaker.admits(now: .seconds(100)).admitted)
        breaker.succeeded()
        #expect(breaker.admits(now: .seconds(100)) == (true, false))
    }

    @Test func failedProbesWaitLongerUpToALimit() {
        var breaker = Breaker()
        breaker.failed(now: .zero, wasProbe: false)
        breaker.failed(now: .zero, wasProbe: false)
        var now = Duration.zero
        var waits: [Duration] = []
        for _ in 0..<8 {
            guard case .open(let until) = breaker.state else {
                Issue.record("\(breaker.state)")
                return
            }
            waits.append(until - now)
            now = until
            breaker.began(isProbe: true)
            breaker.failed(now: now, wasProbe: true)
        }
        #expect(waits == [2, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    }

    @Test func goodNewsAllowAProbeAtOnce() {
        var breaker = Breaker()
        breaker.failed(now: .zero, wasProbe: false)
        breaker.failed(now: .zero, wasProbe: false)
        breaker.encourage(now: .milliseconds(1))
        #expect(breaker.admits(now: .milliseconds(1)) == (true, true))
    }
}
