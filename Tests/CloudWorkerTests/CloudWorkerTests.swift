// SPDX-License-Identifier: Apache-2.0
import Answers
import BrokerTestSupport
import CloudWorker
import FoundationEssentials
import Logging
import Messaging
import Networks
import Rehearsal
import Settings
import Synchronization
import TestSupport
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(1)), .enabled(if: PrivateBroker.executable != nil, "mosquitto is not installed"))
struct CloudWorkerTests {
    @Test func anAnswerCarriesTheBestClassesFirst() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        try bench.send(request(1))
        let reply = try await bench.reply(to: request(1))
        #expect(reply.status == .ok)
        #expect(reply.answer == .classification(Classification(classIndex: 1, confidence: 0.5)))
        #expect(reply.top.map(\.class) == [1, 0, 2] || reply.top.map(\.class) == [1, 2, 0])
    }

    @Test func otherLabelsAreRefusedWithTheReason() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        let other = request(1, task: DigestText(String(repeating: "0", count: 64))!)
        try bench.send(other)
        let reply = try await bench.reply(to: other)
        #expect(reply.status == .noModel && reply.reason?.contains("labels differ") == true)
        #expect(bench.runs.entries.isEmpty)
    }

    @Test func aFullQueueAnswersBusyAndWhenToAskAgain() async throws {
        let bench = try await Bench(queue: 1, isOpen: false)
        defer { bench.stop() }
        try bench.send(request(1))
        try await bench.runs.wait { _ in true }
        try bench.send(request(2))
        try bench.send(request(3))
        let busy = try await bench.reply(to: request(3))
        #expect(busy.status == .busy)
        #expect(try #require(busy.retryAfter) > .zero)
        bench.gate.raise()
        #expect(try await bench.reply(to: request(1)).status == .ok)
        #expect(try await bench.reply(to: request(2)).status == .ok)
        // A request that was refused as busy may be sent again.
        let count = bench.client.journal.entries.count
        try bench.send(request(3))
        #expect(try await bench.reply(to: request(3), from: count).status == .ok)
    }

    @Test func whatIsTooLateIsNotComputed() async throws {
        let bench = try await Bench(isOpen: false)
        defer { bench.stop() }
        try bench.send(request(1))
        try await bench.runs.wait { _ in true }
        try bench.send(request(2, image: [9], deadline: .milliseconds(1)))
        try await bench.awaitArrival()
        let now = MonotonicClock.now()
        while MonotonicClock.now() < now + .milliseconds(2) { await Task.yield() }
        bench.gate.raise()
        #expect(try await bench.reply(to: request(2)).status == .deadline)
        #expect(bench.runs.entries == [[7]])
    }

    @Test func theEarliestDeadlineComesFirst() async throws {
        let bench = try await Bench(isOpen: false)
        defer { bench.stop() }
        try bench.send(request(1))
        try await bench.runs.wait { _ in true }
        for (number, seconds) in [(2, 20), (3, 10), (4, 15), (5, 10)] {
            try bench.send(request(UInt64(number), image: [UInt8(number) + 10], deadline: .seconds(seconds)))
        }
        try await bench.awaitArrival()
        bench.gate.raise()
        for number in 2...5 as ClosedRange<UInt64> { #expect(try await bench.reply(to: request(number)).status == .ok) }
        #expect(bench.runs.entries == [[7], [13], [15], [14], [12]])
    }

    @Test func whatIsCancelledBeforeItWasBegunIsNotComputedAndNotAnswered() async throws {
        let bench = try await Bench(isOpen: false)
        defer { bench.stop() }
        try bench.send(request(1))
        try await bench.runs.wait { _ in true }
        try bench.send(request(2, image: [9]))
        try bench.cancel(request(2))
        // Another device's word counts for its own requests only.
        try bench.send(request(3, image: [10]))
        try bench.cancel(request(3), as: "board-2")
        try await bench.awaitArrival()
        bench.gate.raise()
        #expect(try await bench.reply(to: request(3)).status == .ok)
        #expect(bench.runs.entries == [[7], [10]])
        #expect(bench.worker.counters.cancelled == 1 && bench.worker.counters.answered == 2)
        // Once cancelled it stays so, though the broker may deliver it again.
        try bench.send(request(2, image: [9]))
        try await bench.awaitArrival()
        #expect(!bench.replies.contains { $0.id == request(2).id } && bench.runs.entries.count == 2)
    }

    @Test func whatIsCancelledWhileItIsComputedGetsNoReply() async throws {
        let bench = try await Bench(isOpen: false)
        defer { bench.stop() }
        try bench.send(request(1))
        try await bench.runs.wait { _ in true }
        try bench.cancel(request(1))
        try await bench.awaitArrival()
        bench.gate.raise()
        try bench.send(request(2))
        #expect(try await bench.reply(to: request(2)).status == .ok)
        #expect(!bench.replies.contains { $0.id == request(1).id })
        #expect(bench.worker.counters.inVain == 1 && bench.worker.counters.answered == 1)
    }

    @Test func aCancellationThatOvertakesItsRequestCounts() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        try bench.cancel(request(1))
        try await bench.awaitArrival()
        try bench.send(request(1))
        try bench.send(request(2, image: [9]))
        #expect(try await bench.reply(to: request(2)).status == .ok)
        #expect(bench.runs.entries == [[9]] && bench.worker.counters.cancelled == 1)
        // What is answered already can't be taken back, and is still answered alike.
        try bench.cancel(request(2))
        let count = bench.client.journal.entries.count
        try bench.send(request(2, image: [9]))
        #expect(try await bench.reply(to: request(2), from: count).status == .ok)
    }

    @Test func damagedCancellationsAreCounted() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        for payload in [[], Array("{}".utf8), Array(#"{"v":1,"id":"x","frame":1}"#.utf8)] {
            try bench.client.connection.publish(
                OutboundMessage(topic: Topic.cancel(ClientID("board-1")!, Colours.model).description, payload: payload, quality: .atMostOnce))
        }
        try bench.send(request(1))
        #expect(try await bench.reply(to: request(1)).status == .ok)
        #expect(bench.worker.linkCounters.damaged == 3 && bench.worker.linkCounters.cancellations == 0)
    }

    @Test func aRepeatedRequestIsComputedOnceAndAnsweredAlike() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        try bench.send(request(1))
        let first = try await bench.reply(to: request(1))
        let count = bench.client.journal.entries.count
        try bench.send(request(1))
        #expect(try await bench.reply(to: request(1), from: count) == first)
        #expect(bench.runs.entries.count == 1)
        #expect(bench.worker.counters.repeated == 1)
    }

    @Test func badImagesAndFaultyOutputsAreAnsweredAndSurvived() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        try bench.send(request(1, image: [0]))
        try bench.send(request(2, image: [1]))
        try bench.send(request(3))
        #expect(try await bench.reply(to: request(1)).status == .badRequest)
        #expect(try await bench.reply(to: request(2)).status == .failed)
        #expect(try await bench.reply(to: request(3)).status == .ok)
        #expect(bench.worker.counters.badRequests == 1 && bench.worker.counters.faults == 1)
    }

    @Test func whatWaitsIsComputedTogetherAndEachIsAnsweredForItself() async throws {
        let made = Mutex<GatedModel?>(nil)
        let (gate, runs) = (try WakeUp(), Journal<[UInt8]>())
        let bench = try await Bench(queue: 8) { () throws(ModelFault) in
            let model = GatedModel(lanes: 4, gate: gate, runs: runs)
            made.withLock { $0 = model }
            return model
        }
        defer { bench.stop() }
        defer { gate.raise() }
        // What one takes must be known.
        gate.raise()
        try bench.send(request(1))
        #expect(try await bench.reply(to: request(1)).status == .ok)
        gate.lower()
        try bench.send(request(2))
        try await runs.wait(from: 1) { _ in true }
        for number in 3...7 as ClosedRange<UInt64> { try bench.send(request(number, image: [UInt8(number == 4 ? 0 : 10 + number)])) }
        try await bench.awaitArrival()
        try bench.cancel(request(5))
        try await bench.awaitArrival()
        gate.raise()
        for number in [2, 3, 4, 6, 7] as [UInt64] {
            let reply = try await bench.reply(to: request(number))
            #expect(reply.status == (number == 4 ? .badRequest : .ok), "\(number)")
        }
        let groups = try #require(made.withLock { $0 }).groups.entries
        // By twos, as long as nothing is known of what that gains: the second pair wasn't whole.
        #expect(groups == [[[7]], [[7]], [[13], [0]], [[16], [17]]])
        #expect(!bench.replies.contains { $0.id == request(5).id })
        #expect(bench.worker.counters.together == 3 && bench.worker.counters.answered == 5 && bench.worker.counters.badRequests == 1)
    }

    @Test func aBundlesNetworkAnswersWithCalibratedProbabilities() throws {
        let model = try BundleModel(Colours.bundle())
        for colour in 0..<3 {
            let probabilities = try model.answer(to: .image(Colours.image(of: colour)))
            #expect(abs(probabilities[colour] - Colours.confidence) < 1e-5, "\(probabilities)")
        }
        let error = #expect(throws: ModelFault.self) { try model.answer(to: .image([1, 2, 3])) }
        #expect(error?.code == .image)
        var blind = Colours.bundle()
        blind.details.preprocessing = nil
        #expect(throws: ModelFault.self) { try BundleModel(blind) }
    }

    @Test func aConfigurationAndItsBundleMakeAWorker() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let path = broker.directory + "/colours.swiftlet"
        try Colours.bundle().write(to: path)
        var settings = CloudSettings(worker: "worker-1", bundle: path)
        settings.model = "colours"
        settings.broker = BrokerSettings(host: "127.0.0.1", port: broker.port, firstBackOff: .milliseconds(100))
        let worker = try CloudWorker(settings, agent: "test", log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try worker.start()
        defer { worker.stop() }
        let answers = try await answersOfADevice(port: broker.port)
        #expect(answers == [0, 1, 2])
    }
}

