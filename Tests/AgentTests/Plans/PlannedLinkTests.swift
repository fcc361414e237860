// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import BrokerTestSupport
import CloudWorker
import Images
import Logging
import Messaging
import Networks
import Packing
import Planning
import Rehearsal
import Settings
import TestSupport
import Testing
import Wire

/// An agent under plans on a real broker, with a worker that the test plays.
@Suite(.timeLimit(.minutes(3)), .enabled(if: PrivateBroker.executable != nil, "needs mosquitto"))
struct PlannedLinkTests {
    static let model = ModelName("full")!
    static let device = ClientID("d")!
    static let task = DigestText(BundleDetails.task(labels: AgentFixtures.labels))!
    static let digest = DigestText(PlanFixtures.fullModel)!

    /// A worker that answers nothing by itself.
    struct Worker {
        let spy: Spy

        init(_ broker: PrivateBroker) async throws {
            spy = try Spy(
                "worker", options(port: broker.port),
                subscriptions: [TopicFilter.requests(pool: ClientID("workers")!, model).description, TopicFilter.cancellations(model).description, Topic.event(device, .plan).description])
            try await spy.connected()
            let state = PoolState(online: true, worker: ClientID("worker")!, task: task, digest: digest, capacity: 8, maximumBytes: 1 << 20)
            try spy.connection.publish(OutboundMessage(topic: Topic.poolState(model).description, payload: try state.encoded(), quality: .atLeastOnce, isRetained: true))
        }

        func request(of frame: UInt64) async throws -> Request {
            try await spy.journal.first { entry in
                guard case .received(let message) = entry, case .request? = Topic(message.topic), let request = try? Request(decoding: message.payload) else { return nil }
                return request.frame == frame ? request : nil
            }
        }

        func plan(with text: String) async throws -> String {
            try await spy.journal.first { entry in
                guard case .received(let message) = entry, Topic(message.topic) == .event(device, .plan) else { return nil }
                let line = String(decoding: message.payload, as: UTF8.self)
                return line.contains(text) ? line : nil
            }
        }

        func answer(_ request: Request, class index: Int) throws {
            let reply = Reply(
                id: request.id, status: .ok, model: model, digest: digest, answer: .classification(Classification(classIndex: index, confidence: 0.9)), queueTime: .microseconds(1),
                // Shorter than any round trip, so that something is left for the link.
                inferenceTime: .microseconds(2))
            try spy.connection.publish(OutboundMessage(topic: Topic.replies(device).description, payload: try reply.encoded(), quality: .atLeastOnce))
        }
    }

    static func bench(_ broker: PrivateBroker, _ bundle: Bundle = PlanFixtures.bundle(), deadline: Duration = .seconds(20)) throws -> (agent: Agent, source: ManualSource, records: AsyncStream<DecisionRecord>) {
        var settings = AgentFixtures.settings {
            $0.plan = PlanFixtures.policy()
            $0.deadline = deadline
            $0.recovery.expiry = .seconds(30)
            $0.recovery.model = model.description
            $0.broker = BrokerSettings(host: "127.0.0.1", port: broker.port)
            $0.output.publishes = true
        }
        settings.device = device.description
        let (records, continuation) = AsyncStream<DecisionRecord>.makeStream()
        let source = ManualSource()
        let link = try DeviceCloudLink(settings, task: task.description, agent: "test")
        let agent = try Agent(
            settings: settings, bundle: bundle, source: source.source, link: link, logger: AgentFixtures.quiet, outputs: .init(onDecision: { continuation.yield($0) }),
            assuming: .init(times: PlanFixtures.times()))
        return (agent, source, records)
    }

