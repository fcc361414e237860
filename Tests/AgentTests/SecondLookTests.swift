// SPDX-License-Identifier: Apache-2.0
import Agent
import Gating
import Testing

struct SecondLookTests {
    static func reading(_ margin: Double) -> Reading {
        Reading(confidence: Confidence(classIndex: 0, topOne: 1, margin: margin, entropy: 0, energy: 0), verdict: .accept)
    }

    static func look() -> SecondLook {
        SecondLook(bound: 0.9, budget: .milliseconds(50), calibration: Calibration(), classes: 2, scores: .logits)
    }

    @Test func onlyWhatIsBelowTheBoundIsLookedAtAgain() {
        let look = Self.look()
        #expect(look.isDue(after: Self.reading(0.89), spent: .zero))
        #expect(!look.isDue(after: Self.reading(0.9), spent: .zero))
        #expect(!look.isDue(after: Reading(confidence: nil, verdict: .escalate(.fault(.notANumber))), spent: .zero))
    }

    @Test func aLookThatMayEndTooLateIsNotBegun() {
        var look = Self.look()
        for time in [10, 30, 20] { look.note(.milliseconds(time)) }
        #expect(look.isDue(after: Self.reading(0), spent: .milliseconds(20)))
        #expect(!look.isDue(after: Self.reading(0), spent: .milliseconds(21)))
    }

    @Test func timesAreForgottenAfterAWhile() {
        var times = RecentTimes()
        #expect(times.longest == .zero)
        times.add(.seconds(1))
        for _ in 0..<127 { times.add(.milliseconds(2)) }
        #expect(times.longest == .seconds(1))
        times.add(.milliseconds(2))
        #expect(times.longest == .milliseconds(2))
    }
}
