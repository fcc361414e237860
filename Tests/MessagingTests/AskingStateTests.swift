// SPDX-License-Identifier: Apache-2.0
import Answers
import Messaging
import TestSupport
import Testing
import Wire

private let task = DigestText(String(repeating: "0", count: 64))!
private let otherTask = DigestText(String(repeating: "1", count: 64))!
private let model = ModelName("m")!
private let worker = ClientID("worker-1")!
private let fault = LinkFault(.closed, "connection to host", "gone")

private func request(_ number: UInt64, deadline: Duration = .seconds(1), task: DigestText = task) -> Request {
    Request(
        id: RequestID(high: 0, low: number), model: model, task: task, frame: number, deadline: deadline,
        payload: .image(.jpeg, width: 1, height: 1, [1]))
}

private func reply(_ number: UInt64, _ status: Reply.Status = .ok, retryAfter: Duration? = nil) -> Reply {
    Reply(
        id: RequestID(high: 0, low: number), status: status, retryAfter: retryAfter, model: model,
        answer: status == .ok ? .classification(Classification(classIndex: 1, confidence: 0.5)) : nil)
}

private func pool(online: Bool = true, task: DigestText = task) -> PoolState {
    PoolState(online: online, worker: worker, task: task, digest: nil, capacity: 4, maximumBytes: 1 << 20)
}

/// Connected to a broker, with a pool that says it is there.
private func ready() -> AskingState {
    var state = AskingState()
    _ = state.connected(now: .zero)
    _ = state.received(pool(), lifetime: .seconds(90), now: .zero)
    return state
}

private func ends(_ actions: [AskingState.Action]) -> [String] {
    actions.compactMap { action in
        switch action {
        case .tell(.answered(_, let frame, _, _)): "\(frame) answered"
        case .tell(.unanswered(_, let frame, let failure, _)): "\(frame) \(failure.rawValue)"
        case .tell(.late(let frame, _, _)): "\(frame) late"
        case .cancel(let cancellation): "\(cancellation.frame) cancelled at the workers"
        case .tell(.mode), .send: nil
        }
    }
}

private func sent(_ actions: [AskingState.Action]) -> [UInt64] {
    actions.compactMap { if case .send(let request) = $0 { request.frame } else { nil } }
}

struct AskingStateTests {
    @Test func withoutABrokerEveryQuestionIsRefusedAtOnce() {
        var state = AskingState()
        #expect(state.ask(request(1), now: .zero).refusal == .disconnected)
        #expect(state.currentMode.kind == .autonomous)
        #expect(state.counters.refused == [.disconnected: 1])
    }

    @Test func anAnswerInTimeIsTold() {
        var state = ready()
        #expect(state.currentMode.kind == .connected)
        #expect(sent(state.ask(request(1), now: .zero).actions) == [1])
        #expect(ends(state.received(reply(1), now: .milliseconds(40))) == ["1 answered"])
    }

    @Test func atMostTwoAreUnderWayAndTheNewestOfTheOthersWaits() {
        var state = ready()
        #expect(sent(state.ask(request(1), now: .zero).actions) == [1])
        #expect(sent(state.ask(request(2), now: .zero).actions) == [2])
        #expect(state.ask(request(3), now: .zero).actions.isEmpty)
        let fourth = state.ask(request(4), now: .milliseconds(100))
        #expect(fourth.refusal == nil)
        #expect(ends(fourth.actions) == ["3 superseded"])
        let actions = state.received(reply(1), now: .milliseconds(300))
        #expect(ends(actions) == ["1 answered"])
        guard case .send(let late)? = actions.last(where: { if case .send = $0 { true } else { false } }) else {
            Issue.record("nothing sent")
            return
        }
        // What is left of its second since it was asked.
        #expect(late.frame == 4 && late.deadline == .milliseconds(800))
    }

