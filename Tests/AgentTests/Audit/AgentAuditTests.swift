// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import FoundationEssentials
import Frames
import Gating
import Settings
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AgentAuditTests {
    /// The full model says the same as the board's network, or another class.
    static func answer(_ agrees: Bool) -> Answer { .classification(Classification(classIndex: agrees ? 0 : 2, confidence: 0.97)) }

    static func everyFrame(_ settings: inout AgentSettings) {
        settings.audit.share = 1
        settings.audit.tightenedShare = 1
        settings.audit.probationShare = 1
        settings.audit.spacing = .zero
        settings.audit.pause = .zero
        settings.audit.falseAlarmAfter = 100
    }

    @Test func anAuditedFrameIsDecidedLocallyAndOnlyCompared() async throws {
        let cloud = ManualCloud(answer: Self.answer(false))
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: cloud, settings: Self.everyFrame)
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(4, AgentFixtures.clear)
        let record = try #require(await records.next())
        #expect(record.decision.source == .local && !record.decision.isRevision)
        let question = try #require(await asked.next())
        #expect(question.frame == 4 && question.verdict == .accept && question.due == nil && question.auditedScore.map { $0 > 0.99 } == true)
        // The answer, though another, revises nothing.
        #expect(await bench.finish(&records).isEmpty)
        let statistics = bench.agent.statistics
        #expect(statistics.decisions.asked == 0 && statistics.decisions.unknownAnswers == 0 && statistics.decisions.local == 1)
        let audit = try #require(statistics.audit)
        #expect(audit.asked == 1 && audit.total == AuditInterval(count: 1, events: 1) && audit.rung == 0 && audit.age == .zero)
    }

    @Test func aBrokenCertificateTightensTheGateUntilItIsClosedAndSaysSo() async throws {
        let cloud = ManualCloud(answer: Self.answer(false))
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: cloud, settings: Self.everyFrame)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        var frame: UInt64 = 0
        while try #require(bench.agent.statistics.audit).rung < 3 {
            bench.source.push(frame, AgentFixtures.clear)
            let record = try #require(await records.next())
            #expect(record.decision.source == .local || bench.agent.statistics.audit?.rung == 3)
            frame += 1
            try #require(frame < 10_000)
        }
        // Closed: the same frame goes to the cloud.
        bench.source.push(frame, AgentFixtures.clear)
        let last = try #require(await records.next())
        #expect(last.decision.source == .cloud && last.decision.answer == Self.answer(false))
        _ = await bench.finish(&records)
        let events = try cloud.audits.map { try #require(FlatJSON.object($0)) }
        #expect(events.last?["change"] == "close" && events.last?["rung"] == "3" && events.last?["threshold"] == nil)
        #expect(events.first?["from"] == "0" && (events.count == 1 || events.first?["change"] == "tighten"))
        let statistics = bench.agent.statistics
        #expect(statistics.audit?.tightenings == UInt64(events.count) && statistics.audit?.coverage == 0)
        #expect(statistics.json().contains("\"closed\":true"))
    }

    @Test func whileTheAnswersAgreeTheGateStaysAsCertified() async throws {
        let cloud = ManualCloud(answer: Self.answer(true))
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: cloud, settings: Self.everyFrame)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<500 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.clear)
            #expect(await records.next()?.decision.source == .local)
        }
        #expect(await bench.finish(&records).isEmpty)
        let audit = try #require(bench.agent.statistics.audit)
        #expect(audit.rung == 0 && audit.total.events == 0 && audit.total.count > 0 && cloud.audits.isEmpty)
    }

    @Test func withoutTheCloudAuditsAreCountedAsUnansweredAndNothingMoves() async throws {
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: ManualCloud(refusal: "disconnected"), settings: Self.everyFrame)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<300 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.clear)
            #expect(await records.next()?.decision.source == .local)
        }
        #expect(await bench.finish(&records).isEmpty)
        let audit = try #require(bench.agent.statistics.audit)
        #expect(audit.rung == 0 && audit.total.count == 0 && audit.asked > 0 && audit.age == nil)
        #expect(audit.asked - audit.unanswered <= 1)
    }

    @Test func withoutACertificateOrWithAnotherGateNothingIsAudited() async throws {
        for (bundle, gate) in [(AgentFixtures.bundle(), nil), (AgentFixtures.certifiedBundle(), .threshold(.topOne, 0.8))] as [(_, GateSettings?)] {
            let bench = try AgentBench(bundle, cloud: ManualCloud(answer: Self.answer(false))) {
                Self.everyFrame(&$0)
                $0.gate = gate
            }
            var records = bench.records.makeAsyncIterator()
            try bench.agent.start()
            bench.source.push(0, AgentFixtures.clear)
            #expect(await records.next()?.decision.source == .local)
            #expect(await bench.finish(&records).isEmpty)
            #expect(bench.agent.statistics.audit == nil)
        }
    }

    /// Frames that are sent before the gate has spoken are accepted like others, and audited like others: by the answer that comes anyway.
    @Test func acceptedFramesThatWereSentInAdvanceCountAndAreAuditedByTheirAnswers() async throws {
        var coverages: [Double] = []
        for upload in [.off, .auto] as [AgentSettings.SpeculativeUpload] {
            let cloud = ManualCloud(answer: Self.answer(true))
            let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: cloud, clock: .system) { settings in
                Self.everyFrame(&settings)
                (settings.deadline, settings.recovery.expiry) = (.seconds(10), .seconds(20))
                settings.recovery.speculativeUpload = upload
                settings.recovery.bytesPerSavedSecond = 1_000_000_000
            }
            var records = bench.records.makeAsyncIterator()
            try bench.agent.start()
            for frame in 0..<60 as Range<UInt64> {
                bench.source.push(frame, frame < 50 ? AgentFixtures.unclear : AgentFixtures.clear)
                #expect(await records.next()?.decision.frame == frame)
            }
            bench.source.push(.ended)
            let agent = bench.agent
            await Task.detached { agent.waitUntilFinished() }.value
            #expect(await bench.finish(&records).isEmpty)
            let statistics = agent.statistics
            #expect((statistics.decisions.needless > 0) == (upload == .auto), "\(statistics.decisions)")
            let audit = try #require(statistics.audit)
            #expect(audit.asked > 0 && UInt64(audit.total.count) + audit.unanswered == audit.asked && audit.total.events == 0, "\(audit)")
            // Nobody asks a second time about a frame that was sent.
            #expect(audit.asked <= 10 && statistics.decisions.unknownAnswers == 0 && statistics.decisions.duplicateAnswers == 0)
            coverages.append(audit.coverage)
        }
        // Both accept the same frames.
        #expect(abs(coverages[0] - coverages[1]) < 1e-9, "\(coverages)")
    }

    /// In an unsure stretch of a stream the cloud is asked about frames that the gate accepts, and its answer decides them.
    @Test func aFrameThatTheCloudIsToDecideIsNotAudited() async throws {
        let cloud = ManualCloud(answer: Self.answer(false))
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: cloud) {
            Self.everyFrame(&$0)
            var stream = StreamGate.Settings()
            (stream.frames, stream.interval, stream.longestInterval, stream.carry) = (1, .zero, .zero, .zero)
            $0.stream = stream
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        // A margin of 0.56: the gate accepts from 0.5 on, and ends a stretch from 0.6 on.
        for (frame, image) in [AgentFixtures.unclear, AgentFixtures.image(120, 140, 120), AgentFixtures.image(120, 140, 120)].enumerated() {
            bench.source.push(UInt64(frame), image)
            let record = try #require(await records.next())
            #expect(record.decision.frame == UInt64(frame) && record.decision.source == .cloud)
        }
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.audit?.asked == 0 && bench.agent.statistics.gate.verdicts == ["accepted": 2, "margin": 1])
    }

    /// The counts add up to the frames: each verdict, and each class.
    @Test func whatTheGateSaidIsCountedByReasonAndByClass() async throws {
        let bench = try AgentBench(cloud: ManualCloud(answer: Self.answer(true)))
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<30 as Range<UInt64> {
            bench.source.push(frame, frame % 3 == 0 ? AgentFixtures.unclear : AgentFixtures.clear)
            _ = await records.next()
        }
        #expect(await bench.finish(&records).isEmpty)
        let gate = bench.agent.statistics.gate
        #expect(gate.verdicts == ["accepted": 20, "top-1": 10])
        #expect(gate[class: 0].reduce(0, +) == 20 && gate[class: 0].last == 20 && gate[class: 1].reduce(0, +) == 10 && gate[class: 2].reduce(0, +) == 0)
        let json = bench.agent.statistics.json()
        #expect(json.contains("\"verdicts\":{\"accepted\":20,\"top-1\":10}") && json.contains("\"class_confidences\":{\"red\":["))
    }
}

/// The members of a flat JSON object, as text.
enum FlatJSON {
    private struct Member: Decodable {
        var text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) { self.text = text } else if let whole = try? container.decode(Int.self) { text = "\(whole)" } else {
                text = "\(try container.decode(Double.self))"
            }
        }
    }

    static func object(_ bytes: [UInt8]) -> [String: String]? {
        (try? JSONDecoder().decode([String: Member].self, from: Data(bytes)))?.mapValues(\.text)
    }
}
