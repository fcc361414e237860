// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import FoundationEssentials
import Gating
import Images
import Networks
import Settings
import TestSupport
import Testing

/// Budgets in the agent, across its restarts.
@Suite(.timeLimit(.minutes(1)))
struct AgentBudgetTests {
    /// Offers unclear frames to an agent that is then stopped.
    static func run(_ frames: Int, refusal: String? = nil, settings: @escaping (inout AgentSettings) -> Void) async throws -> AgentStatistics {
        let bench = try AgentBench(cloud: ManualCloud(refusal: refusal, answer: AgentTests.cloudAnswer), settings: settings)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<UInt64(frames) {
            bench.source.push(frame, AgentFixtures.unclear)
            #expect(await records.next()?.decision.frame == frame)
        }
        _ = await bench.finish(&records)
        return bench.agent.statistics
    }

    @Test func whatTheBudgetRefusesIsCountedWithItsLimit() async throws {
        let statistics = try await Self.run(5) { $0.recovery.budget.messagesPerHour = 3 }
        #expect(statistics.decisions.cloud == 3 && statistics.decisions.unconfirmed == 2)
        #expect(statistics.refusals == ["budget: 3 messages an hour": 2])
        #expect(statistics.budget == [.hour: .init(messages: 0)])
        let json = statistics.json()
        #expect(json.contains("\"refusals\":{\"budget: 3 messages an hour\":2}") && json.contains("\"budget_messages_left_hour\":0"))
    }

    @Test func bytesAreCountedWithWhatGoesAroundTheImage() async throws {
        let statistics = try await Self.run(5) { $0.recovery.budget.bytesPerDay = 3500 }
        #expect(statistics.decisions.cloud == 2 && statistics.refusals == ["budget: 3500 bytes a day": 3])
        #expect(statistics.budget == [.day: .init(bytes: 3500 - 2 * 1512)])
    }

    @Test func whatTheLinkRefusesCostsNothing() async throws {
        let statistics = try await Self.run(5, refusal: "busy") { $0.recovery.budget.messagesPerHour = 3 }
        #expect(statistics.refusals == ["busy": 5] && statistics.budget == [.hour: .init(messages: 3)])
    }

    /// By default a tenth.
    @Test func theReserveIsKeptForAuditsWhereThereAreSome() async throws {
        for (bundle, share, left) in [
            (AgentFixtures.certifiedBundle(), 1, 2), (AgentFixtures.certifiedBundle(), 0, 0), (AgentFixtures.bundle(), 1, 0),
        ] as [(Bundle, Double, Int)] {
            let bench = try AgentBench(bundle, cloud: ManualCloud(answer: AgentTests.cloudAnswer)) {
                AgentAuditTests.everyFrame(&$0)
                $0.audit.share = share
                $0.recovery.budget.messagesPerHour = 20
            }
            var records = bench.records.makeAsyncIterator()
            try bench.agent.start()
            func push(_ frame: UInt64, _ image: Image) async throws {
                bench.source.push(frame, image)
                #expect(await records.next(isolation: #isolation)?.decision.frame == frame)
            }
            // Hard frames take what they may, audits what is left.
            for frame in 0..<30 as Range<UInt64> { try await push(frame, AgentFixtures.unclear) }
            var frame: UInt64 = 30
            while bench.agent.statistics.audit?.total.count ?? 0 < left, frame < 10_000 {
                try await push(frame, AgentFixtures.clear)
                frame += 1
            }
            for frame in frame..<frame + 20 { try await push(frame, AgentFixtures.clear) }
            _ = await bench.finish(&records)
            let statistics = bench.agent.statistics
            #expect(statistics.decisions.cloud == UInt64(20 - left) && statistics.budget == [.hour: .init(messages: 0)])
            #expect(statistics.audit?.total.count ?? 0 == left)
        }
    }

    @Test func aRestartGivesNothingBack() async throws {
        let folder = TemporaryFolder()
        var answered: UInt64 = 0
        for round in 0..<4 {
            let statistics = try await Self.run(3) { settings in
                settings.state = folder.path
                settings.recovery.budget.messagesPerDay = 7
            }
            answered += statistics.decisions.cloud
            #expect(statistics.budget == [.day: .init(messages: 7 - Int(answered))], "round \(round)")
        }
        #expect(answered == 7)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["budget"])
    }

    @Test func aDamagedStateIsNeverTheAgentsEndAndCountsAsSpent() async throws {
        let folder = TemporaryFolder()
        for bytes in [Data(), Data([0, 255, 10, 10]), Data(repeating: 65, count: 100_000)] {
            try bytes.write(to: URL(filePath: folder("budget")))
            let statistics = try await Self.run(2) { settings in
                settings.state = folder.path
                settings.recovery.budget.messagesPerHour = 5
            }
            #expect(statistics.decisions.cloud == 0 && statistics.refusals == ["budget: 5 messages an hour": 2])
        }
        // A folder in its place can be neither read nor replaced.
        try FileManager.default.removeItem(atPath: folder("budget"))
        try FileManager.default.createDirectory(atPath: folder("budget"), withIntermediateDirectories: true)
        let statistics = try await Self.run(2) { settings in
            settings.state = folder.path
            settings.recovery.budget.messagesPerHour = 5
        }
        #expect(statistics.decisions.cloud == 0 && statistics.decisions.decided == 2)
    }

    @Test func aStateFolderThatIsNotThereIsAMistakeOfTheConfiguration() {
        let error = #expect(throws: AgentError.self) {
            try AgentBench(cloud: ManualCloud()) { settings in
                settings.state = "/nowhere/at/all"
                settings.recovery.budget.messagesPerHour = 5
            }
        }
        #expect(error?.code == .configuration)
    }
}
