// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Frames
import Gating
import Images
import Logging
import Networks
import Packing
import Planning
import Settings
import Tensors
import TestSupport
import Testing

/// An agent under plans, with a cloud that the test holds in its hand.
@Suite(.timeLimit(.minutes(2)))
struct PlannedAgentTests {
    typealias Records = AsyncStream<DecisionRecord>.Iterator

    /// Pushes a frame and waits for its decision.
    static func decision(_ bench: AgentBench, _ frame: UInt64, _ image: Image, _ records: inout Records) async throws -> Decision {
        bench.source.push(frame, image)
        return try #require(await records.next(isolation: #isolation)).decision
    }

    @Test func anExitThatIsSureAnswersAndNothingIsSent() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        let change = try #require(await cloud.plan(with: "\"plan\":\"exit 0 ≥ 0.8, send cut 1", &planned))
        #expect(change.contains("workers answer") && change.contains("\"figures_before\":{") && change.contains("\"uplink_mbps\""))
        let decision = try await Self.decision(bench, 1, PlanFixtures.clear, &records)
        #expect(decision.source == .local && decision.exit == 0 && decision.sentBytes == nil)
        #expect(await bench.finish(&records).isEmpty)
        let plans = try #require(bench.agent.statistics.plans)
        #expect(plans.exits == [1, 0] && plans.sent == 0 && plans.flown.map(\.frames).reduce(0, +) == 1 && bench.agent.statistics.decisions.asked == 0)
    }

    @Test func aPlanThatStaysIsNoNewsForTheLog() async throws {
        let cloud = ManualCloud()
        let lines = Journal<String>()
        let logger = Logger(label: "test") { _ in JournalLogHandler(journal: lines, showsLevels: true) }
        let table = PlanFixtures.table(uploads: [Upload(cut: 0, payload: .png)])
        let bench = try AgentBench(PlanFixtures.bundle(table), cloud: cloud, logger: logger, assuming: Agent.Assumptions(times: PlanFixtures.times())) {
            // There is but one.
            $0.plan = PlanFixtures.policy(.cloudOnly, insurance: .never)
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        try await lines.wait { $0.hasPrefix("debug plan: ") && $0.contains("workers answer") }
        cloud.send(.status(CloudStatus(.autonomous, reason: "the test")))
        try await lines.wait { $0.hasPrefix("debug plan: ") && $0.contains("nobody answers") }
        _ = await bench.finish(&records)
        #expect(lines.entries.count { $0.hasPrefix("info plan: ") } == 1 && lines.entries.count { $0.hasPrefix("notice plan 0: ") } == 1)
    }

    @Test func theLastStatisticsSayHowTheCloudWasBeforeTheGoodbye() async throws {
        let lines = Journal<String>()
        let bench = try AgentBench(
            PlanFixtures.bundle(), cloud: ManualCloud(), logger: Logger(label: "test") { _ in JournalLogHandler(journal: lines) },
            assuming: Agent.Assumptions(times: PlanFixtures.times())
        ) { $0.plan = PlanFixtures.policy() }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        _ = await bench.finish(&records)
        let last = try #require(lines.entries.last { $0.hasPrefix("stopped; ") })
        #expect(last.contains("\"connected\":true") && last.contains("\"mode\":\"connected\",\"reason\":\"the test says so\"}"))
        #expect(bench.agent.statistics.cloud.mode == .autonomous)
    }

    @Test func radioAndPowerAreWhatTheSettingsSay() throws {
        // The test's cloud doesn't say what it is reached by.
        for (kind, radio, power) in [(.auto, .wifi, 3), (.wifi, .wifi, 3), (.lte, .lte, 1.5), (.threeG, .threeG, 0), (.wired, .wired, 2)] as [(PlanSettings.RadioKind, Radio, Double)] {
            var plan = PlanFixtures.policy()
            #expect(plan.radio == .auto && plan.power == 3)
            (plan.radio, plan.power) = (kind, power)
            let bench = try AgentBench.planned(cloud: ManualCloud(), policy: plan)
            // The cloud says at once that it is connected.
            try bench.agent.start()
            let conditions = try #require(bench.agent.statistics.plans?.conditions)
            let assumed = try #require(conditions.link).radio
            #expect(assumed.name == radio.name && assumed.roundTrip == radio.roundTrip && assumed.tail == radio.tail && conditions.board.power == power)
            #expect(abs(assumed.uplink - radio.uplink) < 1e-9)
            bench.agent.stop()
        }
    }

    @Test func whatCrossesTheCutIsPackedAndSent() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        let decision = try await Self.decision(bench, 1, PlanFixtures.unclear, &records)
        #expect(decision.source == .cloud && decision.answer == PlanFixtures.cloudAnswer && decision.sentBytes == ManualCloud.bytes)
        let question = try #require(await asked.next())
        guard case .activations(let packed) = question.content else { throw Unexpected() }
        #expect(packed.cut == 11 && packed.model == PlanFixtures.fullModel && packed.exit == nil && packed.tensors.count == 1 && question.purpose == .plan)
        let activation = try PackedActivation(unpacking: packed.tensors[0])
        #expect(activation.shape == ActivationShape(channels: 3, height: 8, width: 8))
        for (index, real) in activation.reals.enumerated() { #expect(abs(real - (index / 64 == 1 ? 128 : 120) / 255) < 1e-4) }
        #expect(await bench.finish(&records).isEmpty)
        let plans = try #require(bench.agent.statistics.plans)
        #expect(plans.sent == 1 && plans.insured == 1 && plans.bytes == 1000 && plans.exits == [0, 0] && plans.unpacked == 0 && plans.unbuffered == 0)
    }

    @Test func aSureInsuranceCancelsTheCloud() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        for frame in 0..<50 as Range<UInt64> {
            let decision = try await Self.decision(bench, frame, PlanFixtures.middling, &records)
            #expect(decision.source == .local && decision.exit == 1 && !decision.isRevision)
        }
        #expect(await bench.finish(&records).isEmpty)
        let (counts, plans) = (bench.agent.statistics.decisions, try #require(bench.agent.statistics.plans))
        // Where the thread that packs has no room, nothing is sent.
        #expect(counts.asked == 50 && counts.cancelled + plans.unbuffered == 50 && counts.decided == 50 && plans.exits == [0, 50])
        // Cancelled before it was sent, or after.
        #expect(plans.sent + plans.withdrawn == counts.cancelled && counts.cancelled > 0 && Set(cloud.cancelled).isSubset(of: 0..<50))
    }

    @Test func withoutAProcessorToSpareWhatIsSentIsPackedBeforeTheInsuranceBegins() async throws {
        let cloud = ManualCloud()
        var times = PlanFixtures.times(packsFirst: true)
        // The wait for it is bounded by what packing is expected to take.
        times.packing = [0.02]
        let bench = try AgentBench.planned(cloud: cloud, times: times)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        for frame in 0..<50 as Range<UInt64> {
            let decision = try await Self.decision(bench, frame, PlanFixtures.middling, &records)
            #expect(decision.source == .local && decision.exit == 1 && !decision.isRevision)
        }
        #expect(await bench.finish(&records).isEmpty)
        let (counts, plans) = (bench.agent.statistics.decisions, try #require(bench.agent.statistics.plans))
        // All were on their way before the insurance could cancel one.
        #expect(counts.asked == 50 && counts.cancelled == 50 && plans.sent == 50 && plans.withdrawn == 0)
    }

    @Test func theFrameItselfIsSentWhereThePlanSaysSo() async throws {
        let upload = Upload(cut: 0, payload: .jpeg(quality: 71))
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench.planned(
            PlanFixtures.bundle(PlanFixtures.table(uploads: [upload])), cloud: cloud, policy: PlanFixtures.policy(.cloudOnly, insurance: .never))
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        // There is but this plan.
        _ = await cloud.plan(with: "send cut 0", &planned)
        let decision = try await Self.decision(bench, 1, PlanFixtures.clear, &records)
        #expect(decision.source == .cloud && decision.localAnswer == nil)
        guard case .image(let image, let form?)? = await asked.next()?.content else { throw Unexpected() }
        #expect(image == PlanFixtures.clear && form.encoding == .jpeg(quality: 71, fullColour: false))
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func withoutALinkTheBoardAnswersAlone() async throws {
        for family in [PlanFamily.all, .cloudOnly, .spinn] {
            let upload = family == .cloudOnly ? Upload(cut: 0, payload: .png) : Upload(cut: PlanFixtures.firstCut, payload: PlanFixtures.tensors)
            let cloud = ManualCloud()
            let bench = try AgentBench.planned(
                PlanFixtures.bundle(PlanFixtures.table(uploads: [upload])), cloud: cloud, policy: PlanFixtures.policy(family, insurance: .auto))
            var records = bench.records.makeAsyncIterator()
            try bench.agent.start()
            cloud.send(.status(CloudStatus(.autonomous, reason: "the test")))
            let middling = try await Self.decision(bench, 1, PlanFixtures.middling, &records)
            #expect(middling.source == .local && middling.exit == 1 && middling.latency == .zero, "\(family)")
            let unclear = try await Self.decision(bench, 2, PlanFixtures.unclear, &records)
            #expect(unclear.source == .localUnconfirmed && unclear.answer != nil && unclear.latency == .zero, "\(family)")
            #expect(await bench.finish(&records).isEmpty)
            #expect(bench.agent.statistics.decisions.asked == 0, "\(family)")
        }
    }

    @Test func aLinkThatIsLostInMidTransferCostsNoDecision() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        bench.source.push(1, PlanFixtures.unclear)
        _ = await asked.next()
        cloud.send(.unanswered(frame: 1, reason: "disconnected"))
        cloud.send(.status(CloudStatus(.autonomous, reason: "the test")))
        let first = try #require(await records.next()).decision
        #expect(first.source == .localUnconfirmed && first.answer != nil && first.exit == 1)
        #expect(try #require(await cloud.plan(with: "nobody answers", &planned)).contains("\"plan\":\"exit 0 ≥ 0.8, end"))
        let second = try await Self.decision(bench, 2, PlanFixtures.middling, &records)
        #expect(second.source == .local && second.exit == 1 && second.sentBytes == nil && second.plan != first.plan)
        cloud.send(.status(CloudStatus(.connected, reason: "the test")))
        #expect(await cloud.plan(with: "send cut 1", &planned) != nil)
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.plans?.changes == 3 && bench.agent.statistics.decisions.decided == 2)
    }

    /// Nothing is answered any more, and nobody says so.
    @Test func aTransferThatTakesFarTooLongChangesThePlanBeforeItEnds() async throws {
        let cloud = ManualCloud()
        let bytes = UInt32(ManualCloud.bytes)
        let bench = try AgentBench.planned(PlanFixtures.bundle(PlanFixtures.table(bytes: bytes)), cloud: cloud) { $0.recovery.expiry = .seconds(60) }
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        for frame in 0..<8 as Range<UInt64> {
            bench.source.push(frame, PlanFixtures.unclear)
            _ = await asked.next()
            bench.clock.advance(bench.agent, by: .milliseconds(8))
            let seen = CloudTransfer(bytes: ManualCloud.bytes, onTheWay: .milliseconds(6), queue: .milliseconds(1), inference: .milliseconds(1))
            cloud.send(.answered(frame: frame, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel, seen))
            #expect(try #require(await records.next()).decision.source == .cloud)
        }
        bench.source.push(8, PlanFixtures.unclear)
        _ = await asked.next()
        // A hundredth of the bandwidth: the deadline comes first.
        bench.clock.advance(bench.agent, by: .milliseconds(100))
        let late = try #require(await records.next()).decision
        #expect(late.source == .localUnconfirmed && late.answer != nil && late.latency == .milliseconds(100))
        bench.clock.advance(bench.agent, by: .milliseconds(500))
        #expect(try #require(await cloud.plan(with: "uplink", &planned)).contains("\"plan\":\"exit 0 ≥ 0.8, end"))
        let next = try await Self.decision(bench, 9, PlanFixtures.unclear, &records)
        #expect(next.sentBytes == nil && next.source == .localUnconfirmed && next.latency == .zero)
        // The answer that comes at last revises.
        cloud.send(.answered(frame: 8, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel))
        let revision = try #require(await records.next()).decision
        #expect(revision.frame == 8 && revision.isRevision && revision.source == .cloud)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func aServerThatSlowsDownChangesThePlanAndMissesNoDeadline() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        var decisions: [Decision] = []
        func counts() -> (sent: UInt64?, decided: UInt64) { (bench.agent.statistics.plans?.sent, bench.agent.statistics.decisions.decided) }
        for frame in 0..<1000 as Range<UInt64> {
            let before = counts()
            bench.source.push(frame, PlanFixtures.unclear)
            while counts() == before { await Task.yield() }
            guard counts().sent != before.sent else {
                decisions.append(try #require(await records.next()).decision)
                break
            }
            // The server's work takes 10 ms, then 300.
            let inference = Duration.milliseconds(frame < 8 ? 10 : 300)
            bench.clock.advance(bench.agent, by: min(inference, .milliseconds(100)))
            if frame >= 8 { decisions.append(try #require(await records.next()).decision) }
            bench.clock.advance(bench.agent, by: max(inference - .milliseconds(100), .zero))
            let seen = CloudTransfer(bytes: ManualCloud.bytes, onTheWay: .milliseconds(6), inference: inference)
            cloud.send(.answered(frame: frame, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel, seen))
            decisions.append(try #require(await records.next()).decision)
        }
        #expect(decisions.last?.sentBytes == nil && decisions.last?.source == .localUnconfirmed && decisions.last?.isRevision == false)
        #expect(await cloud.plan(with: "\"plan\":\"exit 0 ≥ 0.8, end", &planned) != nil)
        // How many more are sent depends on when the thread that chooses gets to look.
        let revisions = decisions.filter(\.isRevision).map(\.frame)
        #expect(!revisions.isEmpty && revisions == Array(8..<(8 + UInt64(revisions.count))))
        #expect(decisions.filter { !$0.isRevision }.allSatisfy { $0.latency <= .milliseconds(100) })
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func whatTheEndAnswersIsAuditedAndWhatIsSentIsNot() async throws {
        var bundle = PlanFixtures.bundle()
        let rung = Certificate(
            risk: .harm, bound: 0.01, confidence: 0.95, measure: .margin, threshold: 0.5, samples: 1000, accepted: 900, loss: 0, disagreements: 5, isLabelled: true)
        bundle.details.certifiedGate = CertifiedGate(rungs: [rung], fullModel: PlanFixtures.fullModel)
        for family in [PlanFamily.deviceOnly, .all] {
            let cloud = ManualCloud()
            let bench = try AgentBench.planned(bundle, cloud: cloud, policy: PlanFixtures.policy(family)) {
                ($0.audit.share, $0.audit.spacing) = (1, .zero)
            }
            var records = bench.records.makeAsyncIterator()
            var planned = cloud.planned.makeAsyncIterator()
            try bench.agent.start()
            if family == .all { _ = await cloud.plan(with: "send cut 1", &planned) }
            for frame in 0..<20 as Range<UInt64> {
                let decision = try await Self.decision(bench, frame, PlanFixtures.middling, &records)
                #expect(decision.source == .local && decision.exit == 1)
            }
            if family == .deviceOnly {
                // A frame is decided before the audits hear of it.
                while bench.agent.statistics.plans?.flown.reduce(0, { $0 + $1.frames }) != 20 { await Task.yield() }
                var asked = cloud.asked.makeAsyncIterator()
                let question = try #require(await asked.next())
                #expect(question.auditedScore != nil && question.image == PlanFixtures.middling && question.purpose == .answer)
                // One at a time, and it decides nothing.
                cloud.send(.answered(frame: question.frame, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel))
            }
            #expect(await bench.finish(&records).isEmpty)
            let audit = try #require(bench.agent.statistics.audit)
            // What finds no room with the thread that packs isn't sent.
            let unsent = try #require(bench.agent.statistics.plans).unbuffered
            #expect(family == .deviceOnly ? audit.asked == 1 : audit.asked <= unsent)
            #expect(bench.agent.statistics.decisions.decided == 20)
        }
    }

    @Test func anAnswerOfAnotherModelIsNone() async throws {
        for refuses in [false, true] {
            let cloud = ManualCloud()
            let bench = try AgentBench.planned(cloud: cloud)
            var records = bench.records.makeAsyncIterator()
            var planned = cloud.planned.makeAsyncIterator()
            var asked = cloud.asked.makeAsyncIterator()
            try bench.agent.start()
            _ = await cloud.plan(with: "send cut 1", &planned)
            bench.source.push(1, PlanFixtures.unclear)
            _ = await asked.next()
            cloud.send(
                refuses
                    ? .unanswered(frame: 1, reason: "worker: no_model")
                    : .answered(frame: 1, PlanFixtures.cloudAnswer, model: String(repeating: "0", count: 64)))
            let decision = try #require(await records.next()).decision
            #expect(decision.source == .localUnconfirmed && decision.exit == 1)
            // Nobody is asked to go on from a cut of a model that isn't there.
            #expect(try #require(await cloud.plan(with: "another model", &planned)).contains("\"plan\":\"exit 0 ≥ 0.8, end"))
            #expect(try await Self.decision(bench, 2, PlanFixtures.unclear, &records).sentBytes == nil)
            #expect(await bench.finish(&records).isEmpty)
            #expect(bench.agent.statistics.plans?.foreign == (refuses ? 0 : 1))
        }
    }

    @Test func answersThatComeTwiceOrOutOfOrderDecideEachFrameOnce() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        for frame in 1...3 as ClosedRange<UInt64> { bench.source.push(frame, PlanFixtures.unclear) }
        for _ in 1...3 { _ = await asked.next() }
        for frame in [3, 1, 3, 2, 2, 77] as [UInt64] { cloud.send(.answered(frame: frame, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel)) }
        var frames: [UInt64] = []
        for _ in 1...3 { frames.append(try #require(await records.next()).decision.frame) }
        #expect(frames == [3, 1, 2])
        #expect(await bench.finish(&records).isEmpty)
        let counts = bench.agent.statistics.decisions
        #expect(counts.duplicateAnswers == 2 && counts.unknownAnswers == 1 && counts.cloud == 3)
    }

    @Test func noFrameOfAPatientSourceIsTakenUpWhileAllPlacesAreTaken() async throws {
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(cloud: cloud, policy: PlanFixtures.policy(inFlight: 2))
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        for frame in 0..<40 as Range<UInt64> { bench.source.push(frame, PlanFixtures.unclear) }
        for frame in 0..<40 as Range<UInt64> {
            let question = try #require(await asked.next())
            #expect(question.frame == frame && bench.agent.statistics.decisions.taken <= frame + 2)
            cloud.send(.answered(frame: frame, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel))
            #expect(try #require(await records.next()).decision.source == .cloud)
        }
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.decisions.crowded == 0)
    }

    @Test(arguments: [false, true]) func whatFindsNoBufferIsAnsweredByTheBoard(packsFirst: Bool) async throws {
        let cloud = ManualCloud()
        cloud.gate.close()
        let bench = try AgentBench.planned(cloud: cloud, times: PlanFixtures.times(packsFirst: packsFirst), policy: PlanFixtures.policy(inFlight: 64))
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        // The request thread hangs over the first question, which the board can't answer; those behind it are withdrawn, and keep their buffers until it comes to them.
        bench.source.push(1000, PlanFixtures.unclear)
        #expect(await asked.next()?.frame == 1000)
        for frame in 0..<200 as Range<UInt64> { bench.source.push(frame, PlanFixtures.middling) }
        for _ in 0..<200 {
            let decision = try #require(await records.next()).decision
            #expect(decision.source == .local && decision.exit == 1 && decision.frame < 200)
        }
        #expect(try #require(bench.agent.statistics.plans).unbuffered >= 200 - 66)
        cloud.send(.answered(frame: 1000, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel))
        #expect(try #require(await records.next()).decision.source == .cloud)
        cloud.gate.open()
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.decisions.decided == 201)
    }

    @Test func aSilentLinkIsProbedWithAFrameThatTheBoardAnswers() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        // The exit answers everything: nothing is ever sent.
        let bench = try AgentBench.planned(cloud: cloud, policy: PlanFixtures.policy(probes: 60))
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        var frame: UInt64 = 0
        for round in 0..<6 {
            // As many as tell latency from bandwidth are due as soon as workers answer.
            if round >= ProbeSchedule.series { bench.clock.advance(bench.agent, by: .seconds(61)) }
            // Two may be counted in a round, and none in the next.
            while bench.agent.statistics.plans?.probes ?? 0 <= round {
                frame += 1
                let decision = try await Self.decision(bench, frame, PlanFixtures.clear, &records)
                #expect(decision.source == .local && decision.exit == 0)
            }
            let question = try #require(await asked.next())
            #expect(question.purpose == .probe && question.image == PlanFixtures.clear && question.due == .milliseconds(98))
        }
        #expect(await bench.finish(&records).isEmpty)
        let statistics = bench.agent.statistics
        #expect(statistics.decisions.asked == 0 && statistics.decisions.unknownAnswers == 0 && statistics.plans?.probes == 6 && statistics.plans?.sent == 0)
        #expect(statistics.plans?.bytes == 0 && statistics.plans?.probeBytes == 6 * UInt64(ManualCloud.bytes))
    }

    @Test func aCertifiedGateIsAskedAtTheEndAsWell() async throws {
        var bundle = PlanFixtures.bundle()
        // Margins of at least 0.99: more than the frame has.
        let rung = Certificate(
            risk: .harm, bound: 0.01, confidence: 0.95, measure: .margin, threshold: 0.99, samples: 1000, accepted: 900, loss: 0, disagreements: 5, isLabelled: true)
        bundle.details.certifiedGate = CertifiedGate(rungs: [rung], fullModel: PlanFixtures.fullModel)
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(bundle, cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        cloud.send(.status(CloudStatus(.autonomous, reason: "the test")))
        #expect(try await Self.decision(bench, 1, PlanFixtures.middling, &records).source == .localUnconfirmed)
        #expect(try await Self.decision(bench, 2, PlanFixtures.clear, &records).exit == 0)
        #expect(await bench.finish(&records).isEmpty)
    }

    /// Else more would be sent than is foretold.
    @Test(arguments: [(Measure.topOne, 0.99, "exit 1 ≥ 0.99", false), (.topOne, 0.5, "exit 1 ≥ 0.8", false), (.margin, 0.99, "exit 1 ≥ 0.8", true)])
    func plansAreMadeOfWhatTheCertifiedGateAccepts(measure: Measure, threshold: Double, text: String, warns: Bool) async throws {
        var bundle = PlanFixtures.bundle()
        let rung = Certificate(
            risk: .harm, bound: 0.01, confidence: 0.95, measure: measure, threshold: threshold, samples: 1000, accepted: 900, loss: 0, disagreements: 5, isLabelled: true)
        bundle.details.certifiedGate = CertifiedGate(rungs: [rung], fullModel: PlanFixtures.fullModel)
        let lines = Journal<String>()
        let cloud = ManualCloud()
        let bench = try AgentBench(
            bundle, cloud: cloud, logger: Logger(label: "test") { _ in JournalLogHandler(journal: lines) }, assuming: Agent.Assumptions(times: PlanFixtures.times())
        ) { $0.plan = PlanFixtures.policy() }
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        let plan = try #require(await cloud.plan(with: "send cut 1", &planned))
        #expect(plan.contains("on to \(text)\""), "\(plan)")
        #expect(await bench.finish(&records).isEmpty)
        #expect(lines.entries.contains { $0.contains("asks for what the bundle's table of plans doesn't hold") } == warns)
    }

    /// Top 1 at least 0.8 is asked where the plan doesn't say how sure the end must be.
    @Test func withoutAGateOfItsOwnTheEndIsAskedAsThePlanSays() async throws {
        let cloud = ManualCloud()
        var policy = PlanFixtures.policy()
        // More than the first exit says of the frame, less than the end does.
        policy.policy.levels = [.threshold(0.42)]
        let bench = try AgentBench.planned(cloud: cloud, policy: policy)
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        _ = try #require(await cloud.plan(with: "send cut 1", &planned))
        let insured = try await Self.decision(bench, 1, PlanFixtures.unclear, &records)
        #expect(insured.source == .local && insured.exit == 1)
        cloud.send(.status(CloudStatus(.autonomous, reason: "the test")))
        _ = try #require(await cloud.plan(with: "nobody answers", &planned))
        #expect(try await Self.decision(bench, 2, PlanFixtures.unclear, &records).source == .localUnconfirmed)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func withoutAPolicyTheEndAnswersAsIfThereWereNoExits() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench(PlanFixtures.bundle(), cloud: cloud)
        var records = bench.records.makeAsyncIterator()
        var asked = cloud.asked.makeAsyncIterator()
        try bench.agent.start()
        let clear = try await Self.decision(bench, 1, PlanFixtures.middling, &records)
        #expect(clear.source == .local && clear.exit == nil && clear.plan == nil)
        #expect(try await Self.decision(bench, 2, PlanFixtures.unclear, &records).source == .cloud)
        #expect(try #require(await asked.next()).image == PlanFixtures.unclear)
        #expect(await bench.finish(&records).isEmpty)
        #expect(bench.agent.statistics.plans == nil)
    }

    @Test func aPolicyForABundleWithoutPlansChangesNothing() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench(cloud: cloud) { $0.plan = PlanFixtures.policy() }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        #expect(try await Self.decision(bench, 1, AgentFixtures.unclear, &records).source == .cloud)
        #expect(await bench.finish(&records).isEmpty)
    }

    @Test func whatDoesNotGoTogetherIsAnErrorBeforeTheStart() {
        func fails(_ bundle: Bundle = PlanFixtures.bundle(), _ policy: PlanSettings = PlanFixtures.policy(), _ change: (inout AgentSettings) -> Void = { _ in }) -> AgentError.Code? {
            do {
                _ = try AgentBench.planned(bundle, cloud: ManualCloud(), policy: policy, settings: change)
                return nil
            } catch {
                return (error as? AgentError)?.code
            }
        }
        #expect(fails() == nil)
        #expect(fails { $0.stream = StreamGate.Settings() } == .configuration)
        #expect(fails { $0.secondLook = 0.9 } == .configuration)
        #expect(fails(PlanFixtures.bundle(), PlanFixtures.policy(.cloudOnly)) == .configuration)
        var damaged = PlanFixtures.bundle()
        damaged.details.plans?.table[40] ^= 0xFF
        damaged.details.plans?.table.removeLast()
        #expect(fails(damaged) == .data)
        var falling = PlanFixtures.bundle()
        falling.details.plans?.measure = .entropy
        #expect(fails(falling) == .data)
    }

    /// What the board measures of itself is enough to choose by.
    @Test func anAgentMeasuresItsBoardWhenItIsMade() async throws {
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let bench = try AgentBench(PlanFixtures.bundle(), cloud: cloud, clock: .system) { $0.plan = PlanFixtures.policy() }
        var records = bench.records.makeAsyncIterator()
        var planned = cloud.planned.makeAsyncIterator()
        try bench.agent.start()
        #expect(await cloud.plan(with: "send cut 1", &planned) != nil)
        for frame in 0..<200 as Range<UInt64> {
            let image = [PlanFixtures.clear, PlanFixtures.middling, PlanFixtures.unclear][Int(frame % 3)]
            let decision = try await Self.decision(bench, frame, image, &records)
            #expect(decision.frame == frame)
        }
        _ = await bench.finish(&records)
        let statistics = bench.agent.statistics
        #expect(statistics.decisions.decided == 200 && statistics.plans?.conditions.map { $0.board.slowdown > 0 } == true && statistics.plans?.ages.board != nil)
        let json = statistics.json()
        #expect(json.contains("\"plans\":{\"plan\":\"") && json.contains("\"local_by_exit\":["))
    }

    /// A cloud that answers late, twice, out of order, with nothing, or not at all, and a link that comes and goes, while the plan changes.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func whateverHappensEachFrameIsDecidedOnce(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let cloud = ManualCloud()
        let bench = try AgentBench.planned(cloud: cloud, clock: .system) {
            $0.deadline = .milliseconds(60)
            $0.recovery.expiry = .milliseconds(200)
        }
        var records = bench.records.makeAsyncIterator()
        try bench.agent.start()
        let frames: UInt64 = 300
        for frame in 0..<frames {
            bench.source.push(frame, [PlanFixtures.clear, PlanFixtures.middling, PlanFixtures.unclear].randomElement(using: &random) ?? PlanFixtures.clear)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let other = UInt64.random(in: 0...frame, using: &random)
                let time = Duration.microseconds(Int64.random(in: 0...300_000, using: &random))
                switch Int.random(in: 0..<8, using: &random) {
                case 0: cloud.send(.status(CloudStatus(.autonomous, reason: "the test")))
                case 1: cloud.send(.unanswered(frame: other, reason: ["expired", "disconnected", "cancelled", "worker: failed"].randomElement(using: &random) ?? ""))
                case 2...3: cloud.send(.status(CloudStatus(.connected, reason: "the test")))
                case 4: cloud.send(.status(CloudStatus(.degraded, reason: "the test")))
                default:
                    let seen = CloudTransfer(bytes: .random(in: 1...100_000, using: &random), onTheWay: time, queue: time, inference: time)
                    cloud.send(.answered(frame: other, PlanFixtures.cloudAnswer, model: PlanFixtures.fullModel, Bool.random(using: &random) ? seen : nil))
                }
            }
        }
        bench.source.push(.ended)
        let agent = bench.agent
        await Task.detached { agent.waitUntilFinished() }.value
        let decisions = await bench.finish(&records).map(\.decision)
        let decided = decisions.filter { !$0.isRevision }.map(\.frame)
        #expect(decided.count == Int(frames) && Set(decided).count == decided.count, "seed \(seed)")
        let revised = decisions.filter(\.isRevision).map(\.frame)
        #expect(Set(revised).count == revised.count, "seed \(seed)")
        let statistics = agent.statistics
        #expect(statistics.decisions.decided == frames && statistics.plans?.flown.reduce(0) { $0 + $1.frames } == frames)
    }

    struct Unexpected: Error {}
}