/// Asks a pool of workers for the colours, as a device does; the classes that came back.
private func answersOfADevice(port: Int) async throws -> [Int] {
    let journal = Journal<LinkEvent>()
    let link = try DeviceLink(
        .init(device: ClientID("board-1")!, model: Colours.model, broker: options(port: port), agent: "test"), boot: RequestID(high: 0, low: 0))
    try link.start { journal.record($0) }
    defer { link.stop() }
    try await journal.wait { if case .mode(let mode) = $0 { mode.kind == .connected } else { false } }
    var answers: [Int] = []
    for colour in 0..<3 {
        let id = RequestID(high: 2, low: UInt64(colour))
        let refusal = link.ask(
            .init(
                id: id, frame: UInt64(colour), task: Colours.task, deadline: .seconds(20), gate: nil,
                payload: .image(.png, width: 8, height: 8, try Colours.image(of: colour))))
        #expect(refusal == nil)
        let reply = try await journal.first { event -> Reply?? in
            switch event {
            case .answered(id, _, let reply, _): .some(reply)
            case .unanswered(id, _, _, _): .some(nil)
            default: nil
            }
        }
        guard case .classification(let classification)? = reply?.answer else { continue }
        #expect(abs(classification.confidence - Colours.confidence) < 1e-5)
        answers.append(classification.classIndex)
    }
    return answers
}

