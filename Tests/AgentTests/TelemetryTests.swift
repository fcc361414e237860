// SPDX-License-Identifier: Apache-2.0
import Agent
import FoundationEssentials
import Gating
import Settings
import Testing

struct TelemetryTests {
    /// What the tests read of a snapshot.
    private struct Snapshot: Decodable {
        struct Audit: Decodable {
            var limit: Double
            var coverage: Double
            var differing_95: [Double]
            var differing_frames_95: [Double]
        }

        var taken: Int
        var local: Int
        var running_ms: Double
        var time: String
        var verdicts: [String: Int]
        var class_confidences: [String: [Int]]
        var other_class_confidences: [Int]?
        var audit: Audit?

        init(_ json: [UInt8]?) throws { self = try JSONDecoder().decode(Self.self, from: Data(try #require(json))) }
    }

    @Test func aSnapshotIsSentOncePerPeriodAndAtTheEnd() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: cloud) { $0.output.telemetry = .seconds(60) }
        var records = bench.records.makeAsyncIterator()
        var snapshots = cloud.telemetry.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<3 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.clear)
            _ = try #require(await records.next())
        }
        bench.clock.advance(bench.agent, by: .seconds(61))
        let first = try Snapshot(await snapshots.next())
        #expect(first.taken == 3 && first.local == 3 && first.running_ms == 61_000 && first.time.hasSuffix("Z"))
        #expect(first.verdicts == ["accepted": 3] && first.class_confidences.keys.sorted() == ["red"] && first.class_confidences["red"]?.reduce(0, +) == 3)
        let audit = try #require(first.audit)
        for (ofAudits, ofFrames) in zip(audit.differing_95, audit.differing_frames_95) { #expect(abs(ofFrames - ofAudits * audit.coverage) < 2e-6) }
        // After a long sleep one is sent, not all that were missed: the next one after it is the last.
        bench.clock.advance(bench.agent, by: .seconds(6000))
        #expect(try Snapshot(await snapshots.next()).running_ms == 6_061_000)
        bench.source.push(3, AgentFixtures.clear)
        _ = try #require(await records.next())
        _ = await bench.finish(&records)
        #expect(try Snapshot(await snapshots.next()).taken == 4)
    }

    @Test func withAPeriodOfZeroNoneIsSent() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench(cloud: cloud) { $0.output.telemetry = .zero }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.clock.advance(bench.agent, by: .seconds(100_000))
        _ = await bench.finish(&records)
        cloud.endTelemetry()
        var snapshots = cloud.telemetry.makeAsyncIterator()
        #expect(await snapshots.next() == nil)
    }

    @Test func classesBeyondTheBoundAreCountedTogether() throws {
        var statistics = AgentStatistics()
        let classes = AgentStatistics.mostTelemetryClasses + 36
        statistics.gate = GateStatistics(classes: classes)
        // Class i is seen i times: the first 36 classes less often than all others.
        for index in 0..<classes {
            var scores = [Float](repeating: 0, count: classes)
            scores[index] = 20
            let confidence = try Calibration(scores: .logits).confidence(of: scores.span)
            for _ in 0..<index { statistics.gate.add(Reading(confidence: confidence, verdict: .accept)) }
        }
        statistics.labels = (0..<classes).map { "c\($0)" }
        let snapshot = try Snapshot(statistics.telemetry(time: .zero, uptime: .zero))
        #expect(snapshot.class_confidences.count == 64 && snapshot.class_confidences["c36"]?.reduce(0, +) == 36 && snapshot.class_confidences["c35"] == nil)
        #expect(snapshot.other_class_confidences?.reduce(0, +) == (0..<36).reduce(0, +))
        #expect(!statistics.json().contains("other_class_confidences") && statistics.json().contains("\"c35\":["))
    }
}
