// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Gating
import TestSupport
import Testing

/// ``FrameDecisions`` where a plan says when the cloud is asked.
struct PlannedDecisionsTests {
    static let settings = FrameDecisions.Settings(deadline: .milliseconds(100), margin: .zero, expiry: .milliseconds(1000), followsPlan: true)
    static let cloudAnswer = FrameDecisionsTests.cloudAnswer

    static func reading(_ trusted: Bool, class index: Int = 1) -> Reading { FrameDecisionsTests.reading(trusted, class: index) }

    static func localAnswer(_ index: Int, trusted: Bool = false) -> Answer {
        .classification(Classification(classIndex: index, confidence: trusted ? 0.9 : 0.5))
    }

    struct Run {
        var machine: FrameDecisions
        var now = Duration.zero
        var decisions: [Decision] = []
        var asked: [UInt64] = []
        var cancelled: [UInt64] = []
        var rested: [UInt64] = []

        init(_ settings: FrameDecisions.Settings = PlannedDecisionsTests.settings) { machine = FrameDecisions(settings) }

        /// - Returns: whether the frame is to be sent.
        @discardableResult
        mutating func event(_ event: FrameDecisions.Event) -> Bool {
            var actions: [FrameDecisions.Action] = []
            machine.handle(event, now: now, into: &actions)
            var asks = false
            for action in actions {
                switch action {
                case .decide(let decision): decisions.append(decision)
                case .ask(let frame):
                    asks = true
                    asked.append(frame)
                case .cancel(let frame): cancelled.append(frame)
                case .rest(let frame): rested.append(frame)
                case .compare(let comparison): Issue.record("\(comparison)")
                }
            }
            return asks
        }

        mutating func advance(to time: Duration) {
            while let due = machine.nextTimer, due <= time {
                now = max(now, due)
                event(.timer)
            }
            now = max(now, time)
        }

        mutating func advance(by time: Duration) { advance(to: now + time) }
    }

    @Test(arguments: [false, true]) func aDecisionSaysWhatWasSentAndNotWhatTheLinkRefused(isRefused: Bool) {
        var run = Run()
        run.event(.taken(0))
        run.event(.glimpsed(0, Self.reading(false)))
        run.event(.reached(0))
        run.event(.sent(0, bytes: 700))
        if isRefused { run.event(.sent(0, bytes: nil)) }
        run.event(.unanswered(0))
        run.event(.rested(0))
        #expect(run.decisions.map(\.sentBytes) == [isRefused ? nil : 700])
    }

    @Test func theInsurancesTrustedAnswerDecidesAndCancelsTheCloud() {
        var run = Run()
        run.event(.taken(1))
        let isSent = run.event(.reached(1))
        #expect(isSent)
        run.advance(to: .milliseconds(20))
        run.event(.read(1, Self.reading(true)))
        #expect(run.decisions.map(\.source) == [.local] && run.cancelled == [1] && run.machine.isIdle && !run.machine.isAsked(1))
        run.event(.answered(1, Self.cloudAnswer))
        run.event(.unanswered(1))
        #expect(run.decisions.count == 1 && run.machine.counts.lateAnswers == 1 && run.machine.counts.cancelled == 1 && run.machine.counts.needless == 0)
    }

    @Test func theCloudsAnswerDecidesAndLetsTheBoardRest() {
        for reads in [false, true] {
            var run = Run()
            run.event(.taken(1))
            run.event(.glimpsed(1, Self.reading(false, class: 3)))
            run.event(.reached(1))
            run.advance(to: .milliseconds(20))
            run.event(.answered(1, Self.cloudAnswer))
            #expect(run.rested == [1] && run.decisions.map(\.answer) == [Self.cloudAnswer] && run.decisions[0].localAnswer == Self.localAnswer(3))
            // It may have been done before it looked up.
            run.event(reads ? .read(1, Self.reading(true)) : .rested(1))
            #expect(run.decisions.count == 1 && run.cancelled.isEmpty && run.machine.isIdle)
            #expect(run.machine.counts.rested == (reads ? 0 : 1))
        }
    }

    @Test func anUnsureInsuranceIsTheAnswerForWantOfTheClouds() {
        var run = Run()
        run.event(.taken(1))
        run.event(.glimpsed(1, Self.reading(false, class: 3)))
        run.event(.reached(1))
        run.event(.read(1, Self.reading(false, class: 4)))
        #expect(run.decisions.isEmpty && run.cancelled.isEmpty)
        run.advance(to: .milliseconds(100))
        #expect(run.decisions.map(\.source) == [.localUnconfirmed] && run.decisions[0].answer == Self.localAnswer(4))
        run.event(.answered(1, Self.cloudAnswer))
        #expect(run.decisions.map(\.isRevision) == [false, true] && run.machine.isIdle)
    }