/// A worker in another language, written from Config/protocol.md alone.
@Suite(.serialized, .timeLimit(.minutes(2)),
    .enabled(if: PrivateBroker.executable != nil && Python.isReady, "no mosquitto, or no Python with paho-mqtt 2, onnxruntime, onnx and pillow (SWIFTLET_PYTHON)"))
struct ForeignWorkerTests {
    @Test func aPythonWorkerAnswersAndItsDeathIsNoticed() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let folder = broker.directory
        let here = String(#filePath.prefix(#filePath.count - "CloudWorkerTests.swift".count))
        #expect(try ChildProcess(Python.path, [here + "colours.py", folder + "/colours.onnx"]).wait() == .exited(0))
        try writeFile(folder + "/labels.txt", Colours.labels.joined(separator: "\n") + "\n")
        let worker = try ChildProcess(
            Python.path, [here + "worker.py", "\(broker.port)", "worker-9", "colours", folder + "/colours.onnx", folder + "/labels.txt", "8", "\(Colours.scale)"])
        defer { worker.end() }
        #expect(try await answersOfADevice(port: broker.port) == [0, 1, 2])

        let spy = try Spy("spy", options(port: broker.port), subscriptions: [Topic.workerStatus(ClientID("worker-9")!).description])
        defer { spy.connection.stop() }
        _ = try await spy.message { (try? Availability(decoding: $0.payload))?.state == .online }
        worker.kill(9)
        _ = try await spy.message { (try? Availability(decoding: $0.payload))?.state == .offline }
    }
}

private enum Python {
    static let path = ProcessInfo.processInfo.environment["SWIFTLET_PYTHON"] ?? ChildProcess.find("python3") ?? ""
    static let isReady: Bool = {
        let modules = "import paho.mqtt.client, onnxruntime, onnx, PIL; paho.mqtt.client.CallbackAPIVersion.VERSION2"
        let ending = try? ChildProcess(path, ["-c", modules], errors: .discarded).wait(for: .seconds(60))
        return ending == .exited(0)
    }()
}
