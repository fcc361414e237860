// SPDX-License-Identifier: Apache-2.0
import BrokerTestSupport
import CloudWorker
import Logging
import Messaging
import Rehearsal
import Synchronization
import TestSupport
import Wire

/// A model that computes only while it is let, and notes what it is given.
final class GatedModel: FullModel, Sendable {
    let lanes: Int
    let gate: WakeUp
    /// What was asked about at once.
    let groups = Journal<[[UInt8]]>()
    let runs: Journal<[UInt8]>

    /// How long the gate holds up one that is computed by itself.
    private let alone: Duration

    init(lanes: Int = 1, gate: WakeUp, runs: Journal<[UInt8]>, alone: Duration = .seconds(30)) {
        self.lanes = lanes
        self.alone = alone
        self.gate = gate
        self.runs = runs
    }

    func answers(to questions: [Question]) -> [Result<[Double], ModelFault>] {
        let asked = questions.map { question in
            switch question {
            case .image(let image): image
            case .activations(let tensors, _, _): Array(tensors.joined())
            }
        }
        groups.record(asked)
        for question in asked { runs.record(question) }
        _ = gate.wait(for: asked.count == 1 ? alone : .seconds(30))
        return asked.map { question in
            switch question {
            case [0]: .failure(ModelFault(.image, "decode", "not an image"))
            case [1]: .success([.nan, 0, 0])
            default: .success([0.25, 0.5, 0.25])
            }
        }
    }
}

extension FullModel {
    func answer(to question: Question) throws(ModelFault) -> [Double] { try answers(to: [question])[0].get() }
}

/// A worker and a client that sends what it likes.
struct Bench {
    let broker: PrivateBroker
    let worker: CloudWorker
    let client: Spy
    let gate: WakeUp
    let runs = Journal<[UInt8]>()
    private let sentinels = Journal<Request>()

    /// - Parameter makeModel: instead of a ``GatedModel``.
    init(
        queue: Int = 4, isOpen: Bool = true, digest: DigestText? = nil, task: DigestText = Colours.task,
        makeModel: (@Sendable () throws(ModelFault) -> any FullModel)? = nil
    ) async throws {
        broker = try PrivateBroker()
        let gate = try WakeUp()
        self.gate = gate
        if isOpen { gate.raise() }
        let runs = runs
        worker = try CloudWorker(named: "worker-1", port: broker.port, queue: queue, digest: digest, task: task) { () throws(ModelFault) in
            if let makeModel { return try makeModel() }
            return GatedModel(gate: gate, runs: runs)
        }
        client = try Spy("client", options(port: broker.port), subscriptions: ["swiftlet/v1/d/board-1/dn/infer", Topic.poolState(Colours.model).description])
        // The worker is there once its pool's state is.
        _ = try await client.message { $0.topic == Topic.poolState(Colours.model).description }
    }

    func send(_ request: Request) throws {
        try client.connection.publish(
            OutboundMessage(topic: Topic.request(ClientID("board-1")!, Colours.model).description, payload: try request.encoded(), quality: .atLeastOnce))
    }

    func cancel(_ request: Request, as device: String = "board-1") throws {
        let cancellation = Cancellation(id: request.id, frame: request.frame)
        try client.connection.publish(
            OutboundMessage(topic: Topic.cancel(ClientID(device)!, Colours.model).description, payload: try cancellation.encoded(), quality: .atMostOnce))
    }

    func reply(to request: Request, from start: Int = 0) async throws -> Reply {
        try await client.journal.first(from: start) { entry in
            guard case .received(let message) = entry, let reply = try? Reply(decoding: message.payload), reply.id == request.id else { return nil }
            return reply
        }
    }

    /// All replies so far.
    var replies: [Reply] {
        client.journal.entries.compactMap { if case .received(let message) = $0 { try? Reply(decoding: message.payload) } else { nil } }
    }

    /// Waits until the worker has heard all that was sent: the refusal of a later message shows it.
    func awaitArrival() async throws {
        let other = Request(
            id: RequestID(high: 99, low: UInt64(sentinels.entries.count)), model: Colours.model, task: DigestText(String(repeating: "0", count: 64))!,
            frame: 0, deadline: .seconds(20), payload: .image(.png, width: 1, height: 1, [1]))
        sentinels.record(other)
        try send(other)
        _ = try await reply(to: other)
    }

    func stop() {
        gate.raise()
        worker.stop()
        client.connection.stop()
        broker.stop()
    }
}

extension CloudWorker {
    /// A worker for the colours' name that has started.
    convenience init(
        named name: String, port: Int, queue: Int = 4, digest: DigestText? = nil, task: DigestText = Colours.task,
        makeModel: @escaping @Sendable () throws(ModelFault) -> any FullModel
    ) throws {
        let link = WorkerLink.Settings(
            worker: ClientID(name)!, pool: ClientID("workers")!, model: Colours.model, task: task, digest: digest, capacity: 1,
            broker: options(port: port), agent: "test")
        try self.init(
            .init(link: link, concurrency: 1, queue: queue), boot: RequestID(high: 0, low: 0), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            makeModel: makeModel)
        try start()
    }
}

func request(_ number: UInt64, image: [UInt8] = [7], deadline: Duration = .seconds(20), task: DigestText = Colours.task) -> Request {
    Request(
        id: RequestID(high: 1, low: number), model: Colours.model, task: task, frame: number, deadline: deadline,
        payload: .image(.png, width: 8, height: 8, image))
}