    @Test func withoutAnInsuranceTheLastGatesAnswerIsInHand() {
        for glimpses in [false, true] {
            var run = Run()
            run.event(.taken(1))
            if glimpses { run.event(.glimpsed(1, Self.reading(false, class: 3))) }
            run.event(.reached(1))
            run.event(.rested(1))
            #expect(run.decisions.isEmpty)
            run.advance(to: .milliseconds(100))
            #expect(run.decisions.map(\.answer) == [glimpses ? Self.localAnswer(3) : nil] && run.decisions.map(\.source) == [.localUnconfirmed])
            run.advance(to: .milliseconds(1000))
            #expect(run.decisions.count == 1 && run.machine.isIdle && run.machine.counts.expired == 1)
        }
    }

    @Test func whatTheBoardIsAtWorkOnHasAnAnswerAtTheDeadline() {
        var run = Run()
        run.event(.taken(1))
        run.event(.glimpsed(1, Self.reading(false, class: 3)))
        run.advance(to: .milliseconds(150))
        #expect(run.decisions.map(\.answer) == [Self.localAnswer(3)] && run.decisions[0].latency == .milliseconds(100))
        // Too late to send.
        let isSent = run.event(.reached(1))
        #expect(!isSent)
        run.event(.read(1, Self.reading(false, class: 4)))
        #expect(run.decisions.count == 1 && run.machine.isIdle)
    }

    @Test func anAnswerOfTheInsuranceAfterTheDeadlineRevisesWhereItIsTrusted() {
        for trusted in [false, true] {
            var run = Run()
            run.event(.taken(1))
            run.event(.glimpsed(1, Self.reading(false, class: 3)))
            run.event(.reached(1))
            run.advance(to: .milliseconds(150))
            run.event(.read(1, Self.reading(trusted, class: 4)))
            #expect(run.decisions.map(\.isRevision) == (trusted ? [false, true] : [false]) && run.cancelled == (trusted ? [1] : []))
            run.event(.answered(1, Self.cloudAnswer))
            #expect(run.decisions.map(\.source) == [.localUnconfirmed, trusted ? .local : .cloud] && run.machine.isIdle)
        }
    }

    @Test func aRefusalWhileTheBoardGoesOnDecidesNothing() {
        var run = Run()
        run.event(.taken(1))
        run.event(.reached(1))
        run.event(.unanswered(1))
        #expect(run.decisions.isEmpty)
        run.event(.read(1, Self.reading(true)))
        #expect(run.decisions.map(\.source) == [.local] && run.cancelled.isEmpty && run.machine.isIdle)
    }

    @Test func aRefusalOfWhatRestsDecidesAtOnce() {
        for restsFirst in [false, true] {
            var run = Run()
            run.event(.taken(1))
            run.event(.glimpsed(1, Self.reading(false, class: 3)))
            run.event(.reached(1))
            run.event(restsFirst ? .rested(1) : .unanswered(1))
            run.event(restsFirst ? .unanswered(1) : .rested(1))
            #expect(run.decisions.map(\.answer) == [Self.localAnswer(3)] && run.decisions[0].latency == .zero && run.machine.isIdle)
        }
    }

    @Test func withTooManyQuestionsOpenAFrameIsNotSent() {
        var run = Run(.init(deadline: .milliseconds(100), margin: .zero, expiry: .seconds(1), maximumInFlight: 2, followsPlan: true))
        for frame in 1...3 as ClosedRange<UInt64> {
            run.event(.taken(frame))
            let isSent = run.event(.reached(frame))
            #expect(isSent == (frame < 3))
            run.event(frame < 3 ? .rested(frame) : .read(frame, Self.reading(false)))
        }
        #expect(run.decisions.map(\.frame) == [3] && run.machine.counts.crowded == 1)
        // Answers out of order decide out of order.
        run.event(.answered(2, Self.cloudAnswer))
        run.event(.answered(1, Self.cloudAnswer))
        #expect(run.decisions.map(\.frame) == [3, 2, 1] && run.machine.isIdle)
    }

    @Test func aFrameThatIsKeptBackIsNotSent() {
        var run = Run()
        run.event(.taken(1))
        run.event(.routed(1, .keepBack(.blurred)))
        let isSent = run.event(.reached(1))
        #expect(!isSent)
        run.event(.read(1, Self.reading(false)))
        #expect(run.decisions.map(\.source) == [.localUnconfirmed] && run.machine.counts.keptBack == 1 && run.machine.counts.crowded == 0)
    }

    @Test func whatTheGateDoesNotTrustAsksNobodyByItself() {
        var run = Run()
        run.event(.taken(1))
        run.event(.read(1, Self.reading(false)))
        #expect(run.asked.isEmpty && run.decisions.map(\.source) == [.localUnconfirmed] && run.machine.counts.crowded == 0 && run.machine.isIdle)
    }

