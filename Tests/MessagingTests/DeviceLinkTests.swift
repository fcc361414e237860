// SPDX-License-Identifier: Apache-2.0
import Answers
import BrokerTestSupport
import Dispatch
import Messaging
import Rehearsal
import Synchronization
import TestSupport
import Testing
import Wire

private let task = DigestText(String(repeating: "0", count: 64))!
private let model = ModelName("m")!
private let device = ClientID("board-1")!

private func request(id: RequestID, deadline: Duration = .seconds(5), frame: UInt64 = 1) -> DeviceLink.Question {
    DeviceLink.Question(
        id: id, frame: frame, task: task, deadline: deadline, gate: .init(reason: "threshold", score: 0.25),
        payload: .image(.jpeg, width: 4, height: 4, [0xFF, 0xD8, 1, 2, 3]))
}

/// A device's link whose events are noted.
private final class Device: Sendable {
    let journal = Journal<LinkEvent>()
    let link: DeviceLink
    private let next = Mutex<UInt64>(0)

    init(_ options: BrokerOptions, asking: AskingState.Settings = .init()) throws {
        var settings = DeviceLink.Settings(device: device, model: model, broker: options, agent: "test")
        settings.asking = asking
        link = try DeviceLink(settings, boot: RequestID(high: 1, low: 1))
        try link.start { [journal] in journal.record($0) }
    }

    func mode(_ kind: LinkMode.Kind, from start: Int = 0) async throws {
        try await journal.wait(from: start) { if case .mode(let mode) = $0 { mode.kind == kind } else { false } }
    }

    /// Asks once; the refusal, or how the question ended.
    func ask(deadline: Duration = .seconds(5)) async throws -> String {
        let frame = next.withLock { next in
            next += 1
            return next
        }
        let id = RequestID(high: 7, low: frame)
        if let refusal = link.ask(request(id: id, deadline: deadline, frame: frame)) { return "refused: " + refusal.rawValue }
        return try await journal.first { event in
            switch event {
            case .answered(id, frame, let reply, _): "answered: \(reply.answer.map { "\($0)" } ?? "nothing")"
            case .unanswered(id, frame, let failure, _): "unanswered: " + failure.rawValue
            default: nil
            }
        }
    }
}

/// A worker that answers everything with the class `frame % 10`, as `behaviour` says.
private final class Worker: Sendable {
    enum Behaviour: Sendable {
        case answers, isSilent, keeps
    }

    let journal = Journal<WorkerLink.Event>()
    let link: WorkerLink
    let behaviour = Mutex(Behaviour.answers)

    init(_ name: String, _ options: BrokerOptions) throws {
        link = try WorkerLink(
            .init(
                worker: ClientID(name)!, pool: ClientID("workers")!, model: model, task: task, digest: nil, capacity: 4, broker: options,
                agent: "test"), boot: RequestID(high: 2, low: 2))
        try link.start { [self] event in
            journal.record(event)
            if case .request(let request) = event, behaviour.withLock({ $0 == .answers }) { answer(request) }
        }
    }

    func answer(_ request: IncomingRequest) {
        let answer = Answer.classification(Classification(classIndex: Int(request.request.frame % 10), confidence: 0.5))
        link.reply(to: request, Reply(id: request.request.id, status: .ok, model: model, answer: answer))
    }

    func connected(from start: Int = 0) async throws {
        try await journal.wait(from: start) { if case .connected = $0 { true } else { false } }
    }

    func request() async throws -> IncomingRequest {
        try await journal.first { if case .request(let request) = $0 { request } else { nil } }
    }
}

private let answered = "answered: classification"

/// A device and a worker that have found each other on a broker of their own.
private func connected(_ body: (PrivateBroker, Device, Worker) async throws -> Void) async throws {
    let broker = try PrivateBroker()
    defer { broker.stop() }
    let device = try Device(options(port: broker.port))
    defer { device.link.stop() }
    let worker = try Worker("worker-1", options(port: broker.port))
    defer { worker.link.stop() }
    try await device.mode(.connected)
    try await body(broker, device, worker)
}

