// SPDX-License-Identifier: Apache-2.0
import Demonstration
import Testing

struct SummaryTests {
    private func record(
        _ frame: UInt64, phase: Int = 0, truth: Int, local: Int, decided: Int?, source: AnswerSource = .local, milliseconds: Int = 5
    ) -> FrameRecord {
        var record = FrameRecord(frame: frame, time: Double(frame) / 10, phase: phase, trueClass: truth)
        record.localClass = local
        record.localConfidence = 0.5
        record.localTime = .milliseconds(milliseconds)
        record.decision = decided.map {
            .init(classIndex: $0, confidence: 0.5, source: source, latency: .milliseconds(milliseconds))
        }
        return record
    }

    private let phases = [
        Phase(condition: .connected, start: 0, end: 1), Phase(condition: .brokerKilled, start: 1, end: 2),
    ]

    @Test func countsBySourceAndPhaseAndNoticesAMissingDecision() {
        let summary = Summary(
            records: [
                record(0, truth: 1, local: 2, decided: 1, source: .cloud),
                record(1, truth: 1, local: 1, decided: 1),
                record(2, phase: 1, truth: 3, local: 2, decided: 2, source: .unconfirmed),
                record(3, phase: 1, truth: 3, local: 3, decided: nil),
            ], phases: phases, droppedFrames: 7)
        #expect(summary.phases.map(\.frames) == [2, 2])
        #expect(summary.phases.map(\.cloud) == [1, 0])
        #expect(summary.phases.map(\.unconfirmed) == [0, 1])
        #expect(summary.phases.map(\.undecided) == [0, 1])
        #expect(summary.phases[0].localAccuracy == 0.5)
        #expect(summary.phases[0].systemAccuracy == 1)
        #expect(summary.total.frames == 4)
        #expect(summary.connectedGain.mean == 0.5)
        #expect(summary.droppedFrames == 7)
    }

    @Test func anIntervalOverFewEncountersIsWiderThanOverManyOfTheSameFrames() {
        func records(encounterLength: Int) -> [FrameRecord] {
            (0..<400).map { index in
                let encounter = index / encounterLength
                let gained = encounter % 4 == 0
                return record(UInt64(index), truth: encounter % 2, local: gained ? 9 : encounter % 2, decided: encounter % 2)
            }
        }
        let many = PairedDifference(records: records(encounterLength: 2))
        let few = PairedDifference(records: records(encounterLength: 20))
        #expect(many.mean == 0.25 && few.mean == 0.25)
        #expect(many.encounters == 200 && few.encounters == 20)
        #expect(few.upper - few.lower > 2 * (many.upper - many.lower))
        #expect(many.lower > 0 && many.upper < 0.5)
    }

    @Test func quantilesAreElementsAndEmptyHasNone() {
        #expect([Double]().quantile(0.5) == nil)
        #expect([3.0].quantile(0.99) == 3)
        #expect((1...100).map(Double.init).quantile(0.99) == 99)
        #expect((1...100).map(Double.init).quantile(0.5) == 50)
    }

    @Test func theProgrammeTakesTheCloudAwayInThreeWaysAndGivesItBack() {
        let programme = Phase.programme(seconds: 35)
        #expect(programme.first?.condition == .connected && programme.last?.condition == .connected)
        #expect(Set(programme.map(\.condition)) == Set(CloudCondition.allCases))
        #expect(programme.last?.end == 35)
        for (earlier, later) in zip(programme, programme.dropFirst()) { #expect(earlier.end == later.start) }
    }
}

extension SummaryTests {
    @Test func theTableHasALineForEachPhaseAndColumnsThatLineUp() {
        let text = Summary(records: [], phases: Phase.programme(seconds: 7), droppedFrames: 3).text
        let table = text.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
        #expect(table.count == 2 + 7 + 2)
        #expect(Set(table.map(\.count)).count == 1)
        #expect(table.allSatisfy { $0.count <= 110 })
        #expect(text.contains("3 dropped for newer ones"))
    }
}