    @Test func activationsTravelAndTheAnswerDecides() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let worker = try await Worker(broker)
        let (agent, source, stream) = try Self.bench(broker)
        var records = stream.makeAsyncIterator()
        try agent.start()
        let plan = try await worker.plan(with: "send cut 1")
        #expect(plan.hasPrefix("{\"v\":1,") && plan.contains("workers answer"))
        source.push(1, PlanFixtures.unclear)
        let request = try await worker.request(of: 1)
        guard case .activations(let activations) = request.payload else { throw Unexpected() }
        #expect(activations.cut == 11 && activations.digest == Self.digest && activations.exit == nil && request.gate?.reason == "plan")
        let reals = try PackedActivation(unpacking: activations.tensors[0]).reals
        #expect(reals.count == 192 && abs(reals[64] - 128.0 / 255) < 1e-4)
        try worker.answer(request, class: 2)
        let decision = try #require(await records.next()).decision
        #expect(decision.source == .cloud && decision.sentBytes == activations.bytes.count && decision.plan == 1)
        let plans = try #require(agent.statistics.plans)
        #expect(plans.sent == 1 && plans.serverTime == .microseconds(2) && plans.ages.link != nil && plans.ages.server != nil)
        agent.stop()
    }

    @Test func repliesThatComeAgainAreCounted() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let worker = try await Worker(broker)
        let (agent, source, stream) = try Self.bench(broker)
        var records = stream.makeAsyncIterator()
        try agent.start()
        _ = try await worker.plan(with: "send cut 1")
        source.push(1, PlanFixtures.unclear)
        let request = try await worker.request(of: 1)
        for _ in 0..<4 { try worker.answer(request, class: 2) }
        var foreign = request
        foreign.id = RequestID(high: 1, low: 1)
        for _ in 0..<2 { try worker.answer(foreign, class: 2) }
        #expect(try #require(await records.next()).decision.source == .cloud)
        // Replies come in their order: the last before this frame's are counted when it is decided.
        source.push(2, PlanFixtures.unclear)
        try worker.answer(try await worker.request(of: 2), class: 1)
        #expect(try #require(await records.next()).decision.source == .cloud)
        let counts = agent.statistics.decisions
        #expect(counts.duplicateAnswers == 3 && counts.unknownAnswers == 2 && counts.lateAnswers == 0 && counts.cloud == 2)
        agent.stop()
    }

    @Test func aBrokerThatDiesInMidTransferCostsNoDecision() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let worker = try await Worker(broker)
        let (agent, source, stream) = try Self.bench(broker)
        var records = stream.makeAsyncIterator()
        try agent.start()
        _ = try await worker.plan(with: "send cut 1")
        source.push(1, PlanFixtures.unclear)
        _ = try await worker.request(of: 1)
        broker.crash()
        let first = try #require(await records.next()).decision
        #expect(first.source == .localUnconfirmed && first.exit == 1 && first.answer != nil && first.latency < .seconds(20))
        source.push(2, PlanFixtures.middling)
        let second = try #require(await records.next()).decision
        #expect(second.source == .local && second.exit == 1)
        // It comes back, and so does the plan.
        let heard = worker.spy.journal.entries.count
        try broker.start()
        try await worker.spy.connected(from: heard)
        let state = PoolState(online: true, worker: ClientID("worker")!, task: Self.task, digest: Self.digest, capacity: 8, maximumBytes: 1 << 20)
        try worker.spy.connection.publish(
            OutboundMessage(topic: Topic.poolState(Self.model).description, payload: try state.encoded(), quality: .atLeastOnce, isRetained: true))
        _ = try await worker.spy.message(from: heard) { String(decoding: $0.payload, as: UTF8.self).contains("workers answer") }
        source.push(3, PlanFixtures.unclear)
        try worker.answer(try await worker.request(of: 3), class: 1)
        #expect(try #require(await records.next()).decision.source == .cloud)
        agent.stop()
    }

    @Test func aWorkerThatIsGoneCostsNoDecision() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let worker = try await Worker(broker)
        let (agent, source, stream) = try Self.bench(broker, deadline: .seconds(2))
        var records = stream.makeAsyncIterator()
        try agent.start()
        _ = try await worker.plan(with: "send cut 1")
        source.push(1, PlanFixtures.unclear)
        _ = try await worker.request(of: 1)
        let will = Availability(state: .offline, session: 1, boot: RequestID(high: 0, low: 1), agent: "test")
        try worker.spy.connection.publish(
            OutboundMessage(topic: Topic.workerStatus(ClientID("worker")!).description, payload: try will.encoded(), quality: .atLeastOnce))
        // Either it is seen that nobody answers, or first that the frame is on the way for too long.
        #expect(try await worker.plan(with: "\"plan\":\"exit 0 ≥ 0.8, end").contains("\"before\":"))
        source.push(2, PlanFixtures.unclear)
        var decisions: [Decision] = []
        for _ in 0..<2 { decisions.append(try #require(await records.next()).decision) }
        // What isn't sent is decided at once, what was sent at the deadline, with what the insurance has found; which is sooner is the machine's affair.
        #expect(Set(decisions.map(\.frame)) == [1, 2] && decisions.allSatisfy { $0.source == .localUnconfirmed && $0.exit == 1 })
        agent.stop()
    }

    /// Board and worker divide the network between them, and the answer is the one that the worker would give for the whole image.
    @Test func aRealWorkerGoesOnFromTheCut() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let link = WorkerLink.Settings(
            worker: ClientID("worker")!, pool: ClientID("workers")!, model: Self.model, task: Self.task, digest: Self.digest, capacity: 1,
            broker: options(port: broker.port), agent: "test")
        let worker = try CloudWorker(.init(link: link), boot: RequestID(high: 0, low: 1), log: AgentFixtures.quiet) { () throws(ModelFault) in
            try BundleModel(PlanFixtures.fullBundle())
        }
        try worker.start()
        defer { worker.stop() }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: [Topic.event(Self.device, .plan).description])
        try await spy.connected()
        defer { spy.connection.stop() }
        var bundle = PlanFixtures.bundle()
        bundle.details.plans?.cuts[0].fullPosition = 1
        let (agent, source, stream) = try Self.bench(broker, bundle)
        var records = stream.makeAsyncIterator()
        try agent.start()
        _ = try await spy.message { String(decoding: $0.payload, as: UTF8.self).contains("send cut 1") }
        for frame in 0..<30 as Range<UInt64> {
            let image = [PlanFixtures.clear, PlanFixtures.middling, PlanFixtures.unclear][Int(frame % 3)]
            source.push(frame, image)
            let decision = try #require(await records.next()).decision
            guard case .classification(let classification)? = decision.answer else { throw Unexpected() }
            switch frame % 3 {
            case 0: #expect(decision.source == .local && decision.exit == 0 && classification.classIndex == 0)
            // Whoever is first.
            case 1: #expect(decision.source == .cloud ? classification.classIndex == 2 : decision.exit == 1 && classification.classIndex == 1)
            default: #expect(decision.source == .cloud && classification.classIndex == 2)
            }
        }
        agent.stop()
        let statistics = agent.statistics
        let plans = try #require(statistics.plans)
        #expect(statistics.decisions.decided == 30 && statistics.decisions.cloud >= 10 && plans.foreign == 0 && statistics.refusals.isEmpty)
        #expect(worker.counters.badRequests == 0 && worker.counters.otherModels == 0 && worker.counters.answered >= 10)
    }

    struct Unexpected: Error {}
}