/// Five damaged and two unknown messages for the device, five damaged ones for the worker (two of which both hear).
private func publishGarbage(port: Int) throws {
    let replies = "swiftlet/v1/d/board-1/dn/infer"
    let requests = "swiftlet/v1/d/board-1/up/infer/m"
    let garbage: [(topic: String, payload: [String])] = [
        (replies, ["-m", "{"]), (replies, ["-n"]), (replies, ["-m", String(repeating: "[", count: 40_000)]),
        (replies, ["-m", #"{"v":1,"id":"00000000000000000000000000000000","status":"busy","model":"m"}"#]),
        ("swiftlet/v1/d/board-1/dn/what", ["-m", "?"]), ("swiftlet/v1/c/pool/m/state", ["-m", "offline"]),
        ("swiftlet/v1/c/worker/worker-1/status", ["-m", "💥"]), (requests, ["-m", "not a request"]), (requests, ["-n"]),
        ("swiftlet/v1/d/ILLEGAL/up/infer/m", ["-m", "not a device"]),
    ]
    for (topic, payload) in garbage {
        let ending = try run("mosquitto_pub", ["-h", "127.0.0.1", "-p", "\(port)", "-q", "1", "-t", topic] + payload)
        #expect(ending == .exited(0), "\(topic)")
    }
}

@Suite(.serialized, .timeLimit(.minutes(1)), .enabled(if: PrivateBroker.executable != nil, "mosquitto is not installed"))
struct DeviceLinkTests {
    @Test func aQuestionIsAnsweredByAWorker() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let device = try Device(options(port: broker.port))
        let worker = try Worker("worker-1", options(port: broker.port))
        defer {
            device.link.stop()
            worker.link.stop()
        }
        try await device.mode(.connected)
        #expect(try await device.ask().hasPrefix(answered))
        let request = try await worker.request()
        #expect(request.device == ClientID("board-1") && request.request.payload == .image(.jpeg, width: 4, height: 4, [0xFF, 0xD8, 1, 2, 3]))
        #expect(request.request.gate == .init(reason: "threshold", score: 0.25))
        #expect(worker.link.counters.replies == 1)
    }

    @Test func activationsArriveAsTheyWereSentAndACancellationReachesTheWorkers() async throws {
        let broker = try PrivateBroker()
        let device = try Device(options(port: broker.port))
        let workers = try ["worker-1", "worker-2"].map { try Worker($0, options(port: broker.port)) }
        defer {
            device.link.stop()
            for worker in workers { worker.link.stop() }
            broker.stop()
        }
        for worker in workers {
            worker.behaviour.withLock { $0 = .keeps }
            try await worker.connected()
        }
        try await device.mode(.connected)
        let id = RequestID(high: 3, low: 3)
        let activations = Request.Activations(cut: 12, digest: task, exit: 1, tensors: [[1, 2], [3]])
        #expect(device.link.ask(.init(id: id, frame: 9, task: task, deadline: .seconds(20), gate: nil, payload: .activations(activations))) == nil)
        device.link.cancel(frame: 8)
        device.link.cancel(frame: 9)
        try await device.journal.wait { if case .unanswered(id, 9, .cancelled, _) = $0 { true } else { false } }
        for worker in workers {
            try await worker.journal.wait { event in
                if case .cancelled(ClientID("board-1"), Cancellation(id: id, frame: 9)) = event { true } else { false }
            }
            #expect(worker.link.counters.cancellations == 1)
        }
        #expect(workers.map(\.link.counters.requests).sorted() == [0, 1])
        let index = try #require(workers.firstIndex { $0.link.counters.requests == 1 })
        let incoming = try await workers[index].request()
        #expect(incoming.request.payload == .activations(activations))
        // A worker that doesn't care answers all the same.
        workers[index].answer(incoming)
        try await device.journal.wait { if case .late(9, _, let transfer) = $0 { transfer.bytes == 3 } else { false } }
    }

    @Test func aCancellationWithoutABrokerIsDroppedAndNotKept() async throws {
        let broker = try PrivateBroker()
        let device = try Device(options(port: broker.port))
        let worker = try Worker("worker-1", options(port: broker.port))
        defer {
            device.link.stop()
            worker.link.stop()
            broker.stop()
        }
        worker.behaviour.withLock { $0 = .keeps }
        try await device.mode(.connected)
        #expect(device.link.ask(request(id: RequestID(high: 4, low: 4), deadline: .seconds(20))) == nil)
        let count = device.journal.entries.count
        broker.crash()
        try await device.mode(.autonomous, from: count)
        device.link.cancel(frame: 1)
        try broker.start()
        try await device.mode(.connected, from: count)
        worker.behaviour.withLock { $0 = .answers }
        #expect(try await device.ask().hasPrefix(answered))
        #expect(worker.link.counters.cancellations == 0)
        #expect(device.link.counters.failed == [.disconnected: 1])
    }

    @Test func withoutAWorkerTheBrokerSaysThatNobodyListens() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let device = try Device(options(port: broker.port))
        defer { device.link.stop() }
        try await device.mode(.degraded)
        #expect(try await device.ask() == "unanswered: nobody listens")
        #expect(device.link.mode.kind == .degraded)
    }

    @Test func aLostWorkerIsNoticedByItsWillAndAReturningOneIsUsed() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        let device = try Device(options(port: broker.port))
        let worker = try Worker("worker-1", options(port: relay.port))
        defer {
            device.link.stop()
            worker.link.stop()
            relay.stop()
            broker.stop()
        }
        try await device.mode(.connected)
        let count = device.journal.entries.count
        relay.set(.refusing)
        try await device.mode(.degraded, from: count)
        #expect(try await device.ask() == "refused: pool offline")
        let later = device.journal.entries.count
        relay.set(.open)
        try await device.mode(.connected, from: later)
        #expect(try await device.ask().hasPrefix(answered))
    }

    @Test(.timeLimit(.minutes(1))) func whenOneOfTwoWorkersSaysGoodbyeTheOtherSpeaksForThePool() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let device = try Device(options(port: broker.port))
        defer { device.link.stop() }
        let first = try Worker("worker-1", options(port: broker.port))
        try await first.connected()
        let second = try Worker("worker-2", options(port: broker.port))
        defer { second.link.stop() }
        try await second.connected()
        try await device.mode(.connected)
        // Whoever spoke last: after both goodbyes of `first` and whatever follows, the pool is there.
        first.link.stop()
        let spy = try Spy("spy", options(port: broker.port), subscriptions: [Topic.poolState(model).description])
        defer { spy.connection.stop() }
        _ = try await spy.message { message in
            guard let state = try? PoolState(decoding: message.payload) else { return false }
            return state.online && state.worker == ClientID("worker-2")
        }
        var result = try await device.ask()
        // The broker may still hand a question to `first`, whose connection is about to end: that one expires.
        while result == "refused: pool offline" || result == "unanswered: expired" {
            if result == "refused: pool offline" { try await device.mode(.connected, from: device.journal.entries.count - 1) }
            result = try await device.ask()
        }
        #expect(result.hasPrefix(answered))
    }

    @Test func bothSidesComeBackByThemselvesAfterTheBrokerWasKilled() async throws {
        try await connected { broker, device, worker in
            for _ in 0..<2 {
                #expect(try await device.ask().hasPrefix(answered))
                let count = device.journal.entries.count
                broker.crash()
                try await device.mode(.autonomous, from: count)
                #expect(try await device.ask() == "refused: disconnected")
                try broker.start()
                try await device.mode(.connected, from: count)
            }
            #expect(try await device.ask().hasPrefix(answered))
        }
    }

    @Test func aBlackHoledLinkCostsDeadlinesAndNothingElse() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        var asking = AskingState.Settings()
        asking.breaker.interval = .milliseconds(50)
        let device = try Device(options(port: relay.port), asking: asking)
        let worker = try Worker("worker-1", options(port: broker.port))
        defer {
            device.link.stop()
            worker.link.stop()
            relay.stop()
            broker.stop()
        }
        try await device.mode(.connected)
        relay.set(.blackHoled)
        let count = device.journal.entries.count
        #expect(try await device.ask(deadline: .milliseconds(50)) == "unanswered: expired")
        #expect(try await device.ask(deadline: .milliseconds(50)) == "unanswered: expired")
        try await device.mode(.degraded, from: count)
        let clock = ContinuousClock()
        let time = clock.measure {
            for number in 0..<1000 as Range<UInt64> { _ = device.link.ask(request(id: RequestID(high: 9, low: number))) }
        }
        #expect(time < .seconds(2), "a thousand questions took \(time)")
        relay.set(.open)
        // Held answers arrive now: late, and told so.
        try await device.journal.wait { if case .late = $0 { true } else { false } }
        while try await !device.ask().hasPrefix(answered) { await Task.yield() }
        #expect(device.link.mode.kind == .connected)
    }

    @Test func anAnswerAfterItsDeadlineIsLateAndASecondOneADuplicate() async throws {
        try await connected { _, device, worker in
            worker.behaviour.withLock { $0 = .keeps }
            #expect(try await device.ask(deadline: .milliseconds(100)) == "unanswered: expired")
            let request = try await worker.request()
            worker.answer(request)
            try await device.journal.wait { if case .late(1, _, _) = $0 { true } else { false } }
            worker.answer(request)
            worker.behaviour.withLock { $0 = .answers }
            #expect(try await device.ask().hasPrefix(answered))
            #expect(device.link.counters.late == 1 && device.link.counters.duplicate == 1)
        }
    }

    @Test func aReplyByAnotherModelIsNone() async throws {
        try await connected { _, device, worker in
            worker.behaviour.withLock { $0 = .keeps }
            async let said = device.ask()
            let request = try await worker.request()
            let other = Answer.classification(Classification(classIndex: 9, confidence: 0.9))
            worker.link.reply(to: request, Reply(id: request.request.id, status: .ok, model: ModelName("another")!, answer: other))
            worker.answer(request)
            #expect(try await said.hasPrefix(answered))
            #expect(device.link.counters.misdirected == 1 && device.link.counters.duplicate == 0, "\(device.link.counters)")
        }
    }

    @Test func garbageIsCountedAndSurvived() async throws {
        try await connected { broker, device, worker in
            try publishGarbage(port: broker.port)
            #expect(try await device.ask().hasPrefix(answered))
            #expect(device.link.counters.damaged == 5, "\(device.link.counters)")
            #expect(device.link.counters.unknown == 1 && device.link.counters.misdirected == 1)
            #expect(worker.link.counters.damaged == 5, "\(worker.link.counters)")
        }
    }

    /// The response topic is a hint for tools; a worker answers only to the inbox of the device whose topic the request came on.
    @Test func aReplyGoesToTheDeviceThatAskedWhateverTheRequestSays() async throws {
        let broker = try PrivateBroker()
        let worker = try Worker("worker-1", options(port: broker.port))
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["swiftlet/v1/d/+/dn/infer"])
        defer {
            spy.connection.stop()
            worker.link.stop()
            broker.stop()
        }
        try await worker.connected()
        try await spy.connected()
        let request = Request(
            id: RequestID(high: 5, low: 5), model: model, task: task, frame: 3, deadline: .seconds(5),
            payload: .image(.png, width: 1, height: 1, [1]))
        var message = OutboundMessage(topic: "swiftlet/v1/d/mallory/up/infer/m", payload: try request.encoded(), quality: .atLeastOnce)
        message.responseTopic = "swiftlet/v1/d/victim/dn/infer"
        try spy.connection.publish(message)
        let reply = try await spy.message()
        #expect(reply.topic == "swiftlet/v1/d/mallory/dn/infer")
        #expect(reply.correlation == request.id.bytes)

        // What can't be read is answered by its correlation data.
        message.payload = [0, 0, 0, 2, 0x7B, 0x7D]
        message.correlation = RequestID(high: 6, low: 6).bytes
        try spy.connection.publish(message)
        let refusal = try await spy.message { $0.correlation == RequestID(high: 6, low: 6).bytes }
        #expect(try Reply(decoding: refusal.payload).status == .badRequest)
    }

    @Test func eventsAreToldInTheirOrderByOneThreadAtATime() async throws {
        let broker = try PrivateBroker()
        let link = try DeviceLink(.init(device: device, model: model, broker: options(port: broker.port), agent: "test"), boot: RequestID(high: 1, low: 1))
        let worker = try Worker("worker-1", options(port: broker.port))
        let (journal, begun) = (Journal<LinkEvent>(), Journal<Bool>())
        let hold = DispatchSemaphore(value: 0)
        defer {
            hold.signal()
            link.stop()
            worker.link.stop()
            broker.stop()
        }
        worker.behaviour.withLock { $0 = .keeps }
        try link.start { event in
            if case .mode(let mode) = event, mode.kind == .connected, begun.entries.isEmpty {
                begun.record(true)
                hold.wait()
            }
            journal.record(event)
        }
        _ = try await begun.first { $0 }
        #expect(link.ask(request(id: RequestID(high: 7, low: 1))) == nil)
        link.cancel(frame: 1)
        // Another thread is still telling that it is connected.
        #expect(!journal.entries.contains { if case .unanswered = $0 { true } else { false } })
        hold.signal()
        try await journal.wait { if case .unanswered = $0 { true } else { false } }
        let order = journal.entries.compactMap { event -> String? in
            switch event {
            case .mode(let mode): mode.kind.rawValue
            case .unanswered(_, 1, let failure, _): failure.rawValue
            default: nil
            }
        }
        #expect(order.suffix(2) == ["connected", "cancelled"], "\(order)")
    }

    @Test func aForeignClientSeesTheDocumentedTopics() async throws {
        let broker = try PrivateBroker { _ in ["log_type subscribe", "log_dest topic"] }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["$SYS/broker/log/#"])
        let device = try Device(options(port: broker.port))
        let worker = try Worker("worker-1", options(port: broker.port))
        defer {
            spy.connection.stop()
            device.link.stop()
            worker.link.stop()
            broker.stop()
        }
        try await spy.connected()
        try await device.mode(.connected)
        #expect(device.link.interface == NetworkInterface(name: "lo"))
        device.link.report(Array(#"{"v":1}"#.utf8))
        let path = broker.directory + "/heard"
        let program = try #require(ChildProcess.find("mosquitto_sub"), "mosquitto-clients is not installed")
        let foreign = try ChildProcess(
            program, ["-i", "foreign", "-h", "127.0.0.1", "-p", "\(broker.port)", "-q", "1", "-t", "swiftlet/v1/#", "-F", "%t %r %p", "-C", "8", "-W", "20"],
            output: .file(path))
        // The broker tells of the subscription on its log topic.
        _ = try await spy.message { String(decoding: $0.payload, as: UTF8.self).contains("foreign") }
        #expect(try await device.ask().hasPrefix(answered))
        #expect(device.link.publish(event: .decision, Array(#"{"frame":1}"#.utf8)))
        #expect(device.link.publish(telemetry: Array(#"{"frames":1}"#.utf8)))
        #expect(foreign.wait(for: .seconds(20)) == .exited(0))
        let heard = try readText(path).split(separator: "\n").map(String.init)
        let expected = [
            "swiftlet/v1/d/board-1/up/status 1 {\"agent\":\"test\"", "swiftlet/v1/d/board-1/up/reported 1 {\"v\":1}",
            "swiftlet/v1/c/pool/m/state 1 {\"capacity\":4", "swiftlet/v1/c/worker/worker-1/status 1 {\"agent\":\"test\"",
            "swiftlet/v1/d/board-1/up/infer/m 0 ", "swiftlet/v1/d/board-1/dn/infer 0 {\"answer\":", "swiftlet/v1/d/board-1/up/evt/decision 0 {\"frame\":1}",
            "swiftlet/v1/d/board-1/up/tele 0 {\"frames\":1}",
        ]
        for line in expected { #expect(heard.contains { $0.hasPrefix(line) }, "no '\(line)' in \(heard)") }
    }
}
