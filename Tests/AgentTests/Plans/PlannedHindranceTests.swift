// SPDX-License-Identifier: Apache-2.0
import Agent
import Gating
import Planning
import Settings
import TestSupport
import Testing

/// Where workers answer, and nothing may be sent all the same: the board goes on with every frame.
@Suite(.timeLimit(.minutes(1)))
struct PlannedHindranceTests {
    /// Sends every frame and rests.
    private static func bench(_ cloud: ManualCloud, settings change: @escaping (inout AgentSettings) -> Void = { _ in }) throws -> AgentBench {
        let table = PlanFixtures.table(uploads: [Upload(cut: 0, payload: .png)])
        return try AgentBench.planned(PlanFixtures.bundle(table), cloud: cloud, policy: PlanFixtures.policy(.cloudOnly, insurance: .never), settings: change)
    }

    private static func decisions(of frames: Range<UInt64>, _ bench: AgentBench, _ records: inout PlannedAgentTests.Records) async throws -> [Decision] {
        var decisions: [Decision] = []
        for frame in frames { decisions.append(try await PlannedAgentTests.decision(bench, frame, PlanFixtures.unclear, &records)) }
        return decisions
    }

    @Test func whereABudgetIsSpentTheBoardAnswersEveryFrame() async throws {
        let bench = try Self.bench(ManualCloud(answer: PlanFixtures.cloudAnswer)) { $0.recovery.budget.messagesPerMinute = 3 }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        let decisions = try await Self.decisions(of: 0..<20, bench, &records)
        #expect(decisions.map(\.source) == Array(repeating: .cloud, count: 3) + Array(repeating: .localUnconfirmed, count: 17))
        #expect(decisions.allSatisfy { $0.answer != nil })
        #expect(bench.agent.statistics.refusals == ["budget: 3 messages a minute": 17])
        _ = await bench.finish(&records)
    }

    /// It counts as large as the plans' table has it, and after a refusal as large as it was.
    @Test func aFrameThatIsLargerThanExpectedIsTheOnlyOneWithoutAnAnswer() async throws {
        let bench = try Self.bench(ManualCloud(answer: PlanFixtures.cloudAnswer)) { $0.recovery.budget.bytesPerDay = 2 * 1512 + 1000 }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        let decisions = try await Self.decisions(of: 0..<20, bench, &records)
        #expect(decisions.map { $0.answer == nil } == (0..<20).map { $0 == 2 })
        #expect(decisions.prefix(2).allSatisfy { $0.source == .cloud } && bench.agent.statistics.refusals == ["budget: 4024 bytes a day": 18])
        _ = await bench.finish(&records)
    }

    @Test func whereTheLinkWouldRefuseTheBoardAnswersEveryFrame() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try Self.bench(cloud)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        cloud.hinder("busy")
        let alone = try await Self.decisions(of: 0..<10, bench, &records)
        #expect(alone.allSatisfy { $0.source == .localUnconfirmed && $0.answer != nil } && bench.agent.statistics.refusals == ["busy": 10])
        cloud.hinder(nil)
        let asked = try await Self.decisions(of: 10..<20, bench, &records)
        #expect(asked.allSatisfy { $0.source == .cloud })
        _ = await bench.finish(&records)
    }

    /// A policy that knows nothing but to send what crosses a cut, and workers that can't go on from it: they have another model, or don't understand it.
    @Test(arguments: [("worker: no_model", 1), ("worker: bad_request", 3)]) func whatTheWorkersCanNotUseIsNotSentForAWhile(reason: String, frames: UInt64) async throws {
        let cloud = ManualCloud()
        var policy = PlanFixtures.policy(probes: 0)
        policy.policy.only = Plan(upload: Upload(cut: PlanFixtures.firstCut, payload: PlanFixtures.tensors))
        let bench = try AgentBench.planned(cloud: cloud, policy: policy)
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<frames {
            bench.source.push(frame, PlanFixtures.unclear)
            let question = try #require(await asked.next(isolation: #isolation))
            cloud.send(.unanswered(frame: question.frame, reason: reason))
            _ = try #require(await records.next(isolation: #isolation))
        }
        let alone = try await Self.decisions(of: frames..<frames + 10, bench, &records)
        #expect(alone.allSatisfy { $0.source == .localUnconfirmed && $0.answer != nil && $0.sentBytes == nil }, "\(alone)")
        #expect(bench.agent.statistics.refusals == [reason: frames, "other model": 10])
        _ = await bench.finish(&records)
    }

    @Test func plansDoWithoutTheCloudWhereNothingCanBeSentForLong() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        _ = try #require(await cloud.plan(with: "send cut 1", &planned))
        for (hindrance, text) in [("busy", "nothing can be sent: busy"), (nil, "workers answer")] as [(String?, String)] {
            cloud.hinder(hindrance)
            // It looks once a second.
            let moving = Task { [clock = bench.clock, agent = bench.agent] in
                while !Task.isCancelled {
                    clock.advance(agent, by: .seconds(1))
                    await Task.yield()
                }
            }
            let report = await cloud.plan(with: text, &planned)
            moving.cancel()
            #expect(try #require(report).contains("\"plan\":\"exit 0 ≥ 0.8, send cut 1") == (hindrance == nil))
        }
        _ = await bench.finish(&records)
    }

    @Test func aStandstillBeginsAndEndsOnlyAfterAsLongWithoutAnythingElse() {
        var standstill = Standstill()
        for (time, hindrance, reason) in [
            (0, "a", nil), (9, "a", nil), (9.5, nil, nil), (10, "a", nil), (19, "b", nil), (20, "b", "b"), (29, "c", "b"), (30, nil, "b"), (39, nil, "b"), (39.5, "c", "b"),
            (40, nil, "b"), (49, nil, "b"), (50, nil, nil), (51, "a", nil),
        ] as [(Double, String?, String?)] {
            standstill.look(hindrance, at: time)
            #expect(standstill.reason == reason, "at \(time) s")
        }
        standstill.look("a", at: 61)
        #expect(standstill.reason == "a")
        standstill.end()
        standstill.look("a", at: 62)
        #expect(standstill.reason == nil)
    }
}
