// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Frames
import Images
import Settings
import Testing

/// The pre-route in the agent.
@Suite(.timeLimit(.minutes(1)))
struct AgentRoutingTests {
    @Test func anImageWithNothingToSeeIsNotAskedAboutAndSaidSo() async throws {
        let bench = try AgentBench(cloud: ManualCloud(answer: AgentTests.cloudAnswer)) { $0.recovery.leastContrast = 2 }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, AgentFixtures.unclear)
        #expect(await records.next()?.decision.source == .localUnconfirmed)
        bench.source.push(1, AgentFixtures.clear)
        #expect(await records.next()?.decision.source == .local)
        _ = await bench.finish(&records)
        let statistics = bench.agent.statistics
        #expect(statistics.decisions.keptBack == 1 && statistics.decisions.asked == 0 && statistics.refusals == ["kept back: nothing to see": 1])
    }

    @Test func framesThatWillEscalateAreSentBeforeTheNetworkHasRunAndComparedWhereTheyAreTrusted() async throws {
        let bench = try AgentBench(cloud: ManualCloud(answer: AgentTests.cloudAnswer), clock: .system) { settings in
            (settings.deadline, settings.recovery.expiry) = (.seconds(10), .seconds(20))
            settings.recovery.speculativeUpload = .auto
            settings.recovery.bytesPerSavedSecond = 1_000_000_000
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<60 as Range<UInt64> {
            bench.source.push(frame, frame < 50 ? AgentFixtures.unclear : AgentFixtures.clear)
            let record = try #require(await records.next())
            #expect(record.decision.frame == frame && (record.decision.source == .cloud || frame >= 50))
        }
        bench.source.push(.ended)
        let agent = bench.agent
        await Task.detached { agent.waitUntilFinished() }.value
        #expect(await bench.finish(&records).isEmpty)
        let statistics = agent.statistics
        let counts = statistics.decisions
        #expect(counts.sentAtOnce > 20 && counts.asked >= 50 && counts.decided == 60 && counts.revisions == 0, "\(counts)")
        // The cloud says another class than the board's network, which the gate trusts.
        #expect(counts.needless > 0 && statistics.disagreements == counts.needless && statistics.agreements == 0)
    }
}