    @Test func aDamagedExitIsAFaultUntilASoundOneSpeaks() {
        let damaged = Reading(confidence: nil, verdict: .escalate(.fault(.notANumber)))
        var run = Run()
        run.event(.taken(1))
        run.event(.glimpsed(1, damaged))
        run.event(.read(1, Self.reading(true)))
        run.event(.taken(2))
        run.event(.glimpsed(2, Self.reading(false, class: 3)))
        run.event(.read(2, damaged))
        #expect(run.decisions.map(\.fault) == [nil, .notANumber] && run.decisions.map(\.answer) == [Self.localAnswer(1, trusted: true), Self.localAnswer(3)])
        #expect(run.machine.counts.faults == 2)
    }

    /// Every order of up to five events on one frame, with the timer run when it is due.
    @Test func everyOrderOfEventsGivesOneDecisionAndAtMostOneRevision() {
        let steps: [@Sendable (inout Run) -> Void] = [
            { $0.event(.read(1, Self.reading(true))) }, { $0.event(.read(1, Self.reading(false))) }, { $0.event(.glimpsed(1, Self.reading(false))) },
            { $0.event(.reached(1)) }, { $0.event(.rested(1)) }, { $0.event(.routed(1, .keepBack(.blurred))) }, { $0.event(.failed(1)) },
            { $0.event(.answered(1, Self.cloudAnswer)) }, { $0.event(.unanswered(1)) }, { $0.advance(by: .milliseconds(60)) },
            { $0.advance(by: .milliseconds(950)) },
        ]
        var checked = 0
        func explore(_ run: Run, _ depth: Int) {
            var ended = run
            ended.event(.finish)
            checked += 1
            let decisions = ended.decisions
            let isSound =
                decisions.count { !$0.isRevision } == 1 && decisions.count <= 2 && ended.machine.isIdle && (decisions.count == 1 || decisions[1].isRevision)
                && decisions.allSatisfy { $0.isRevision || $0.latency <= .milliseconds(100) } && decisions.allSatisfy { !$0.isRevision || $0.answer != nil }
                // Of both sides one at most is told that the other was first, once.
                && ended.cancelled.count + ended.rested.count <= 1 && ended.asked.count <= 1
                && (ended.cancelled.isEmpty || decisions.last?.source == .local) && (ended.rested.isEmpty || decisions.last?.source == .cloud)
            if !isSound { Issue.record("after \(checked) orders: \(decisions), cancelled \(ended.cancelled), rested \(ended.rested)") }
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

    /// Frames one after the other on the board, answers in any order, late, twice or not at all.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func manyFramesInAnyOrderAreEachDecidedOnce(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let inFlight = Int.random(in: 1...5, using: &random)
        var run = Run(.init(deadline: .milliseconds(100), margin: .zero, expiry: .milliseconds(400), maximumInFlight: inFlight, followsPlan: true))
        var frame: UInt64 = 0
        var isComputing = false
        var told: Set<UInt64> = []
        for _ in 0..<5000 {
            run.advance(by: .microseconds(Int64.random(in: 0...30_000, using: &random)))
            switch Int.random(in: 0..<9, using: &random) {
            case 0...1 where !isComputing:
                frame += 1
                isComputing = true
                run.event(.taken(frame))
            case 2 where isComputing: run.event(.glimpsed(frame, Self.reading(false, class: 3)))
            case 3 where isComputing: run.event(.reached(frame))
            case 4 where isComputing:
                isComputing = false
                run.event([.rested(frame), .failed(frame), .read(frame, Self.reading(true)), .read(frame, Self.reading(false))][Int.random(in: 0..<4, using: &random)])
            case 5: run.event(.answered(run.asked.randomElement(using: &random) ?? 99, Self.cloudAnswer))
            case 6: run.event(.answered(run.asked.last ?? 99, Self.cloudAnswer))
            case 7: run.event(.unanswered(run.asked.suffix(3).randomElement(using: &random) ?? 99))
            case 8 where run.rested.last == frame && isComputing && told.insert(frame).inserted:
                isComputing = false
                run.event(.rested(frame))
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
        #expect(Set(run.cancelled).count == run.cancelled.count && Set(run.cancelled).isDisjoint(with: run.rested), "seed \(seed)")
        let counts = run.machine.counts
        #expect(counts.taken == frame && counts.decided == frame && counts.asked == UInt64(run.asked.count) && counts.cancelled == UInt64(run.cancelled.count))
        #expect(counts.rested <= UInt64(run.rested.count) && run.cancelled.count > 0 && run.rested.count > 0)
    }
}
