// SPDX-License-Identifier: Apache-2.0
import Agent
import FoundationEssentials
import Gating
import Logging
import Networks
import Settings
import TestSupport
import Testing

/// What audits have found, across restarts of the agent.
@Suite(.timeLimit(.minutes(1)))
struct AuditRestartTests {
    /// What is left of an agent that has ended.
    struct Run {
        var statistics: AgentStatistics
        var log: [String]

        var audit: AuditStatistics? { statistics.audit }
    }

    /// Offers clear frames until the gate is at a rung, or so many.
    static func run(
        frames: Int, until rung: Int? = nil, agrees: Bool, folder: String?, cloud isThere: Bool = true, bundle: CertifiedBundle = .first,
        settings change: (inout AgentSettings) -> Void = { _ in }
    ) async throws -> Run {
        let lines = Journal<String>()
        let logger = Logger(label: "test") { _ in JournalLogHandler(journal: lines) }
        let cloud = isThere ? ManualCloud(answer: AgentAuditTests.answer(agrees)) : nil
        let bench = try AgentBench(bundle.bundle, cloud: cloud, logger: logger) {
            AgentAuditTests.everyFrame(&$0)
            $0.state = folder
            $0.recovery.isEnabled = isThere
            change(&$0)
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        for frame in 0..<UInt64(frames) {
            if let rung, let now = bench.agent.statistics.audit?.rung, now >= rung { break }
            bench.source.push(frame, AgentFixtures.clear)
            _ = try #require(await records.next())
        }
        _ = await bench.finish(&records)
        return Run(statistics: bench.agent.statistics, log: lines.entries)
    }

    enum CertifiedBundle {
        case first
        /// With another proof of the same gate.
        case second

        var bundle: Bundle {
            var bundle = AgentFixtures.certifiedBundle()
            if self == .second { bundle.details.certifiedGate?.rungs[0].disagreements = 6 }
            return bundle
        }
    }

    @Test func aTightenedGateIsStillTightenedAfterARestart() async throws {
        let folder = TemporaryFolder()
        let first = try #require(try await Self.run(frames: 10_000, until: 1, agrees: false, folder: folder.path).audit)
        #expect(first.rung >= 1 && first.tightenings >= 1 && first.total.events > 0)
        for _ in 0..<3 {
            let again = try await Self.run(frames: 0, agrees: false, folder: folder.path)
            let audit = try #require(again.audit)
            #expect(audit.rung == first.rung && audit.interval == first.interval && audit.total == first.total && audit.tightenings == first.tightenings)
            #expect(audit.suspicion == first.suspicion && audit.coverage == first.coverage)
            #expect(again.log.contains { $0.contains("the gate goes on at rung \(first.rung) of 3") || $0.contains("the gate goes on closed") }, "\(again.log)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["audit"])
    }

    /// Audits before and after restarts break the certificate together.
    @Test func evidenceAddsUpAcrossRestarts() async throws {
        let folder = TemporaryFolder()
        var suspicions: [Double] = []
        for _ in 0..<200 {
            let audit = try #require(try await Self.run(frames: 4, agrees: false, folder: folder.path) { $0.audit.falseAlarmAfter = 10_000 }.audit)
            suspicions.append(audit.suspicion)
            if audit.rung > 0 { break }
        }
        #expect(suspicions.count > 1 && suspicions.count < 200, "\(suspicions)")
        // Without the folder it is forgotten each time.
        let forgetful = try await Self.run(frames: 4, agrees: false, folder: nil) { $0.audit.falseAlarmAfter = 10_000 }
        #expect(forgetful.audit?.rung == 0 && forgetful.log.contains { $0.contains("the settings name no folder for its state") })
    }

    @Test func whatIsStoredAboutAnotherCertificateIsDiscardedAndSaid() async throws {
        let folder = TemporaryFolder()
        #expect(try await Self.run(frames: 10_000, until: 1, agrees: false, folder: folder.path).audit?.rung != 0)
        let other = try await Self.run(frames: 0, agrees: true, folder: folder.path, bundle: .second)
        #expect(other.audit?.rung == 0 && other.audit?.total.count == 0)
        #expect(other.log.contains { $0.contains("another certificate, and is discarded") }, "\(other.log)")
        let again = try await Self.run(frames: 0, agrees: true, folder: folder.path, bundle: .second)
        #expect(again.audit?.rung == 0 && !again.log.contains { $0.contains("discarded") })
    }

    /// It isn't known how strict the gate was.
    @Test func aDamagedStateIsSaidAndTheGateBeginsAtTheStrictestRung() async throws {
        let folder = TemporaryFolder()
        for bytes in [Data(), Data([0, 255, 10, 10]), Data(repeating: 65, count: 100_000)] {
            try bytes.write(to: URL(filePath: folder("audit")))
            let run = try await Self.run(frames: 2, agrees: true, folder: folder.path)
            #expect(run.audit?.rung == 2 && run.statistics.decisions.decided == 2)
            #expect(run.log.contains { $0.contains("isn't what was stored there: the gate begins at rung 2 of 3, the strictest") }, "\(run.log)")
            // Stored anew.
            let again = try await Self.run(frames: 0, agrees: true, folder: folder.path)
            #expect(again.audit?.rung == 2 && !again.log.contains { $0.contains("strictest") })
        }
        // A folder in its place can be neither read nor replaced.
        try FileManager.default.removeItem(atPath: folder("audit"))
        try FileManager.default.createDirectory(atPath: folder("audit"), withIntermediateDirectories: true)
        let run = try await Self.run(frames: 2, agrees: true, folder: folder.path)
        #expect(run.audit?.rung == 2 && run.statistics.decisions.decided == 2)
        #expect(run.log.contains { $0.contains("a restart would forget what audits have found") }, "\(run.log)")
    }

    /// Sound as a record, but of a gate with another number of rungs, under this certificate's name.
    @Test func aStateThatCannotBeTrueCountsAsDamaged() async throws {
        let folder = TemporaryFolder()
        let bundle = CertifiedBundle.first.bundle
        let gate = try #require(bundle.details.certifiedGate), short = try #require(CertifiedGate(rungs: [gate.rungs[0]], fullModel: ""))
        let memory = try #require(AuditLadder(short)).memory(now: .seconds(1))
        let record = AuditRecord(certificate: try #require(bundle.details.certificateDigest), boot: "a", time: .seconds(1), memory: memory)
        try Data(record.bytes).write(to: URL(filePath: folder("audit")))
        let run = try await Self.run(frames: 0, agrees: true, folder: folder.path)
        #expect(run.audit?.rung == 2 && run.log.contains { $0.contains("can't be true of the certificate") }, "\(run.log)")
    }

    @Test func withoutTheCloudTheGateStaysWhereAuditsHavePutIt() async throws {
        let folder = TemporaryFolder()
        let first = try #require(try await Self.run(frames: 10_000, until: 3, agrees: false, folder: folder.path).audit)
        #expect(first.rung == 3)
        let alone = try await Self.run(frames: 5, agrees: false, folder: folder.path, cloud: false)
        #expect(alone.audit?.rung == 3 && alone.audit?.asked == 0 && alone.statistics.decisions.unconfirmed == 5)
        #expect(alone.log.contains { $0.contains("the gate goes on closed, where audits have put it") }, "\(alone.log)")
        #expect(try await Self.run(frames: 5, agrees: false, folder: nil, cloud: false).audit == nil)
    }

    @Test func aMoveIsStoredBeforeTheAgentEnds() async throws {
        let folder = TemporaryFolder()
        let bench = try AgentBench(AgentFixtures.certifiedBundle(), cloud: ManualCloud(answer: AgentAuditTests.answer(false))) {
            AgentAuditTests.everyFrame(&$0)
            $0.state = folder.path
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        var frame: UInt64 = 0
        while bench.agent.statistics.audit?.rung == 0 {
            bench.source.push(frame, AgentFixtures.clear)
            _ = try #require(await records.next())
            frame += 1
        }
        let rung = try #require(bench.agent.statistics.audit?.rung)
        // The agent of after a loss of power reads what is there.
        var stored: AuditRecord?
        while stored?.memory.rung != rung {
            stored = (try? Data(contentsOf: URL(filePath: folder("audit")))).flatMap { AuditRecord(Array($0)) }
            await Task.yield()
        }
        #expect(stored?.memory.tightenings ?? 0 > 0)
        _ = await bench.finish(&records)
    }

    @Test func aStateFolderThatIsNotThereIsAMistakeOfTheConfiguration() {
        let error = #expect(throws: AgentError.self) {
            try AgentBench(AgentFixtures.certifiedBundle(), cloud: ManualCloud()) { $0.state = "/nowhere/at/all" }
        }
        #expect(error?.code == .configuration)
    }
}

/// Writes lines to a journal.
struct JournalLogHandler: LogHandler {
    let journal: Journal<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    /// Whether a line begins with its level.
    let showsLevels: Bool

    init(journal: Journal<String>, showsLevels: Bool = false) { (self.journal, self.showsLevels) = (journal, showsLevels) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { journal.record((showsLevels ? "\(event.level) " : "") + "\(event.message)") }
}