    /// A worker counts from the request's coming: what it waits here and on the way is no time of the worker's.
    @Test func whenAnAnswerIsDueLeavesTheWayOut() throws {
        var state = ready()
        func due(_ actions: [AskingState.Action]) -> Duration? {
            for case .send(let request) in actions { return request.due }
            return nil
        }
        func question(_ number: UInt64, due: Duration) -> Request {
            var question = request(number)
            question.due = due
            return question
        }
        #expect(due(state.ask(request(1), now: .zero).actions) == nil)
        // Nothing is known of the way before the first answer.
        #expect(due(state.ask(question(2, due: .milliseconds(100)), now: .zero).actions) == .milliseconds(100))
        _ = state.ask(question(3, due: .milliseconds(100)), now: .zero)
        var slow = reply(1)
        (slow.queueTime, slow.inferenceTime) = (.milliseconds(5), .milliseconds(5))
        // It waited 40 ms for a place, and the way takes 30.
        #expect(due(state.received(slow, now: .milliseconds(40))) == .milliseconds(30))
        _ = state.received(reply(2), now: .milliseconds(40))
        #expect(due(state.ask(question(4, due: .milliseconds(10)), now: .milliseconds(41)).actions) == .zero)
        // Another connection may go another way.
        _ = state.disconnected(LinkFault(.closed, "connection", "lost"), now: .milliseconds(50))
        _ = state.connected(now: .milliseconds(60))
        _ = state.received(pool(), lifetime: .seconds(90), now: .milliseconds(60))
        #expect(due(state.ask(question(5, due: .milliseconds(10)), now: .milliseconds(70)).actions) == .milliseconds(10))
    }

