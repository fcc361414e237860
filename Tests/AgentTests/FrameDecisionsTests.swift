// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Gating
import TestSupport
import Testing

struct FrameDecisionsTests {
    static let settings = FrameDecisions.Settings(deadline: .milliseconds(100), margin: .zero, expiry: .milliseconds(1000))

    static func reading(_ trusted: Bool, class index: Int = 1) -> Reading {
        let confidence = Confidence(classIndex: index, topOne: trusted ? 0.9 : 0.5, margin: 0, entropy: 0, energy: 0)
        return Reading(confidence: confidence, verdict: Gate.threshold(.topOne, 0.8).verdict(on: confidence))
    }

    static let localAnswer = Answer.classification(Classification(classIndex: 1, confidence: 0.5))
    static let trustedAnswer = Answer.classification(Classification(classIndex: 1, confidence: 0.9))
    static let cloudAnswer = Answer.classification(Classification(classIndex: 7, confidence: 0.99))

    /// A machine with its clock; runs the timer whenever it is due, as the agent does.
    struct Run {
        var machine: FrameDecisions
        var now = Duration.zero
        var decisions: [Decision] = []
        var asked: [UInt64] = []
        var comparisons: [Comparison] = []

        init(_ settings: FrameDecisions.Settings = FrameDecisionsTests.settings) { machine = FrameDecisions(settings) }

        mutating func event(_ event: FrameDecisions.Event) {
            var actions: [FrameDecisions.Action] = []
            machine.handle(event, now: now, into: &actions)
            for action in actions {
                switch action {
                case .decide(let decision): decisions.append(decision)
                case .ask(let frame): asked.append(frame)
                case .compare(let comparison): comparisons.append(comparison)
                case .cancel, .rest: Issue.record("there is no plan")
                }
            }
        }

        mutating func advance(to time: Duration) {
            while let due = machine.nextTimer, due <= time {
                now = max(now, due)
                event(.timer)
            }
            now = max(now, time)
        }
    }

