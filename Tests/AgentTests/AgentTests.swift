// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import FoundationEssentials
import Frames
import Gating
import Glibc
import Images
import Logging
import Networks
import Settings
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AgentTests {
    static let cloudAnswer = Answer.classification(Classification(classIndex: 2, confidence: 0.97))

    @Test func aClearFrameIsDecidedLocally() async throws {
        let bench = try AgentBench()
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(4, AgentFixtures.clear)
        let record = try #require(await records.next())
        #expect(record.decision.frame == 4 && record.decision.source == .local && !record.decision.isRevision)
        guard case .classification(let classification)? = record.decision.answer else { throw Unexpected() }
        #expect(classification.classIndex == 0 && classification.confidence > 0.99)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func withoutACloudAnUnclearFrameIsUnconfirmedAtOnce() async throws {
        let bench = try AgentBench()
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, AgentFixtures.unclear)
        let record = try #require(await records.next())
        #expect(record.decision.source == .localUnconfirmed && record.decision.latency == .zero)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func theCloudDecidesAnUnclearFrame() async throws {
        let cloud = ManualCloud(answer: Self.cloudAnswer)
        let bench = try AgentBench(cloud: cloud) { $0.output.publishes = true }
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(7, AgentFixtures.unclear)
        let question = try #require(await asked.next())
        #expect(question.frame == 7 && question.image == AgentFixtures.unclear && question.timeout == .seconds(2))
        #expect(question.due == .milliseconds(98))
        guard case .escalate(.unsure(.topOne, _, threshold: 0.8))? = question.verdict else { throw Unexpected() }
        let record = try #require(await records.next())
        #expect(record.decision.source == .cloud && record.decision.answer == Self.cloudAnswer)
        #expect(record.decision.localAnswer == question.localAnswer && question.localAnswer != nil)
        #expect(await bench.finish(&records).isEmpty)
        #expect(cloud.isStopped)
        #expect(cloud.published == [record.json(labels: AgentFixtures.labels)])
    }

    @Test func aSecondLookDecidesWhatTheFirstWasNotSureOf() async throws {
        // The network sees the left half only: grey there, red on the right.
        let image = Image(width: 8, height: 8, channels: 3, pixels: (0..<64).flatMap { $0 % 8 < 4 ? [100, 100, 100] as [UInt8] : [255, 0, 0] })
        for (bound, looks, source) in [(nil, 0, .localUnconfirmed), (0, 0, .localUnconfirmed), (0.99, 1, .local)] as [(Double?, UInt64, Decision.Source)] {
            let bench = try AgentBench(AgentFixtures.leftSidedBundle()) { $0.secondLook = bound }
            var records = bench.records.makeAsyncIterator()
            try bench.agent.start()
            bench.source.push(0, image)
            let record = try #require(await records.next())
            #expect(record.decision.source == source && bench.agent.statistics.secondLooks == looks)
            // What follows isn't seen in a mirror.
            bench.source.push(1, AgentFixtures.image(0, 255, 0))
            let next = try #require(await records.next())
            guard case .classification(let classification)? = next.decision.answer else { throw Unexpected() }
            #expect(classification.classIndex == 1 && next.decision.source == .local)
            #expect(await bench.finish(&records).isEmpty)
        }
    }

    @Test func damageInTheMirrorImageIsAFault() async throws {
        // The last column is black, so that its weights overflow in the mirror only.
        let bundle = AgentFixtures.leftSidedBundle(lastColumn: .greatestFiniteMagnitude)
        let black = Image(width: 8, height: 8, channels: 3, pixels: (0..<64).flatMap { $0 % 8 < 4 ? [100, 100, 100] as [UInt8] : [0, 0, 0] })
        let bench = try AgentBench(bundle) { $0.secondLook = 1 }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, black)
        let record = try #require(await records.next())
        #expect(record.decision.source == .localUnconfirmed && record.decision.fault != nil && record.decision.answer == nil)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func inAStreamTheCloudsAnswerIsCarried() async throws {
        let cloud = ManualCloud(answer: Self.cloudAnswer)
        let bench = try AgentBench(cloud: cloud) { $0.stream = StreamGate.Settings() }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, AgentFixtures.unclear)
        #expect(try #require(await records.next()).decision.source == .cloud)
        for frame in 1..<9 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.unclear)
            let decision = try #require(await records.next()).decision
            #expect(decision.source == .carried && decision.carriedFrom == 0 && decision.answer == Self.cloudAnswer)
        }
        bench.source.push(9, AgentFixtures.clear)
        #expect(try #require(await records.next()).decision.source == .local)
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.decisions.asked == 1 && bench.agent.statistics.decisions.carried == 8)
    }

    @Test func lateCloudAnswerBecomesARevision() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(7, AgentFixtures.unclear)
        _ = await asked.next()
        bench.clock.advance(bench.agent, by: .milliseconds(99))
        let first = try #require(await records.next())
        #expect(first.decision.source == .localUnconfirmed && first.decision.latency == .milliseconds(99))
        bench.clock.advance(bench.agent, by: .milliseconds(500))
        cloud.send(.answered(frame: 7, Self.cloudAnswer))
        let second = try #require(await records.next())
        #expect(second.decision.isRevision && second.decision.frame == 7 && second.decision.source == .cloud)
        cloud.send(.answered(frame: 7, Self.cloudAnswer))
        cloud.send(.answered(frame: 99, Self.cloudAnswer))
        #expect(await bench.finish(&records).isEmpty)
        let counts = bench.agent.statistics.decisions
        #expect(counts.duplicateAnswers == 1 && counts.unknownAnswers == 1 && counts.revisions == 1 && counts.decided == 1)
        // And what the link has kept back.
        cloud.keepBack(CloudStrays(duplicates: 30, unknowns: 400, damaged: 5))
        let line = bench.agent.statistics.json()
        #expect(line.contains("\"late_answers\":0,\"duplicate_answers\":31,\"unknown_answers\":401,") && line.contains("\"damaged_messages\":5,"))
    }

    @Test(arguments: [
        Answer.classification(Classification(classIndex: 3, confidence: 0.5)), .classification(Classification(classIndex: -1, confidence: 0.5)), .detections([]),
    ])
    func anAnswerThatTheBoardsNetworkCanNotGiveDecidesNothing(answer: Answer) async throws {
        let lines = Journal<String>()
        let bench = try AgentBench(cloud: ManualCloud(answer: answer), logger: Logger(label: "test") { _ in JournalLogHandler(journal: lines) })
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<5 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.unclear)
            let decision = try #require(await records.next()).decision
            #expect(decision.source == .localUnconfirmed && decision.answer != nil && decision.answer == decision.localAnswer)
        }
        #expect(await bench.finish(&records).isEmpty)
        let statistics = bench.agent.statistics
        #expect(statistics.unfitAnswers == 5 && statistics.decisions.unanswered == 5 && statistics.decisions.cloud == 0 && statistics.decisions.revisions == 0)
        // One line in ten seconds.
        #expect(lines.entries.count { $0.contains("an answer is dropped") } == 1)
    }

    @Test func aRefusalDecidesAtOnceAndIsCountedByReason() async throws {
        let bench = try AgentBench(cloud: ManualCloud(refusal: "disconnected"))
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<5 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.unclear)
            let record = try #require(await records.next())
            #expect(record.decision.source == .localUnconfirmed && record.decision.latency == .zero)
        }
        #expect(bench.agent.statistics.refusals == ["disconnected": 5])
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func aLinkThatHangsHoldsUpNoFrame() async throws {
        let cloud = ManualCloud()
        cloud.gate.close()
        let bench = try AgentBench(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, AgentFixtures.unclear)
        _ = await asked.next()
        // The request thread hangs in `ask` from here on.
        for frame in 1..<200 as Range<UInt64> { bench.source.push(frame, frame % 2 == 0 ? AgentFixtures.clear : AgentFixtures.unclear) }
        var decided: Set<UInt64> = []
        while decided.count < 198 {
            let record = try #require(await records.next())
            #expect(record.decision.source == (record.decision.frame % 2 == 0 ? .local : .localUnconfirmed))
            #expect(decided.insert(record.decision.frame).inserted)
        }
        #expect(decided == Set(2..<200))
        bench.clock.advance(bench.agent, by: .milliseconds(100))
        for _ in 0..<2 {
            let record = try #require(await records.next())
            #expect(record.decision.source == .localUnconfirmed && decided.insert(record.decision.frame).inserted)
        }
        cloud.gate.open()
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.decisions.decided == 200)
    }

    @Test func aQuestionThatNobodyAnswersDoesNotKeepTheAgentFromFinishing() async throws {
        let bench = try AgentBench(cloud: ManualCloud(), clock: .system) {
            $0.deadline = .milliseconds(20)
            $0.recovery.expiry = .milliseconds(200)
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, AgentFixtures.unclear)
        let record = try #require(await records.next())
        #expect(record.decision.source == .localUnconfirmed)
        bench.source.push(.ended)
        let agent = bench.agent
        await Task.detached { agent.waitUntilFinished() }.value
        #expect(agent.statistics.decisions.expired == 1)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func stoppingDecidesWhatIsOpen() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(3, AgentFixtures.unclear)
        _ = await asked.next()
        let rest = await bench.finish(&records)
        #expect(rest.map(\.decision.frame) == [3] && rest.map(\.decision.source) == [.localUnconfirmed])
    }

    @Test func damageInTheNetworkIsAFaultThatAsksTheCloud() async throws {
        let cloud = ManualCloud(answer: Self.cloudAnswer)
        let bench = try AgentBench(AgentFixtures.bundle(gain: .nan), cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(0, AgentFixtures.clear)
        let record = try #require(await records.next())
        #expect(record.decision.source == .cloud && record.decision.localAnswer == nil && record.decision.fault == .notANumber)
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.decisions.faults == 1)
    }

    @Test func damagedFramesAreCountedAndTheNextOnesDecided() async throws {
        let bench = try AgentBench()
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        bench.source.push(.damaged("no picture"))
        bench.source.push(1, AgentFixtures.clear)
        #expect(await records.next()?.decision.frame == 1)
        #expect(bench.agent.statistics.damagedFrames == 1)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func theEndOfTheSourceIsTheEndOfTheWork() async throws {
        let bench = try AgentBench()
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<20 as Range<UInt64> { bench.source.push(frame, frame % 3 == 0 ? AgentFixtures.unclear : AgentFixtures.clear) }
        bench.source.push(.ended)
        bench.agent.waitUntilFinished()
        #expect(await bench.finish(&records).map(\.decision.frame) == Array(0..<20))
        #expect(bench.agent.sourceFailure == nil)
        let statistics = bench.agent.statistics
        #expect(statistics.decisions.taken == 20 && statistics.decisions.decided == 20 && statistics.frameTimes.count == 20)
        #expect(statistics.confidences.counts.reduce(0, +) == 20)
    }

    @Test func linesOnStandardOutputAreTheDecisions() async throws {
        var ends: [CInt] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        defer { close(ends[0]) }
        let bench = try AgentBench(lines: ends[1])
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<10 as Range<UInt64> { bench.source.push(frame, AgentFixtures.clear) }
        bench.source.push(.ended)
        bench.agent.waitUntilFinished()
        let decided = await bench.finish(&records)
        close(ends[1])
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = unsafe read(ends[0], &chunk, 4096), count > 0 { text += chunk.prefix(count) }
        #expect(text.split(separator: 10).map(Array.init) == decided.map { $0.json(labels: AgentFixtures.labels) })
        #expect(decided.count == 10)
    }

    @Test func aStuckStandardOutputHoldsUpNothing() async throws {
        var ends: [CInt] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let bench = try AgentBench(lines: ends[1])
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        // Nobody reads: a pipe holds 64 KiB, the writer's queue 1,024 lines.
        for frame in 0..<3000 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.clear)
            #expect(await records.next()?.decision.frame == frame)
        }
        #expect(bench.agent.statistics.droppedLines > 0)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func aReaderThatIsGoneHoldsUpNothing() async throws {
        var ends: [CInt] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        close(ends[0])
        let bench = try AgentBench(lines: ends[1])
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<10 as Range<UInt64> {
            bench.source.push(frame, AgentFixtures.clear)
            #expect(await records.next()?.decision.frame == frame)
        }
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.droppedLines == 10)
        close(ends[1])
    }

    @Test func whatDoesNotGoTogetherIsAnErrorBeforeTheStart() {
        var blind = AgentFixtures.bundle()
        blind.details.preprocessing = nil
        let cases: [(Bundle, (inout AgentSettings) -> Void, AgentError.Code)] = [
            (blind, { _ in }, .data), (AgentFixtures.bundle(labels: ["one", "two"]), { _ in }, .data),
            (AgentFixtures.bundle(labels: []), { _ in }, .configuration),
            (AgentFixtures.bundle(kind: .probabilities), { $0.gate = .any([.threshold(.energy, 0)]) }, .configuration),
        ]
        for (bundle, change, code) in cases {
            let error = #expect(throws: AgentError.self) { try AgentBench(bundle, settings: change) }
            #expect(error?.code == code, "\(String(describing: error))")
        }
        #expect(throws: Never.self) { try AgentBench(AgentFixtures.bundle(labels: [])) { $0.recovery.isEnabled = false } }
        #expect(throws: Never.self) { try AgentBench { $0.gate = .threshold(.margin, 0.6, classes: [.init(name: "green", threshold: 0.9, line: 3)]) } }
        let unknown = #expect(throws: AgentError.self) {
            try AgentBench { $0.gate = .not(.threshold(.margin, 0.6, classes: [.init(name: "grean", threshold: 0.9, line: 3)])) }
        }
        #expect(unknown?.code == .configuration)
        #expect(unknown?.cause == "line 3: gate.classes: 'grean' is none of the network's 3 classes, did you mean 'green'?")
        var certified = AgentFixtures.bundle()
        let rung = Certificate(
            risk: .harm, bound: 0.01, confidence: 0.95, measure: .margin, threshold: 0.5, samples: 1000, accepted: 500, loss: 0, disagreements: 0,
            isLabelled: true)
        certified.details.certifiedGate = CertifiedGate(rungs: [rung], fullModel: "")
        #expect(throws: AgentError.self) { try AgentBench(certified) { $0.secondLook = 0.99 } }
        certified.details.certifiedGate?.secondLook = 0.99
        #expect(throws: Never.self) { try AgentBench(certified) { $0.secondLook = 0.99 } }
    }

    struct Unexpected: Error {}
}
