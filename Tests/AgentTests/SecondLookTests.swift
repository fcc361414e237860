// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Gating
import Networks
import Settings
import Testing

struct SecondLookTests {
    static func reading(_ margin: Double) -> Reading {
        Reading(confidence: Confidence(classIndex: 0, topOne: 1, margin: margin, entropy: 0, energy: 0), verdict: .accept)
    }

    static func look(isRequired: Bool = false) -> SecondLook {
        SecondLook(bound: 0.9, budget: .milliseconds(50), isRequired: isRequired, calibration: Calibration(), classes: 2, scores: .logits)
    }

    @Test func onlyWhatIsBelowTheBoundIsLookedAtAgain() {
        let look = Self.look()
        #expect(look.next(after: Self.reading(0.89), spent: .zero) == .look)
        #expect(look.next(after: Self.reading(0.9), spent: .zero) == .nothing)
        #expect(look.next(after: Reading(confidence: nil, verdict: .escalate(.fault(.notANumber))), spent: .zero) == .nothing)
    }

    @Test func aLookThatMayEndTooLateIsNotBegun() {
        for isRequired in [false, true] {
            var look = Self.look(isRequired: isRequired)
            for time in [10, 30, 20] { look.note(.milliseconds(time)) }
            #expect(look.next(after: Self.reading(0), spent: .milliseconds(20)) == .look)
            #expect(look.next(after: Self.reading(0), spent: .milliseconds(21)) == (isRequired ? .tooLate : .nothing))
            #expect(look.next(after: Self.reading(0.9), spent: .milliseconds(21)) == .nothing)
        }
    }

    /// The first look's margin of 0.56 is enough for a gate that is certified from 0.5 on, but for the mean of two looks.
    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func withoutTimeForTheLookThatIsCertifiedAFrameIsNotAccepted(isCertified: Bool) async throws {
        for (spent, source, verdict, looks) in [
            (Duration.zero, .local, "accepted", 1),
            (.milliseconds(70), isCertified ? .cloud : .local, isCertified ? "no-second-look" : "accepted", 0),
        ] as [(Duration, Decision.Source, String, UInt64)] {
            var bundle = AgentFixtures.certifiedBundle()
            bundle.details.certifiedGate?.secondLook = 0.99
            let (frames, clock) = (ManualSource(), ManualClock())
            let (records, continuation) = AsyncStream<DecisionRecord>.makeStream()
            let cloud = ManualCloud(answer: AgentAuditTests.answer(false))
            let agent = try Agent(
                settings: AgentFixtures.settings {
                    AgentAuditTests.everyFrame(&$0)
                    guard !isCertified else { return }
                    ($0.gate, $0.secondLook) = (.threshold(.margin, 0.5), 0.99)
                }, bundle: bundle, source: frames.source, link: cloud, clock: clock.clock, logger: AgentFixtures.quiet,
                // Of the deadline of 100 ms.
                outputs: Agent.Outputs(onTaken: { _ in clock.advance(by: spent) }, onDecision: { continuation.yield($0) }))
            try agent.start()
            frames.push(0, AgentFixtures.image(120, 140, 120))
            var decided = records.makeAsyncIterator()
            #expect(try #require(await decided.next()).decision.source == source)
            agent.stop()
            let statistics = agent.statistics
            #expect(statistics.gate.verdicts == [verdict: 1] && statistics.secondLooks == looks)
            // Nor is it audited, or evidence.
            if verdict == "no-second-look" { #expect(statistics.audit?.asked == 0 && statistics.audit?.total.count == 0) }
        }
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