    @Test func aTrustedAnswerDecidesAtOnce() {
        var run = Run()
        run.event(.taken(5))
        run.advance(to: .milliseconds(10))
        run.event(.read(5, Self.reading(true)))
        #expect(
            run.decisions == [
                Decision(frame: 5, source: .local, answer: Self.trustedAnswer, localAnswer: Self.trustedAnswer, localLatency: .milliseconds(10), latency: .milliseconds(10))
            ])
        #expect(run.asked.isEmpty && run.machine.isIdle)
    }

    @Test func aCloudAnswerInTimeDecides() {
        var run = Run()
        run.event(.taken(5))
        run.advance(to: .milliseconds(10))
        run.event(.read(5, Self.reading(false)))
        #expect(run.asked == [5] && run.decisions.isEmpty)
        run.advance(to: .milliseconds(60))
        run.event(.answered(5, Self.cloudAnswer))
        #expect(
            run.decisions == [
                Decision(frame: 5, source: .cloud, answer: Self.cloudAnswer, localAnswer: Self.localAnswer, localLatency: .milliseconds(10), latency: .milliseconds(60))
            ])
    }

    @Test func lateCloudAnswerBecomesARevision() {
        var run = Run()
        run.event(.taken(5))
        run.event(.read(5, Self.reading(false)))
        run.advance(to: .milliseconds(400))
        run.event(.answered(5, Self.cloudAnswer))
        #expect(
            run.decisions == [
                Decision(frame: 5, source: .localUnconfirmed, answer: Self.localAnswer, localAnswer: Self.localAnswer, localLatency: .zero,
                    latency: .milliseconds(100)),
                Decision(
                    frame: 5, source: .cloud, answer: Self.cloudAnswer, localAnswer: Self.localAnswer, localLatency: .zero, latency: .milliseconds(400),
                    isRevision: true),
            ])
        #expect(run.machine.isIdle)
    }

    @Test func anAnswerAtTheDeadlineIsLate() {
        var run = Run()
        run.event(.taken(1))
        run.event(.read(1, Self.reading(false)))
        run.now = .milliseconds(100)
        run.event(.answered(1, Self.cloudAnswer))
        #expect(run.decisions.map(\.source) == [.localUnconfirmed, .cloud])
        #expect(run.decisions.map(\.isRevision) == [false, true])
    }

    @Test func aRefusalDecidesAtOnce() {
        var run = Run()
        run.event(.taken(5))
        run.advance(to: .milliseconds(10))
        run.event(.read(5, Self.reading(false)))
        run.event(.unanswered(5))
        #expect(run.decisions.map(\.source) == [.localUnconfirmed] && run.decisions.map(\.latency) == [.milliseconds(10)])
        #expect(run.machine.isIdle && run.machine.counts.unanswered == 1)
    }

    @Test func withTooManyQuestionsAFrameIsDecidedWithoutTheCloud() {
        var run = Run()
        for frame in 1...3 as ClosedRange<UInt64> {
            run.event(.taken(frame))
            run.event(.read(frame, Self.reading(false)))
        }
        #expect(run.asked == [1, 2] && run.decisions.map(\.frame) == [3])
        #expect(run.machine.counts.crowded == 1)
        run.event(.answered(1, Self.cloudAnswer))
        run.event(.taken(4))
        run.event(.read(4, Self.reading(false)))
        #expect(run.asked == [1, 2, 4])
    }

    @Test func withoutTheCloudNothingIsAsked() {
        var run = Run(.init(deadline: .milliseconds(100), expiry: .seconds(1), asksCloud: false))
        run.event(.taken(1))
        run.event(.read(1, Self.reading(false)))
        #expect(run.asked.isEmpty && run.decisions.map(\.source) == [.localUnconfirmed])
    }

    @Test func aSlowNetworkIsDecidedWithoutAnAnswerAndRevisedByItsOwn() {
        for trusted in [true, false] {
            var run = Run()
            run.event(.taken(1))
            run.advance(to: .milliseconds(130))
            run.event(.read(1, Self.reading(trusted)))
            #expect(run.decisions.map(\.source) == [.localUnconfirmed, trusted ? .local : .localUnconfirmed])
            #expect(run.decisions[0].answer == nil && run.decisions[0].latency == .milliseconds(100))
            #expect(run.decisions[1].answer == (trusted ? Self.trustedAnswer : Self.localAnswer) && run.decisions[1].isRevision)
            #expect(run.asked.isEmpty && run.machine.isIdle)
        }
    }

    @Test func aFaultIsNeverTrustedAndTheCloudIsAsked() {
        var run = Run()
        run.event(.taken(1))
        run.event(.read(1, Reading(confidence: nil, verdict: .escalate(.fault(.notANumber)))))
        #expect(run.asked == [1] && run.machine.counts.faults == 1)
        run.advance(to: .milliseconds(100))
        #expect(
            run.decisions == [
                Decision(frame: 1, source: .localUnconfirmed, answer: nil, localLatency: .zero, fault: .notANumber, latency: .milliseconds(100))
            ])
        run.event(.answered(1, Self.cloudAnswer))
        #expect(run.decisions.last?.answer == Self.cloudAnswer)
    }

    @Test func aFailedRunIsAskedAboutAsWell() {
        var run = Run()
        run.event(.taken(1))
        run.event(.failed(1))
        #expect(run.asked == [1] && run.machine.counts.failures == 1)
        run.event(.unanswered(1))
        #expect(run.decisions.map(\.answer) == [nil])
    }

    @Test func aFrameSentAtOnceIsAskedAboutBeforeItIsRead() {
        var run = Run()
        run.event(.taken(1))
        run.event(.routed(1, .sendAtOnce))
        #expect(run.asked == [1] && run.decisions.isEmpty)
        run.advance(to: .milliseconds(20))
        run.event(.read(1, Self.reading(false)))
        #expect(run.asked == [1] && run.decisions.isEmpty)
        run.advance(to: .milliseconds(30))
        run.event(.answered(1, Self.cloudAnswer))
        #expect(run.decisions.map(\.source) == [.cloud] && run.decisions[0].localAnswer == Self.localAnswer && run.machine.isIdle)
        #expect(run.machine.counts.sentAtOnce == 1 && run.machine.counts.needless == 0 && run.comparisons.isEmpty)
    }

    @Test func whatTheGateTrustsIsDecidedAndThenComparedWithTheAnswer() {
        for answerFirst in [false, true] {
            var run = Run()
            run.event(.taken(1))
            run.event(.routed(1, .sendAtOnce))
            if answerFirst { run.event(.answered(1, Self.cloudAnswer)) }
            run.event(.read(1, Self.reading(true)))
            #expect(run.decisions.map(\.source) == [answerFirst ? .cloud : .local])
            #expect(run.machine.isIdle == answerFirst)
            run.advance(to: .milliseconds(500))
            run.event(.answered(1, Self.cloudAnswer))
            #expect(run.decisions.count == 1 && run.machine.isIdle)
            #expect(run.comparisons.map(\.frame) == [1] && run.comparisons[0].agrees == false && run.comparisons[0].cloudAnswer == Self.cloudAnswer)
            #expect(run.machine.counts.needless == 1 && run.machine.counts.duplicateAnswers == (answerFirst ? 1 : 0))
        }
    }

    @Test func anEarlyAnswerDecidesWhileTheBoardIsStillAtWork() {
        var run = Run()
        run.event(.taken(1))
        run.event(.routed(1, .sendAtOnce))
        run.advance(to: .milliseconds(40))
        run.event(.answered(1, Self.cloudAnswer))
        #expect(
            run.decisions == [Decision(frame: 1, source: .cloud, answer: Self.cloudAnswer, latency: .milliseconds(40))])
        run.advance(to: .milliseconds(300))
        run.event(.read(1, Self.reading(false)))
        #expect(run.decisions.count == 1 && run.machine.isIdle && run.comparisons.isEmpty)
    }

    @Test func anEarlyQuestionThatFailsIsNotAskedAgain() {
        var run = Run()
        run.event(.taken(1))
        run.event(.routed(1, .sendAtOnce))
        run.event(.unanswered(1))
        #expect(run.decisions.isEmpty)
        run.event(.read(1, Self.reading(false)))
        #expect(run.asked == [1] && run.decisions.map(\.source) == [.localUnconfirmed] && run.machine.isIdle)
    }

    @Test func aLateLocalAnswerRevisesUnlessTheCloudDoes() {
        for cloudAnswers in [true, false] {
            var run = Run()
            run.event(.taken(1))
            run.event(.routed(1, .sendAtOnce))
            run.advance(to: .milliseconds(150))
            run.event(.read(1, Self.reading(false)))
            #expect(run.decisions.map(\.answer) == [nil])
            if cloudAnswers { run.event(.answered(1, Self.cloudAnswer)) }
            run.advance(to: .milliseconds(1000))
            #expect(run.decisions.map(\.isRevision) == [false, true] && run.machine.isIdle)
            #expect(run.decisions[1].answer == (cloudAnswers ? Self.cloudAnswer : Self.localAnswer))
        }
    }

    @Test func aFrameThatIsKeptBackIsNotAskedAbout() {
        var run = Run()
        run.event(.taken(1))
        run.event(.routed(1, .keepBack(.nothingToSee)))
        run.event(.read(1, Self.reading(false)))
        #expect(run.asked.isEmpty && run.decisions.map(\.source) == [.localUnconfirmed] && run.machine.counts.keptBack == 1)
        run.event(.taken(2))
        run.event(.routed(2, .keepBack(.nothingToSee)))
        run.event(.read(2, Self.reading(true)))
        #expect(run.decisions.map(\.source) == [.localUnconfirmed, .local] && run.machine.counts.keptBack == 1 && run.machine.isIdle)
    }

    @Test func strayAnswersAreCountedByKind() {
        var run = Run()
        run.event(.answered(9, Self.cloudAnswer))
        run.event(.taken(1))
        run.event(.answered(1, Self.cloudAnswer))
        run.event(.read(1, Self.reading(false)))
        run.event(.answered(1, Self.cloudAnswer))
        run.event(.answered(1, Self.cloudAnswer))
        run.event(.taken(2))
        run.event(.read(2, Self.reading(false)))
        run.advance(to: .milliseconds(1000))
        run.event(.answered(2, Self.cloudAnswer))
        let counts = run.machine.counts
        #expect(counts.unknownAnswers == 2 && counts.duplicateAnswers == 1 && counts.lateAnswers == 1 && counts.expired == 1)
        #expect(run.decisions.map(\.frame) == [1, 2])
    }

    @Test func theMarginBringsDecisionsForward() {
        var run = Run(.init(deadline: .milliseconds(100), margin: .milliseconds(2), expiry: .seconds(1)))
        run.event(.taken(1))
        #expect(run.machine.nextTimer == .milliseconds(98))
        run.advance(to: .milliseconds(100))
        #expect(run.decisions.map(\.latency) == [.milliseconds(98)] && run.machine.counts.overdue == 0)
    }

    @Test func aTimerThatWakesTooLateIsCounted() {
        var run = Run()
        run.event(.taken(1))
        run.now = .milliseconds(140)
        run.event(.timer)
        #expect(run.decisions.map(\.latency) == [.milliseconds(140)] && run.machine.counts.overdue == 1)
    }

    /// In a stream of unsure frames of one class, 10 ms apart.
    static func stream(_ change: (inout StreamGate.Settings) -> Void = { _ in }) -> Run {
        var stream = StreamGate.Settings()
        stream.frames = 1
        change(&stream)
        return Run(.init(deadline: .milliseconds(100), margin: .zero, expiry: .milliseconds(1000), stream: stream))
    }

    @Test func inAStreamOneQuestionStandsForManyFrames() {
        var run = Self.stream()
        for frame in 1...50 as ClosedRange<UInt64> {
            run.event(.taken(frame))
            run.event(.read(frame, Self.reading(false)))
            if frame == 3 { run.event(.answered(1, Self.cloudAnswer)) }
            run.advance(to: run.now + .milliseconds(10))
        }
        #expect(run.asked == [1] && run.machine.counts.spared == 49 && run.machine.counts.carried == 47)
        #expect(run.decisions.filter { $0.frame <= 3 }.map(\.source) == [.localUnconfirmed, .localUnconfirmed, .cloud])
        for decision in run.decisions where decision.frame > 3 {
            #expect(decision.source == .carried && decision.carriedFrom == 1 && decision.answer == Self.cloudAnswer && decision.localAnswer == Self.localAnswer)
        }
        #expect(run.decisions.count == 50 && run.machine.isIdle)
    }

    @Test func aFrameThatIsAskedAboutFallsBackOnWhatIsCarriedAndIsRevised() {
        var run = Self.stream { $0.interval = .milliseconds(50) }
        run.event(.taken(1))
        run.event(.read(1, Self.reading(false)))
        run.event(.answered(1, Self.cloudAnswer))
        run.advance(to: .milliseconds(60))
        run.event(.taken(2))
        run.event(.read(2, Self.reading(false)))
        #expect(run.asked == [1, 2] && run.decisions.count == 1)
        run.advance(to: .milliseconds(160))
        #expect(run.decisions.last?.source == .carried && run.decisions.last?.carriedFrom == 1)
        run.event(.answered(2, Self.cloudAnswer))
        #expect(run.decisions.last?.source == .cloud && run.decisions.last?.isRevision == true && run.decisions.last?.carriedFrom == nil)
    }

    @Test func whatIsCarriedDoesNotOutliveItsTimeWhileAQuestionWaits() {
        var run = Self.stream {
            $0.interval = .milliseconds(50)
            $0.carry = .milliseconds(100)
        }
        run.event(.taken(1))
        run.event(.read(1, Self.reading(false)))
        run.event(.answered(1, Self.cloudAnswer))
        run.advance(to: .milliseconds(60))
        run.event(.taken(2))
        run.event(.read(2, Self.reading(false)))
        run.advance(to: .milliseconds(160))
        #expect(run.asked == [1, 2] && run.decisions.last?.source == .localUnconfirmed && run.decisions.last?.answer == Self.localAnswer)
    }

    @Test func questionsThatFindNoRoomAreNotTheStreams() {
        var run = Run(.init(deadline: .milliseconds(100), margin: .zero, expiry: .seconds(1), maximumInFlight: 1, stream: StreamGate.Settings()))
        for frame in 1...2 as ClosedRange<UInt64> {
            run.event(.taken(frame))
            run.event(.read(frame, Self.reading(false, class: Int(frame))))
        }
        #expect(run.asked == [1] && run.machine.counts.crowded == 1 && run.machine.counts.spared == 0)
        run.event(.answered(1, Self.cloudAnswer))
        run.event(.taken(3))
        run.event(.read(3, Self.reading(false, class: 2)))
        #expect(run.asked == [1, 3])
    }

    /// Every order of up to five events on one frame, with the timer run when it is due.
    @Test func everyOrderOfEventsGivesOneDecisionAndAtMostOneRevision() {
        let steps: [@Sendable (inout Run) -> Void] = [
            { $0.event(.taken(1)) }, { $0.event(.read(1, Self.reading(true))) }, { $0.event(.read(1, Self.reading(false))) },
            { $0.event(.routed(1, .sendAtOnce)) }, { $0.event(.routed(1, .keepBack(.blurred))) },
            { $0.event(.failed(1)) }, { $0.event(.answered(1, Self.cloudAnswer)) }, { $0.event(.unanswered(1)) },
            { $0.advance(to: $0.now + .milliseconds(60)) }, { $0.advance(to: $0.now + .milliseconds(950)) },
            { $0.event(.read(1, Reading(confidence: nil, verdict: .escalate(.fault(.overflow))))) },
        ]
        var checked = 0
        func explore(_ run: Run, _ depth: Int) {
            var ended = run
            ended.event(.finish)
            checked += 1
            if !Self.isSound(ended) { Issue.record("after \(checked) orders: \(ended.decisions)") }
            guard depth > 0 else { return }
            for step in steps {
                var next = run
                step(&next)
                explore(next, depth - 1)
            }
        }
        var first = Run()
        first.event(.taken(1))
        explore(first, 5)
        #expect(checked == (0...5).reduce(0) { total, depth in total + (0..<depth).reduce(1) { power, _ in power * steps.count } })
    }

    private static func isSound(_ run: Run) -> Bool {
        // A frame that is taken up again after it was closed is a new one.
        let taken = Int(run.machine.counts.taken)
        let decisions = run.decisions.filter { !$0.isRevision }
        guard decisions.count == taken, run.machine.counts.decided == UInt64(taken), run.machine.isIdle else { return false }
        guard decisions.allSatisfy({ $0.latency <= .milliseconds(100) }) else { return false }
        var openForRevision = false
        for decision in run.decisions {
            if decision.isRevision {
                guard openForRevision, decision.answer != nil else { return false }
                openForRevision = false
            } else {
                openForRevision = decision.source == .localUnconfirmed
            }
        }
        return run.decisions.allSatisfy { ($0.source == .cloud) == ($0.answer == cloudAnswer) }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>, [false, true])
    func manyFramesInAnyOrderAreEachDecidedOnce(seed: UInt64, inStream: Bool) {
        var random = SeededGenerator(seed: seed)
        var stream = StreamGate.Settings()
        stream.frames = 3
        stream.interval = .milliseconds(40)
        let inFlight = Int.random(in: 1...5, using: &random)
        var run = Run(.init(deadline: .milliseconds(100), margin: .zero, expiry: .milliseconds(400), maximumInFlight: inFlight, stream: inStream ? stream : nil))
        var computing: [UInt64] = []
        var frame: UInt64 = 0
        var events = 0
        for _ in 0..<5000 {
            run.advance(to: run.now + .microseconds(Int64.random(in: 0...30_000, using: &random)))
            events += 1
            switch Int.random(in: 0..<6, using: &random) {
            case 0...1 where computing.count < 3:
                frame += 1
                computing.append(frame)
                run.event(.taken(frame))
                run.event(.routed(frame, [.compute, .sendAtOnce, .keepBack(.tooSlow)][Int.random(in: 0..<3, using: &random)]))
            case 2 where !computing.isEmpty:
                let done = computing.remove(at: Int.random(in: 0..<computing.count, using: &random))
                let reading = Self.reading(Int.random(in: 0..<3, using: &random) == 0, class: .random(in: 1...3, using: &random))
                run.event(Int.random(in: 0..<4, using: &random) > 0 ? .read(done, reading) : .failed(done))
            case 3: run.event(.answered(run.asked.randomElement(using: &random) ?? 99, Self.cloudAnswer))
            case 4: run.event(.answered(run.asked.last ?? 99, Self.cloudAnswer))
            case 5: run.event(.unanswered(run.asked.suffix(3).randomElement(using: &random) ?? 99))
            default: break
            }
            #expect(run.machine.inFlight <= inFlight)
        }
        run.event(.finish)
        let decided = run.decisions.filter { !$0.isRevision }.map(\.frame)
        #expect(decided.count == Int(frame) && Set(decided).count == decided.count, "seed \(seed)")
        let revised = run.decisions.filter(\.isRevision).map(\.frame)
        #expect(Set(revised).count == revised.count && Set(revised).isSubset(of: decided), "seed \(seed)")
        #expect(run.decisions.allSatisfy { $0.isRevision || $0.latency <= .milliseconds(100) })
        let counts = run.machine.counts
        #expect(counts.taken == frame && counts.decided == frame && counts.revisions == UInt64(revised.count) && counts.asked == UInt64(run.asked.count))
        #expect(run.decisions.allSatisfy { ($0.source == .carried) == ($0.carriedFrom != nil) && $0.carriedFrom != $0.frame })
        #expect(inStream == (counts.carried + counts.spared > 0), "seed \(seed)")
        // Every answer that was given is counted once.
        let used = UInt64(run.decisions.count { $0.source == .cloud })
        #expect(counts.lateAnswers + counts.duplicateAnswers + counts.unknownAnswers + used <= UInt64(events))
    }
}
