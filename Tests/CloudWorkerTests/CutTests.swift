// SPDX-License-Identifier: Apache-2.0
import Answers
import BrokerTestSupport
import CloudWorker
import Inference
import Messaging
import Networks
import Packing
import Rehearsal
import TestSupport
import Testing
import Wire

/// What the cloud goes on from is what a board's network gave at a cut.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: PrivateBroker.executable != nil, "mosquitto is not installed"))
struct CutTests {
    private func bench() async throws -> Bench {
        try await Bench(digest: DividedNetwork.digest, task: DividedNetwork.task) { () throws(ModelFault) in try BundleModel(DividedNetwork.bundle()) }
    }

    @Test func aRequestFromACutSaysWhatTheWholeImageDoes() async throws {
        let bench = try await bench()
        defer { bench.stop() }
        let cuts = DividedNetwork.graph.shippableCuts
        #expect(cuts.map(\.position) == Array(0...8) && cuts[5].crossing.count == 2)
        var classes: Set<Int> = []
        var number: UInt64 = 0
        func ask(_ payload: Request.Payload) async throws -> Reply {
            number += 1
            let request = DividedNetwork.request(number, payload)
            try bench.send(request)
            let reply = try await bench.reply(to: request)
            #expect(reply.status == .ok, "\(reply)")
            return reply
        }
        for seed in 1...4 as ClosedRange<UInt64> {
            let image = try DividedNetwork.image(seed)
            let whole = try await ask(DividedNetwork.request(0, image).payload)
            classes.insert(try #require(whole.top.first?.class))
            for cut in cuts {
                let exact = try await ask(.activations(DividedNetwork.activations(of: image, at: cut.position, bits: 32)))
                #expect(exact.top == whole.top && exact.answer == whole.answer, "seed \(seed), cut \(cut.position)")
                let packed = try await ask(.activations(DividedNetwork.activations(of: image, at: cut.position, bits: 8)))
                #expect(packed.top.first?.class == whole.top.first?.class, "seed \(seed), cut \(cut.position)")
                for candidate in whole.top {
                    let other = try #require(packed.top.first { $0.class == candidate.class })
                    #expect(abs(other.probability - candidate.probability) < 0.02, "seed \(seed), cut \(cut.position)")
                }
            }
            // The exit has a head of its own, which both cuts before it reach.
            let early = try await ask(.activations(DividedNetwork.activations(of: image, at: 0, exit: 0, bits: 32)))
            let later = try await ask(.activations(DividedNetwork.activations(of: image, at: 2, exit: 0, bits: 32)))
            #expect(early.top == later.top && early.top != whole.top, "seed \(seed)")
            // A whole image after a cut is still whole.
            #expect(try await ask(DividedNetwork.request(0, image).payload).top == whole.top, "seed \(seed)")
        }
        #expect(classes.count > 1, "one class for all images: a poor test")
    }

    @Test func whatTheNetworkCannotGoOnFromIsRefusedWithTheReason() async throws {
        let bench = try await bench()
        defer { bench.stop() }
        let image = try DividedNetwork.image(1)
        let good = try DividedNetwork.activations(of: image, at: 2, bits: 4)
        let two = try DividedNetwork.activations(of: image, at: 5, bits: 4)
        func changed(_ change: (inout Request.Activations) -> Void) -> Request.Activations {
            var activations = good
            change(&activations)
            return activations
        }
        let other = DigestText(String(repeating: "7", count: 64))!
        let cases: [(Request.Activations, Reply.Status, String)] = [
            (changed { $0.digest = other }, .noModel, "weights 7777777777777777"),
            (changed { $0.cut = 9 }, .badRequest, "at 0, 1, 2, 3, 4, 5, 6, 7, 8"), (changed { $0.cut = 60_000 }, .badRequest, "at 0, 1, 2"),
            (changed { $0.exit = 1 }, .badRequest, "exit 1"), (changed { $0.exit = 200 }, .badRequest, "exit 200"),
            (.init(cut: 5, digest: two.digest, exit: 0, tensors: two.tensors), .badRequest, "exit 0"),
            (.init(cut: 2, digest: two.digest, tensors: two.tensors), .badRequest, "2 tensors were sent, 1 cross"),
            (.init(cut: 5, digest: two.digest, tensors: good.tensors), .badRequest, "1 tensors were sent, 2 cross"),
            (.init(cut: 5, digest: two.digest, tensors: two.tensors.reversed()), .badRequest, "'p'"),
            (changed { $0.cut = 8 }, .badRequest, "at most 8 elements"), (.init(cut: 2, digest: good.digest, tensors: [[1, 2, 3]]), .badRequest, "'p'"),
            (.init(cut: 2, digest: good.digest, tensors: [Array(good.bytes.dropLast(9))]), .badRequest, "'p'"),
        ]
        for (index, (activations, status, reason)) in cases.enumerated() {
            let request = DividedNetwork.request(UInt64(index), .activations(activations))
            try bench.send(request)
            let reply = try await bench.reply(to: request)
            #expect(reply.status == status && reply.reason?.contains(reason) == true, "case \(index): \(reply)")
        }
        #expect(bench.worker.counters.otherModels == 1 && bench.worker.counters.badRequests == UInt64(cases.count - 1) && bench.worker.counters.faults == 0)
        let request = DividedNetwork.request(100, .activations(good))
        try bench.send(request)
        #expect(try await bench.reply(to: request).status == .ok)
    }

    /// Images, two cuts and an exit in one go, with bad ones among them.
    @Test func whatIsAskedTogetherIsAnsweredAsByItself() throws {
        let alone = try BundleModel(DividedNetwork.bundle())
        let model = try BundleModel(DividedNetwork.bundle(), options: .init(lanes: 8, firstSharedStep: 2))
        #expect(model.lanes == 8)
        var questions: [Question] = [.image([1, 2, 3])]
        for seed in 1...2 as ClosedRange<UInt64> {
            let image = try DividedNetwork.image(seed)
            for (cut, exit) in [(2, 0), (5, nil), (8, nil)] as [(Int, Int?)] {
                let sent = try DividedNetwork.activations(of: image, at: cut, exit: exit, bits: 32)
                questions.append(.activations(sent.tensors, cut: sent.cut, exit: sent.exit))
            }
            guard case .image(_, _, _, let bytes) = try DividedNetwork.request(0, image).payload else { continue }
            questions.append(.image(bytes))
        }
        questions.append(.activations([[1, 2]], cut: 5, exit: nil))
        #expect(questions.count == 10)
        let expected = questions.map { question in alone.answers(to: [question])[0] }
        #expect(expected.filter { (try? $0.get()) != nil }.count == 8)
        for start in stride(from: 0, to: questions.count, by: model.lanes) {
            let group = start..<min(start + model.lanes, questions.count)
            #expect(model.answers(to: Array(questions[group])) == Array(expected[group]))
        }
    }

    @Test func damagedActivationsNeverTrapAndLeaveTheModelAsItWas() throws {
        let model = try BundleModel(DividedNetwork.bundle())
        let image = try DividedNetwork.image(2)
        let seed: UInt64 = 20_261_122
        var generator = SeededGenerator(seed: seed)
        var (refused, taken) = (0, 0)
        for cut in [2, 5, 8] {
            let good = try DividedNetwork.activations(of: image, at: cut, bits: 5).tensors
            let expected = try model.answer(to: .activations(good, cut: cut, exit: nil))
            for round in 0..<300 {
                var tensors = good
                let index = Int.random(in: tensors.indices, using: &generator)
                tensors[index] = generator.damaged(tensors[index])
                do throws(ModelFault) {
                    let found = try model.answer(to: .activations(tensors, cut: cut, exit: nil))
                    #expect(found.count == 5 && found.allSatisfy { (0...1).contains($0) }, "seed \(seed), cut \(cut), round \(round)")
                    taken += 1
                } catch {
                    #expect(error.code == .activations, "seed \(seed), cut \(cut), round \(round): \(error)")
                    refused += 1
                }
            }
            #expect(try model.answer(to: .activations(good, cut: cut, exit: nil)) == expected)
        }
        #expect(refused > 300 && taken > 20, "\(refused) refused, \(taken) taken: a poor test")
        // Finite numbers of which nothing finite comes.
        let shape = try #require(ActivationShape(channels: 8, height: 8, width: 8))
        let huge = PackedActivation.reals(shape, Array(repeating: .greatestFiniteMagnitude, count: 512)).packed()
        let fault = #expect(throws: ModelFault.self) { try model.answer(to: .activations([huge], cut: 2, exit: nil)) }
        #expect(fault?.code == .activations)
    }

    /// While it computes one, or several together.
    @Test(arguments: [false, true])
    func aWorkerThatDiesInTheMiddleCostsTheFramesThatItHeldAndNoMore(together: Bool) async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        let gate = try WakeUp()
        let runs = Journal<[UInt8]>()
        let model = GatedModel(lanes: together ? 4 : 1, gate: gate, runs: runs, alone: together ? .milliseconds(100) : .seconds(30))
        let first = try CloudWorker(named: "worker-1", port: relay.port, digest: DividedNetwork.digest) { () throws(ModelFault) in model }
        let journal = Journal<LinkEvent>()
        var settings = DeviceLink.Settings(device: ClientID("board-1")!, model: Colours.model, broker: options(port: broker.port), agent: "test")
        settings.asking.maximumInFlight = 3
        settings.asking.breaker.interval = .milliseconds(50)
        let link = try DeviceLink(settings, boot: RequestID(high: 0, low: 0))
        try link.start { journal.record($0) }
        defer {
            gate.raise()
            link.stop()
            first.stop()
            relay.stop()
            broker.stop()
        }
        func ask(_ frame: UInt64, deadline: Duration) -> Refusal? {
            link.ask(
                .init(
                    id: RequestID(high: 8, low: frame), frame: frame, task: Colours.task, deadline: deadline, gate: nil,
                    payload: .activations(.init(cut: 3, digest: DividedNetwork.digest, tensors: [[UInt8(frame)]]))))
        }
        func end(of frame: UInt64) async throws -> Failure? {
            try await journal.first { event -> Failure?? in
                switch event {
                case .answered(_, frame, _, _): .some(nil)
                case .unanswered(_, frame, let failure, _): .some(failure)
                default: nil
                }
            }
        }
        try await journal.wait { if case .mode(let mode) = $0 { mode.kind == .connected } else { false } }
        if together {
            // It's to know what one takes.
            #expect(ask(10, deadline: .seconds(5)) == nil)
            #expect(try await end(of: 10) == nil)
        }
        // One is being computed, two wait; or two or three are computed together, once those before them are.
        for frame in 11...13 as ClosedRange<UInt64> { #expect(ask(frame, deadline: .seconds(5)) == nil) }
        let held = try await model.groups.first { !together || $0.count > 1 ? $0 : nil }
        let count = journal.entries.count
        relay.set(.refusing)
        try await journal.wait(from: count) { if case .mode(let mode) = $0 { mode.kind == .degraded } else { false } }
        // On a busy machine the broker may have others before the cut or after it.
        for frame in 11...13 as ClosedRange<UInt64> {
            let failure = try await end(of: frame)
            let isHeld = held.contains([UInt8(frame)])
            #expect(failure == .expired || !isHeld && (failure == .unheard || together && failure == nil), "\(frame): \(String(describing: failure))")
        }
        let later = journal.entries.count
        let open = try WakeUp()
        open.raise()
        let second = try CloudWorker(named: "worker-2", port: broker.port, digest: DividedNetwork.digest) { () throws(ModelFault) in GatedModel(gate: open, runs: runs) }
        defer { second.stop() }
        try await journal.wait(from: later) { if case .mode(let mode) = $0 { mode.reason != "" && mode.kind != .autonomous } else { false } }
        // The breaker lets one ask again after its interval.
        while ask(14, deadline: .seconds(20)) != nil { await Task.yield() }
        #expect(try await end(of: 14) == nil)
        #expect(link.mode.kind == .connected && second.counters.answered == 1)
    }
}