    /// Else a device whose way has become short would go on saying that it has no time, and might never have the answer that tells it otherwise.
    @Test func lateAnswersAndRefusalsTellTheWayAsWell() {
        for (status, isLate) in [(.ok, false), (.ok, true), (.busy, false), (.deadline, false)] as [(Reply.Status, Bool)] {
            var state = ready()
            func due(_ number: UInt64, now: Duration) -> Duration? {
                var question = request(number)
                question.due = .milliseconds(100)
                for case .send(let request) in state.ask(question, now: now).actions { return request.due }
                return nil
            }
            _ = state.ask(request(1), now: .zero)
            _ = state.received(reply(1), now: .milliseconds(300))
            #expect(due(2, now: .seconds(1)) == .zero)
            _ = state.received(reply(2), now: .milliseconds(1300))
            for number in 3..<11 as Range<UInt64> {
                let now = .seconds(1) * Int(number)
                _ = state.ask(request(number), now: now)
                if isLate { _ = state.cancel(frame: number, now: now) }
                var answer = reply(number, status, retryAfter: .milliseconds(1))
                answer.queueTime = .milliseconds(20)
                for case .tell(.unanswered(_, _, _, let waited)) in state.received(answer, now: now + .milliseconds(50)) { #expect(waited == .milliseconds(20)) }
                // Refusals open the breaker.
                if status == .deadline { _ = state.received(pool(), lifetime: .seconds(90), now: now + .milliseconds(60)) }
            }
            if status == .deadline { continue }
            #expect(due(11, now: .seconds(11)) == .milliseconds(70), "\(status), late: \(isLate)")
        }
    }

    @Test func silenceOpensTheBreakerWithinTwoDeadlines() {
        var state = ready()
        _ = state.ask(request(1), now: .zero)
        #expect(state.nextDeadline == .seconds(1))
        #expect(ends(state.tick(now: .seconds(1))) == ["1 expired"])
        _ = state.ask(request(2), now: .seconds(1))
        #expect(ends(state.tick(now: .seconds(2))) == ["2 expired"])
        #expect(state.currentMode.kind == .degraded)
        #expect(state.ask(request(3), now: .seconds(2)).refusal == .breakerOpen)
        #expect(sent(state.ask(request(4), now: .seconds(4)).actions) == [4])
        #expect(state.ask(request(5), now: .seconds(4)).refusal == .breakerOpen)
        #expect(ends(state.received(reply(4), now: .seconds(4.5))) == ["4 answered"])
        #expect(state.currentMode.kind == .connected)
    }

    @Test func lateDuplicateAndUnknownRepliesAreTellApart() {
        var state = ready()
        _ = state.ask(request(1), now: .zero)
        _ = state.tick(now: .seconds(1))
        #expect(ends(state.received(reply(1), now: .seconds(2))) == ["1 late"])
        #expect(ends(state.received(reply(1), now: .seconds(2))) == [])
        #expect(ends(state.received(reply(99), now: .seconds(2))) == [])
        #expect(state.counters.late == 1 && state.counters.duplicate == 1 && state.counters.unknown == 1)
    }

    @Test func aReplyAfterItsDeadlineIsLateEvenBeforeTheClockWasLookedAt() {
        var state = ready()
        _ = state.ask(request(1), now: .zero)
        #expect(ends(state.received(reply(1), now: .seconds(1))) == ["1 expired", "1 late"])
    }

    @Test func anUnknownPoolGetsOneProbeAnInterval() {
        var state = AskingState()
        _ = state.connected(now: .zero)
        #expect(state.currentMode.kind == .degraded)
        #expect(sent(state.ask(request(1), now: .zero).actions) == [1])
        #expect(state.ask(request(2), now: .milliseconds(10)).refusal == .poolUnknown)
        // An answer is as good as a pool's state.
        _ = state.received(reply(1), now: .milliseconds(20))
        #expect(state.currentMode.kind == .connected)
        #expect(sent(state.ask(request(3), now: .milliseconds(30)).actions) == [3])
    }

    @Test func aPoolThatSaysGoodbyeIsNotAskedUntilItIsBack() {
        var state = ready()
        _ = state.received(pool(online: false), lifetime: nil, now: .seconds(1))
        #expect(state.ask(request(1), now: .seconds(1)).refusal == .poolOffline)
        #expect(state.currentMode.kind == .degraded)
        _ = state.received(pool(), lifetime: nil, now: .seconds(2))
        #expect(state.currentMode.kind == .connected)
        #expect(state.ask(request(2), now: .seconds(2)).refusal == nil)
    }

    @Test func theWillOfTheWorkerThatSpokeForThePoolCounts() {
        var state = ready()
        let gone = Availability(state: .offline, session: 1, boot: RequestID(high: 0, low: 0), agent: "")
        _ = state.received(gone, of: ClientID("another")!, now: .zero)
        #expect(state.ask(request(1), now: .zero).refusal == nil)
        _ = state.received(gone, of: worker, now: .zero)
        #expect(state.ask(request(2), now: .zero).refusal == .poolOffline)
    }

    @Test func anOldPoolStateIsUnknown() {
        var state = ready()
        #expect(state.nextDeadline == .seconds(90))
        _ = state.tick(now: .seconds(90))
        #expect(state.currentMode.kind == .degraded)
    }

    @Test func aBusyPoolIsLeftAloneAsLongAsItAsks() {
        var state = ready()
        _ = state.ask(request(1), now: .zero)
        #expect(ends(state.received(reply(1, .busy, retryAfter: .milliseconds(300)), now: .milliseconds(10))) == ["1 worker: busy"])
        #expect(state.ask(request(2), now: .milliseconds(300)).refusal == .busy)
        #expect(state.ask(request(3), now: .milliseconds(310)).refusal == nil)
        #expect(state.breaker.state == .closed)
    }

    @Test func otherLabelsAreRefusedBeforeSending() {
        var state = ready()
        #expect(state.ask(request(1, task: otherTask), now: .zero).refusal == .otherTask)
    }

    /// What a board that is about to rest must know before.
    @Test func whatNoQuestionOfItsKindWouldGetThroughIsAHindrance() {
        var state = ready()
        func hindrance(_ bytes: Int = 100, task: DigestText = task) -> Refusal? { state.hindrance(task: task, bytes: bytes, now: .zero) }
        #expect(hindrance() == nil && hindrance(task: otherTask) == .otherTask)
        #expect(hindrance(1 << 19) == nil && hindrance(1 << 20) == .tooLarge)
        // The broker takes less than the workers.
        _ = state.ask(request(1), now: .zero)
        state.exceedsPacket(bytes: 1000)
        #expect(hindrance(999) == nil && hindrance(1000) == .tooLarge)
        _ = state.disconnected(fault, now: .zero)
        _ = state.connected(now: .zero)
        #expect(hindrance(1000) == nil)
    }

    @Test func whoCanUseNoneOfOurImagesIsLeftAloneForAWhile() {
        var state = ready()
        var (now, refusals) = (Duration.zero, 0)
        for number in 1...20 as ClosedRange<UInt64> {
            if state.ask(request(number), now: now).refusal == .busy { refusals += 1 } else { _ = state.received(reply(number, .badRequest), now: now) }
            now += .seconds(5)
        }
        // Three, then one a minute.
        #expect(state.counters.sent == 4 && refusals == 16 && state.breaker.state == .closed)
        now += .seconds(60)
        _ = state.ask(request(21), now: now)
        _ = state.received(reply(21), now: now)
        _ = state.ask(request(22), now: now)
        _ = state.received(reply(22, .badRequest), now: now)
        #expect(state.ask(request(23), now: now).refusal == nil)
    }

    @Test func nobodyListeningIsAFailureAtOnce() {
        var state = AskingState()
        _ = state.connected(now: .zero)
        _ = state.ask(request(1), now: .zero)
        #expect(ends(state.unheard(RequestID(high: 0, low: 1), now: .milliseconds(1))) == ["1 nobody listens"])
        #expect(state.currentMode.kind == .degraded)
    }

    @Test func aLostBrokerEndsWhatIsUnderWay() {
        var state = ready()
        for number in 1...3 as ClosedRange<UInt64> { _ = state.ask(request(number), now: .zero) }
        #expect(ends(state.disconnected(fault, now: .zero)) == ["1 disconnected", "2 disconnected", "3 disconnected"])
        #expect(state.currentMode == LinkMode(.autonomous, fault.description))
        _ = state.connected(now: .seconds(5))
        #expect(ends(state.received(reply(1), now: .seconds(5))) == ["1 late"])
    }

    @Test func aCancelledQuestionEndsAtOnceAndMakesRoomForTheNext() {
        var state = ready()
        for number in 1...3 as ClosedRange<UInt64> { _ = state.ask(request(number), now: .zero) }
        let actions = state.cancel(frame: 1, now: .milliseconds(5))
        #expect(ends(actions) == ["1 cancelled at the workers", "1 cancelled"])
        #expect(sent(actions) == [3])
        #expect(ends(state.cancel(frame: 1, now: .milliseconds(6))) == [])
        #expect(state.counters.failed == [.cancelled: 1] && state.breaker.state == .closed)
        #expect(ends(state.received(reply(1), now: .milliseconds(7))) == ["1 late"])
        #expect(ends(state.received(reply(1), now: .milliseconds(8))) == [])
        #expect(state.counters.late == 1 && state.counters.duplicate == 1)
    }

    @Test func whatWaitsIsCancelledWithoutAWordToTheWorkers() {
        var state = ready()
        for number in 1...3 as ClosedRange<UInt64> { _ = state.ask(request(number), now: .zero) }
        #expect(ends(state.cancel(frame: 3, now: .zero)) == ["3 cancelled"])
        #expect(sent(state.received(reply(1), now: .milliseconds(5))) == [])
    }

    @Test func aCancelledProbeLeavesRoomForAnother() {
        var state = ready()
        for number in 1...2 as ClosedRange<UInt64> { _ = state.ask(request(number), now: .zero) }
        _ = state.tick(now: .seconds(1))
        #expect(sent(state.ask(request(3), now: .seconds(3)).actions) == [3])
        _ = state.cancel(frame: 3, now: .seconds(3.1))
        #expect(sent(state.ask(request(4), now: .seconds(3.2)).actions) == [4])
    }

    @Test func whatATransferTookIsTold() throws {
        func transfer(_ actions: [AskingState.Action]) -> Transfer? {
            for case .tell(let event) in actions {
                switch event {
                case .answered(_, _, _, let transfer), .late(_, _, let transfer): return transfer
                default: continue
                }
            }
            return nil
        }
        var state = ready()
        var first = request(1)
        first.payload = .image(.jpeg, width: 1, height: 1, [UInt8](repeating: 0, count: 5000))
        _ = state.ask(first, now: .zero)
        _ = state.ask(request(2), now: .milliseconds(10))
        state.delivered(first.id, now: .milliseconds(30))
        state.delivered(request(2).id, now: .milliseconds(35))
        var answer = reply(1)
        (answer.queueTime, answer.inferenceTime) = (.milliseconds(3), .milliseconds(4))
        let told = try #require(transfer(state.received(answer, now: .milliseconds(40))))
        #expect(told == Transfer(bytes: 5000, roundTrip: .milliseconds(40), queue: .milliseconds(3), inference: .milliseconds(4)))
        #expect(told.onTheWay == .milliseconds(33))
        let second = try #require(transfer(state.received(reply(2), now: .milliseconds(50))))
        #expect(second == Transfer(bytes: 1, roundTrip: .milliseconds(40), behind: .milliseconds(20), occupied: .milliseconds(5)))
        #expect(second.onTheWay == .milliseconds(20))

        // One that ended before the broker had it was ahead of others all the same; its late reply says what it took.
        first.id = RequestID(high: 0, low: 3)
        _ = state.ask(first, now: .seconds(10))
        _ = state.ask(request(4, deadline: .seconds(5)), now: .seconds(10.5))
        _ = state.tick(now: .seconds(11))
        state.delivered(first.id, now: .seconds(12))
        #expect(transfer(state.received(reply(4), now: .seconds(13)))?.behind == .seconds(1.5))
        #expect(transfer(state.received(reply(3), now: .seconds(14)))?.roundTrip == .seconds(4))

        // The broker's word takes 20 ms, so that what it says had left that long ago; of another connection nothing is known.
        for time in [50, 20, 40] { state.acknowledged(after: .milliseconds(time)) }
        for (number, sent) in [(5, 100_000), (6, 100_010), (7, 100_020)] as [(UInt64, Int)] {
            _ = state.ask(request(number), now: .milliseconds(sent))
        }
        state.delivered(request(5).id, now: .milliseconds(100050))
        _ = state.received(reply(5), now: .milliseconds(100060))
        #expect(transfer(state.received(reply(6), now: .milliseconds(100070)))?.behind == .milliseconds(20))
        _ = state.disconnected(fault, now: .seconds(101))
        _ = state.connected(now: .seconds(102))
        _ = state.received(pool(), lifetime: .seconds(90), now: .seconds(102))
        for (number, sent) in [(8, 102_000), (9, 102_010)] as [(UInt64, Int)] { _ = state.ask(request(number), now: .milliseconds(sent)) }
        state.delivered(request(8).id, now: .milliseconds(102030))
        #expect(transfer(state.received(reply(9), now: .milliseconds(102100)))?.behind == .milliseconds(20))
    }

    /// Three in a row over a link that takes 10 ms for each, and one after a pause.
    @Test func whatFollowsAnotherQuestionSaysHowLongItHadTheConnection() throws {
        func transfer(_ actions: [AskingState.Action]) -> Transfer? {
            for case .tell(.answered(_, _, _, let transfer)) in actions { return transfer }
            return nil
        }
        var settings = AskingState.Settings()
        settings.maximumInFlight = 3
        var state = AskingState(settings: settings)
        _ = state.connected(now: .zero)
        _ = state.received(pool(), lifetime: .seconds(90), now: .zero)
        state.acknowledged(after: .milliseconds(20))
        for (number, sent) in [(1, 0), (2, 1), (3, 2)] as [(UInt64, Int)] { _ = state.ask(request(number), now: .milliseconds(sent)) }
        // The word of the second one is late, that of the third isn't.
        for (number, word) in [(1, 30), (2, 44), (3, 50)] as [(UInt64, Int)] { state.delivered(request(number).id, now: .milliseconds(word)) }
        var occupied: [Duration?] = []
        for number in 1...3 as ClosedRange<UInt64> { occupied.append(transfer(state.received(reply(number), now: .milliseconds(60)))?.occupied) }
        #expect(occupied == [nil, .milliseconds(14), .milliseconds(6)])
        // Sent when the other's last byte had left: nothing says how long it took.
        _ = state.ask(request(4), now: .milliseconds(100))
        _ = state.ask(request(5), now: .milliseconds(115))
        for (number, word) in [(4, 130), (5, 145)] as [(UInt64, Int)] { state.delivered(request(number).id, now: .milliseconds(word)) }
        #expect(transfer(state.received(reply(4), now: .milliseconds(150)))?.occupied == nil)
        #expect(transfer(state.received(reply(5), now: .milliseconds(151)))?.occupied == nil)
    }

    @Test func aCutOfAnotherModelIsRefusedBeforeSendingAndIsNoFaultOfTheWorkers() {
        var state = ready()
        var divided = request(1)
        divided.payload = .activations(.init(cut: 3, digest: otherTask, tensors: [[1]]))
        // The pool says no digest: it may be the one.
        for _ in 0..<3 {
            #expect(state.ask(divided, now: .zero).refusal == nil)
            #expect(ends(state.received(reply(1, .noModel), now: .zero)) == ["1 worker: no_model"])
        }
        #expect(state.breaker.state == .closed)
        var pool = pool()
        pool.digest = task
        _ = state.received(pool, lifetime: nil, now: .zero)
        #expect(state.ask(divided, now: .zero).refusal == .otherModel)
        pool.digest = otherTask
        _ = state.received(pool, lifetime: nil, now: .zero)
        #expect(state.ask(divided, now: .zero).refusal == nil)
    }

    /// Random histories: every question that was taken ends exactly once, never are more than two under way, and the counters add up.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func everyQuestionEndsExactlyOnce(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var state = AskingState()
        var now = Duration.zero
        var taken: Set<UInt64> = []
        var ended: [UInt64: Int] = [:]
        var underWay: Set<UInt64> = []
        var next: UInt64 = 0
        func note(_ actions: [AskingState.Action]) {
            for action in actions {
                switch action {
                case .send(let request):
                    underWay.insert(request.frame)
                    #expect(underWay.count <= 2, "seed \(seed)")
                    #expect(request.deadline > .zero, "seed \(seed)")
                case .tell(.answered(_, let frame, _, _)), .tell(.unanswered(_, let frame, _, _)):
                    ended[frame, default: 0] += 1
                    underWay.remove(frame)
                case .tell, .cancel: break
                }
            }
        }
        for _ in 0..<2000 {
            now += .milliseconds(Int.random(in: 0...120, using: &generator))
            note(state.tick(now: now))
            let known = UInt64.random(in: 0...max(next, 1), using: &generator)
            switch Int.random(in: 0..<26, using: &generator) {
            case 0..<9:
                next += 1
                let deadline = Duration.milliseconds(Int.random(in: 1...900, using: &generator))
                let (refusal, actions) = state.ask(request(next, deadline: deadline, task: .random(in: 0..<20, using: &generator) == 0 ? otherTask : task), now: now)
                if refusal == nil { taken.insert(next) }
                note(actions)
            case 9..<16: note(state.received(reply(underWay.randomElement(using: &generator) ?? known), now: now))
            case 16: note(state.received(reply(known, .busy, retryAfter: .milliseconds(200)), now: now))
            case 17: note(state.received(reply(known, .badRequest), now: now))
            case 18: note(state.failedToSend(RequestID(high: 0, low: known), as: .undeliverable, now: now))
            case 19: note(state.unheard(RequestID(high: 0, low: known), now: now))
            case 20: note(state.received(pool(online: .random(using: &generator)), lifetime: .seconds(1), now: now))
            case 21: note(state.disconnected(fault, now: now))
            case 22: note(state.cancel(frame: known, now: now))
            case 23: state.delivered(RequestID(high: 0, low: known), now: now)
            default: note(state.connected(now: now))
            }
        }
        note(state.disconnected(fault, now: now))
        #expect(Set(ended.keys) == taken, "seed \(seed)")
        #expect(ended.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        let counters = state.counters
        #expect(counters.asked == UInt64(taken.count) + counters.refused.values.reduce(0, +), "seed \(seed)")
        #expect(counters.answered + counters.failed.values.reduce(0, +) == UInt64(taken.count), "seed \(seed)")
        #expect(counters.answered > 20, "seed \(seed): hardly an answer, a poor test")
    }
}
