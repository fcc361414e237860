// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Gating
import Images
import Logging
import Networks
import TestSupport
import Testing

/// The model that the cloud runs, against the one that a gate was certified with.
@Suite(.timeLimit(.minutes(1)))
struct FullModelTests {
    /// As in ``AgentFixtures/certifiedBundle()``.
    static let certified = String(repeating: "a", count: 64)
    static let other = String(repeating: "b", count: 64)
    static let third = String(repeating: "c", count: 64)

    @Test func eachOtherModelIsToldOfOnce() {
        var check = FullModelCheck(certified: Self.certified)
        #expect(check.standing == nil)
        #expect(check.answered(by: Self.certified) == (.certified, false) && check.standing == .certified)
        #expect(check.answered(by: Self.other) == (.other, true) && check.answered(by: Self.other) == (.other, false))
        #expect(check.answered(by: Self.third) == (.other, true) && check.answered(by: Self.certified) == (.certified, false))
        #expect(check.answered(by: Self.other) == (.other, false) && check.standing == .other)
        #expect(check.answered(by: nil) == (.unknown, false) && check.standing == .unknown)
        #expect(check.certifiedAnswers == 2 && check.otherAnswers == 4 && check.unknownAnswers == 1 && check.others == [Self.other, Self.third])
    }

    @Test func aCertificateThatNamesNoModelIsComparedWithNone() {
        var check = FullModelCheck(certified: "")
        #expect(check.certified == nil)
        for model in [nil, Self.other, ""] { #expect(check.answered(by: model) == (.unknown, false)) }
        #expect(check.unknownAnswers == 3 && check.others.isEmpty)
    }

    @Test func modelsWithoutEndFillNoMemory() {
        var check = FullModelCheck(certified: Self.certified)
        var told = 0
        for model in 0..<10_000 where check.answered(by: "\(model)").isNew { told += 1 }
        #expect(told == 16 && check.others.count == 16 && check.otherAnswers == 10_000)
    }

    /// An agent on which every clear frame is audited, with what it has logged.
    struct Bench {
        let lines = Journal<String>()
        let agent: AgentBench
        let cloud: ManualCloud
        var records: AsyncStream<DecisionRecord>.Iterator
        var frame: UInt64 = 0

        init(_ model: String?, bundle: Bundle = AgentFixtures.certifiedBundle()) throws {
            let lines = lines
            cloud = ManualCloud(answer: AgentAuditTests.answer(false), model: model)
            agent = try AgentBench(
                bundle, cloud: cloud, logger: Logger(label: "test") { _ in JournalLogHandler(journal: lines) }, settings: AgentAuditTests.everyFrame)
            records = agent.records.makeAsyncIterator()
            try agent.agent.start()
        }

        mutating func push(_ count: Int, _ image: Image = AgentFixtures.clear, until isOver: (AgentStatistics) -> Bool = { _ in false }) async throws -> [DecisionRecord] {
            var decided: [DecisionRecord] = []
            for _ in 0..<count {
                if isOver(agent.agent.statistics) { break }
                agent.source.push(frame, image)
                frame += 1
                decided.append(try #require(await records.next(isolation: #isolation)))
            }
            return decided
        }

        mutating func finish() async -> AgentStatistics {
            _ = await agent.finish(&records)
            return agent.agent.statistics
        }

        var warnings: [String] { lines.entries.filter { $0.contains("the certificate says nothing about this one") } }
    }

    /// Every answer differs, but isn't of the model that the certificate is about.
    @Test func whatAnotherModelSaysIsNoEvidenceAndIsSaidOnce() async throws {
        var bench = try Bench(Self.other)
        while bench.frame < 10_000, bench.agent.agent.statistics.audit?.uncounted ?? 0 < 30 {
            #expect(try await bench.push(1).first?.decision.source == .local)
            bench.agent.clock.advance(bench.agent.agent, by: .seconds(61))
        }
        let statistics = await bench.finish()
        let audit = try #require(statistics.audit)
        #expect(audit.rung == 0 && audit.total.count == 0 && audit.uncounted >= 30 && audit.suspicion == 0 && audit.age == nil)
        #expect(statistics.fullModel?.standing == .other && statistics.fullModel?.others == [Self.other] && statistics.fullModel?.otherAnswers == audit.uncounted)
        #expect(bench.warnings.count == 1, "\(bench.lines.entries)")
        let events = bench.cloud.healths
        let event = try #require(FlatJSON.object(events[0]))
        #expect(events.count == 1 && event["subject"] == "full-model" && event["certified"] == Self.certified && event["answering"] == Self.other)
        let json = statistics.json()
        #expect(json.contains("\"full_model\":{\"certified\":\"\(Self.certified)\",\"answering\":\"other\""))
    }

    /// Its answers are used all the same.
    @Test func anotherModelStillDecidesWhatTheBoardIsNotSureOf() async throws {
        var bench = try Bench(Self.other)
        let decision = try #require(try await bench.push(1, AgentFixtures.unclear).first).decision
        #expect(decision.source == .cloud && decision.answer == AgentAuditTests.answer(false))
        let statistics = await bench.finish()
        #expect(statistics.fullModel?.otherAnswers == 1 && bench.warnings.count == 1 && bench.cloud.healths.count == 1)
    }

    /// What would come of further audits is known: they would cost, and not count.
    @Test func afterAnotherModelsAnswerAuditsRestForAMinute() async throws {
        var bench = try Bench(Self.other)
        _ = try await bench.push(1_000) { $0.audit?.uncounted == 1 }
        let asked = bench.agent.agent.statistics.audit?.asked
        _ = try await bench.push(20)
        #expect(bench.agent.agent.statistics.audit?.asked == asked)
        bench.agent.clock.advance(bench.agent.agent, by: .seconds(60))
        bench.cloud.change(to: Self.certified)
        _ = try await bench.push(10_000) { $0.audit?.rung != 0 }
        let statistics = await bench.finish()
        #expect(statistics.audit?.rung != 0 && statistics.fullModel?.standing == .certified && statistics.audit?.uncounted == 1)
    }

    @Test func theCertifiedModelAndOneThatIsNotNamedCount() async throws {
        var unnamed = AgentFixtures.certifiedBundle()
        unnamed.details.certifiedGate?.fullModel = ""
        for (model, bundle, standing) in [
            (Self.certified, AgentFixtures.certifiedBundle(), .certified), (nil, AgentFixtures.certifiedBundle(), .unknown), (Self.other, unnamed, .unknown),
        ] as [(String?, Bundle, FullModelCheck.Standing)] {
            var bench = try Bench(model, bundle: bundle)
            _ = try await bench.push(10_000) { $0.audit?.rung != 0 }
            let statistics = await bench.finish()
            #expect(statistics.audit?.rung != 0 && statistics.fullModel?.standing == standing && statistics.audit?.uncounted == 0)
            #expect(bench.warnings.isEmpty && bench.cloud.healths.isEmpty)
        }
    }

    @Test func withoutACertificateNoModelIsExpected() async throws {
        var bench = try Bench(Self.other, bundle: AgentFixtures.bundle())
        _ = try await bench.push(1, AgentFixtures.unclear)
        let statistics = await bench.finish()
        #expect(statistics.fullModel == nil && bench.warnings.isEmpty && statistics.decisions.cloud == 1)
    }
}
