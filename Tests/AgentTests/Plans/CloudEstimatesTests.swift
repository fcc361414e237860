// SPDX-License-Identifier: Apache-2.0
import Agent
import Planning
import TestSupport
import Testing

struct CloudEstimatesTests {
    /// 8 Mbit/s and a round trip of 10 ms, on a server of 5 ms that nobody waits for: `bytes` µs and those.
    static func transfer(_ bytes: Int, slower factor: Double = 1, server: Double = 1) -> CloudTransfer {
        CloudTransfer(
            bytes: bytes, onTheWay: .seconds((0.01 + Double(bytes) * 1e-6) * factor), queue: .milliseconds(2), inference: .seconds(0.005 * server))
    }

    /// Answers to questions of 1,000 … 16,000 bytes, one a second.
    static func known(until now: inout Double, _ settings: PlanAssumptions = .init()) -> CloudEstimates {
        var estimates = CloudEstimates(settings)
        estimates.setConnected(true, at: now)
        for index in 1...16 {
            now += 1
            estimates.sent(UInt64(index), bytes: index * 1000, server: 0.005, at: now)
            estimates.answered(UInt64(index), transfer(index * 1000), at: now + 0.05)
        }
        return estimates
    }

    @Test func whatAnswersSayIsFoundAgain() throws {
        var now = 0.0
        let estimates = Self.known(until: &now)
        let link = try #require(estimates.link(at: now))
        #expect(abs(link.radio.uplink - 8) < 0.01 && abs(link.radio.roundTrip - 0.01) < 1e-4)
        let server = estimates.server(at: now)
        #expect(abs(server.slowdown - 1) < 1e-9 && abs(server.queue.mean - 0.002) < 1e-9)
        #expect(estimates.ages(at: now + 10).link.map { abs($0 - 9.95) < 1e-6 } == true)
    }

    @Test func withoutAnybodyThereIsNoLink() {
        var now = 0.0
        var estimates = Self.known(until: &now)
        estimates.sent(99, bytes: 1000, server: 0.005, at: now)
        estimates.setConnected(false, at: now)
        #expect(estimates.link(at: now) == nil && !estimates.hasOpen)
        // What was lost with the connection says nothing of its speed.
        estimates.setConnected(true, at: now)
        let wasProbe = estimates.ended(99, at: now + 100)
        #expect(!wasProbe)
        #expect(abs((estimates.link(at: now)?.radio.uplink ?? 0) - 8) < 0.01)
    }

    @Test func eachKindOfNetworkIsKnownByItself() throws {
        var settings = PlanAssumptions()
        settings.followsNetwork = true
        var now = 0.0
        var estimates = Self.known(until: &now, settings)
        estimates.sent(99, bytes: 1000, server: 0.005, at: now)
        estimates.setConnected(false, at: now)
        estimates.setNetwork(.cellular)
        estimates.setConnected(true, at: now + 5)
        let modem = try #require(estimates.link(at: now + 5)).radio
        #expect(modem.name == "LTE" && abs(modem.uplink - Radio.lte.uplink) < 1e-9 && modem.tail == Radio.lte.tail && !estimates.knowsLink)
        // The answer that has waited for the new connection says nothing of the modem.
        estimates.answered(99, CloudTransfer(bytes: 1000, onTheWay: .seconds(6)), at: now + 5.5)
        #expect(estimates.ages(at: now + 6).link == nil)
        for index in 0..<8 {
            estimates.sent(UInt64(200 + index), bytes: 1000 + index * 1000, server: 0.005, at: now + 6)
            estimates.answered(UInt64(200 + index), Self.transfer(1000 + index * 1000, slower: 4), at: now + 6.5)
        }
        #expect(try abs(#require(estimates.link(at: now + 7)).radio.uplink - 2) < 0.1)
        // Back home: what was known is known.
        estimates.setNetwork(.wifi)
        #expect(try abs(#require(estimates.link(at: now + 8)).radio.uplink - 8) < 0.1)
        // Over a tunnel, of which nothing is known, the radio that is assumed.
        estimates.setNetwork(.cellular)
        estimates.setNetwork(nil)
        #expect(try #require(estimates.link(at: now + 9)).radio.name == "WiFi")
        // A radio that the settings name stays.
        var named = Self.known(until: &now)
        named.setNetwork(.cellular)
        #expect(try #require(named.link(at: now)).radio.name == "WiFi" && named.knowsLink)
    }

    @Test func aTransferWithoutAnAnswerSaysThatTheLinkIsSlowBeforeItEnds() throws {
        var now = 0.0
        var estimates = Self.known(until: &now)
        estimates.sent(99, bytes: 10_000, server: 0.005, at: now)
        let early = try #require(estimates.link(at: now + 0.02))
        #expect(abs(early.radio.uplink - 8) < 0.01)
        let late = try #require(estimates.link(at: now + 1))
        #expect(late.radio.uplink < 0.1)
        // It isn't forgotten with the question that is given up.
        estimates.ended(99, at: now + 1)
        let ended = try #require(estimates.link(at: now + 1))
        #expect(ended.radio.uplink < 0.1 && !estimates.hasOpen)
    }

    @Test func whatAWorkerRefusesIsNotTheLinksFault() throws {
        var now = 0.0
        var estimates = Self.known(until: &now)
        estimates.sent(99, bytes: 10_000, server: 0.005, at: now)
        estimates.ended(99, isExcused: true, at: now + 3)
        #expect(!estimates.isDoubtful(at: now))
        #expect(try abs(#require(estimates.link(at: now + 3)).radio.uplink - 8) < 0.01)
        estimates.sent(100, bytes: 10_000, server: 0.005, at: now + 3)
        estimates.ended(100, at: now + 6)
        #expect(estimates.isDoubtful(at: now))
        estimates.sent(101, bytes: 600, server: 0.005, isProbe: true, at: now + 8)
        estimates.answered(101, Self.transfer(600), at: now + 8.1)
        #expect(!estimates.isDoubtful(at: now))
        #expect(try abs(#require(estimates.link(at: now + 9)).radio.uplink - 8) < 0.1)
    }

    @Test func whetherASlowServerIsQuickAgainIsWorthATrial() {
        var now = 0.0
        var estimates = Self.known(until: &now)
        #expect(!estimates.isDoubtful(at: now))
        for index in 200..<202 as Range<UInt64> {
            now += 1
            estimates.sent(index, bytes: 8000, server: 0.005, at: now)
            estimates.answered(index, Self.transfer(8000, server: 10), at: now + 0.07)
        }
        #expect(estimates.isDoubtful(at: now + 1))
        estimates.sent(300, bytes: 600, server: 0.005, isProbe: true, at: now + 4)
        estimates.answered(300, Self.transfer(600), at: now + 4.02)
        #expect(!estimates.isDoubtful(at: now + 5) && abs(estimates.server(at: now + 5).slowdown - 1) < 1e-9)
    }

    @Test func aQuestionThatIsCancelledInGoodTimeSaysNothing() throws {
        var now = 0.0
        var estimates = Self.known(until: &now)
        estimates.sent(99, bytes: 10_000, server: 0.005, at: now)
        estimates.ended(99, at: now + 0.02)
        let link = try #require(estimates.link(at: now + 1))
        #expect(abs(link.radio.uplink - 8) < 0.01)
    }

    @Test func whatWaitsBehindAnotherTransferIsNotSlowItself() throws {
        var now = 0.0
        var estimates = Self.known(until: &now)
        for frame in 100..<104 as Range<UInt64> { estimates.sent(frame, bytes: 16_000, server: 0.005, at: now) }
        // Each takes 26 ms and the server; the last one's 130 ms are the others' as well.
        for (index, frame) in (100..<103 as Range<UInt64>).enumerated() { estimates.answered(frame, Self.transfer(16_000), at: now + 0.033 * Double(index + 1)) }
        let link = try #require(estimates.link(at: now + 0.13))
        #expect(abs(link.radio.uplink - 8) < 0.5)
    }

    @Test func aSlowServerIsNotASlowLink() throws {
        var now = 0.0
        var estimates = Self.known(until: &now)
        for index in 200..<204 as Range<UInt64> {
            now += 1
            estimates.sent(index, bytes: 8000, server: 0.005, at: now)
            estimates.answered(index, Self.transfer(8000, server: 10), at: now + 0.07)
        }
        let link = try #require(estimates.link(at: now))
        #expect(abs(estimates.server(at: now).slowdown - 10) < 1e-6 && abs(link.radio.uplink - 8) < 0.5)
    }

    @Test func probesAreKnownWhenTheyEnd() {
        var estimates = CloudEstimates()
        estimates.setConnected(true, at: 0)
        estimates.sent(1, bytes: 100, server: 0.005, isProbe: true, at: 0)
        estimates.sent(2, bytes: 100, server: 0.005, at: 0)
        estimates.sent(3, bytes: 100, server: 0.005, isProbe: true, at: 0)
        let wereProbes = [estimates.answered(1, nil, at: 1), estimates.answered(1, nil, at: 1), estimates.answered(2, nil, at: 1), estimates.ended(3, at: 1)]
        #expect(wereProbes == [true, false, false, true])
    }

    /// Any events in any order: finite estimates, and no more open questions than there can be.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func nothingMakesEstimatesOfWhatIsNone(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var estimates = CloudEstimates()
        var now = 0.0
        let odd: [Double] = [0, -1, .nan, .infinity, 1e-12, 1e12, 0.01, 0.02]
        for _ in 0..<2000 {
            now += Double.random(in: 0...0.5, using: &random)
            let frame = UInt64.random(in: 0..<100, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: estimates.sent(frame, bytes: .random(in: 0...1_000_000, using: &random), server: odd.randomElement(using: &random) ?? 0, at: now)
            case 1:
                let time = Duration.microseconds(Int64.random(in: 0...10_000_000, using: &random))
                estimates.answered(frame, CloudTransfer(bytes: .random(in: 0...100_000, using: &random), onTheWay: time, queue: time, inference: time), at: now)
            case 2: estimates.ended(frame, at: now)
            case 3: estimates.refused(frame)
            default: estimates.setConnected(Bool.random(using: &random), at: now)
            }
            let server = estimates.server(at: now)
            var figures = [server.slowdown, server.queue.mean]
            if let link = estimates.link(at: now) { figures += [link.radio.uplink, link.radio.roundTrip, link.spread.mean, link.spread.highest] }
            #expect(figures.allSatisfy { $0.isFinite && $0 >= 0 }, "seed \(seed): \(figures)")
        }
    }
}

struct ProbeScheduleTests {
    @Test func aSilentLinkIsProbedWithinTheHoursBudget() {
        var schedule = ProbeSchedule(perHour: 12)
        var times: [Double] = []
        for second in 0..<7200 {
            let now = Double(second)
            // A probe's answer is a transfer.
            guard let size = schedule.due(age: times.last.map { now - $0 }, isKnown: true, mode: .connected, at: now) else { continue }
            #expect(size == .small)
            schedule.began(at: now)
            times.append(now)
        }
        #expect(times.count == 24 && times.first == 0 && zip(times.dropFirst(), times).allSatisfy { $0 - $1 == 300 })
    }

    /// Until latency and bandwidth are known apart, small and large follow each other; where they never are, no more than so many an hour.
    @Test(arguments: [(12, 3), (12, .max), (1, .max)])
    func aNewLinkIsProbedInTwoSizes(perHour: Int, knownAfter: Int) {
        var schedule = ProbeSchedule(perHour: perHour)
        var sizes: [ProbeSchedule.Size] = []
        for second in 0..<100 {
            guard let size = schedule.due(age: sizes.isEmpty ? nil : 1, isKnown: sizes.count >= knownAfter, mode: .connected, at: Double(second)) else { continue }
            schedule.began(at: Double(second))
            sizes.append(size)
        }
        let series: [ProbeSchedule.Size] = [.small, .large, .small, .large]
        #expect(sizes == Array(series.prefix(min(perHour, knownAfter))))
    }

    @Test func aLinkThatIsUsedIsNotProbed() {
        var schedule = ProbeSchedule(perHour: 60)
        for second in 0..<1000 {
            let due = schedule.due(age: 10, isKnown: true, mode: .connected, at: Double(second))
            #expect(due == nil)
        }
    }

    @Test(arguments: [CloudStatus.Mode.connected, .autonomous]) func withoutABudgetNothingIsSentForTheLinksSake(mode: CloudStatus.Mode) {
        var schedule = ProbeSchedule(perHour: 0)
        for second in 0..<10_000 {
            let due = schedule.due(age: nil, isKnown: false, isDoubtful: second % 2 == 0, mode: mode, at: Double(second))
            #expect(due == nil)
        }
    }

    /// Or who stopped sending would be alone until the next start.
    @Test func withoutABudgetOneFindsOutAllTheSameWhetherAnybodyAnswers() {
        var schedule = ProbeSchedule(perHour: 0)
        var times: [Double] = []
        for second in 0..<7200 where schedule.due(age: nil, isKnown: true, mode: .degraded, at: Double(second)) == .small {
            schedule.began(at: Double(second))
            times.append(Double(second))
        }
        #expect(times.prefix(6) == [2, 6, 14, 30, 62, 126] && times.count < 20 && zip(times.dropFirst(), times).allSatisfy { $0 - $1 <= 720 })
    }

    @Test func whereNobodyIsKnownToAnswerOneTriesEverMoreRarely() {
        var schedule = ProbeSchedule(perHour: 12)
        var times: [Double] = []
        for second in 0..<1200 where schedule.due(age: nil, isKnown: false, mode: .degraded, at: Double(second)) == .small {
            schedule.began(at: Double(second))
            times.append(Double(second))
        }
        #expect(times.prefix(8) == [2, 6, 14, 30, 62, 122, 182, 242] && times.count == 23)
        // From anew after the broker was gone.
        _ = schedule.due(age: nil, isKnown: false, mode: .autonomous, at: 1200)
        let due = (1201..<1220).first { schedule.due(age: nil, isKnown: false, mode: .degraded, at: Double($0)) != nil }
        #expect(due == 1203)
        // Most were refused without being sent: they leave the hour's budget alone.
        _ = schedule.due(age: 4, isKnown: true, isDoubtful: true, mode: .connected, at: 1210)
        let probe = schedule.due(age: 7, isKnown: true, isDoubtful: true, mode: .connected, at: 1213)
        #expect(probe == .small)
        // An outage after a long doubt is tried soon, and the other way round.
        var other = ProbeSchedule(perHour: 12)
        var trials: [Int] = []
        for second in 0..<500 {
            let mode: CloudStatus.Mode = second < 200 || second >= 300 ? .connected : .degraded
            let age = Double(second - (trials.last ?? 0))
            guard other.due(age: age, isKnown: true, isDoubtful: true, mode: mode, at: Double(second)) != nil else { continue }
            other.began(at: Double(second))
            trials.append(second)
        }
        #expect(trials.contains(126) && trials.first { $0 >= 200 } == 202 && trials.first { $0 >= 300 } == 302, "\(trials)")
        // Who pays for every byte tries more rarely.
        var metered = ProbeSchedule(perHour: 1)
        var rare: [Double] = []
        for second in 0..<3600 where metered.due(age: nil, isKnown: false, mode: .degraded, at: Double(second)) == .small {
            metered.began(at: Double(second))
            rare.append(Double(second))
        }
        #expect(rare == [2, 6, 14, 30, 62, 126, 254, 510, 1022, 1742, 2462, 3182])
    }

    /// Where nothing is sent since the link seems slow, something must find out that it isn't any more; within the hour's budget.
    @Test func aDoubtIsTriedSoonAndThenEverMoreRarely() {
        var schedule = ProbeSchedule(perHour: 6)
        var times: [Double] = []
        func probe(at second: Int) -> Bool {
            // What a probe has for an answer is a transfer.
            let now = Double(second)
            guard schedule.due(age: now - (times.last ?? 0), isKnown: true, isDoubtful: true, mode: .connected, at: now) == .small else { return false }
            schedule.began(at: now)
            times.append(now)
            return true
        }
        let sent = (0..<3600).filter(probe)
        // Of six a quarter is kept for the usual pace.
        #expect(sent == [2, 6, 14, 30, 62, 662])
        let next = (3600..<5000).first(where: probe)
        #expect(next == 3602)
    }

    @Test func whileAnswersComeADoubtNeedsNoTrial() {
        var schedule = ProbeSchedule(perHour: 12)
        for second in 0..<1000 {
            let due = schedule.due(age: 1, isKnown: true, isDoubtful: true, mode: .connected, at: Double(second))
            #expect(due == nil)
        }
        let due = schedule.due(age: 2, isKnown: true, isDoubtful: true, mode: .connected, at: 1001)
        #expect(due == .small)
    }

    /// A trial finds that all is well, and what is sent then that it isn't: what swings like this does so ever more slowly.
    @Test func whatIsWellOnlyForTrialsIsTriedEverMoreRarely() {
        var schedule = ProbeSchedule(perHour: 60)
        var times: [Int] = []
        var doubtful = 0
        for second in 0..<600 {
            // For a second after each trial all seems well.
            guard second > doubtful else {
                _ = schedule.due(age: 0, isKnown: true, mode: .connected, at: Double(second))
                continue
            }
            guard schedule.due(age: Double(second - doubtful), isKnown: true, isDoubtful: true, mode: .connected, at: Double(second)) == .small else { continue }
            schedule.began(at: Double(second))
            times.append(second)
            doubtful = second + 1
        }
        #expect(times.count < 16 && zip(times.dropFirst(), times).map(-).prefix(4) == [6, 10, 18, 34])
        // What was well for long is tried soon.
        _ = schedule.due(age: 0, isKnown: true, mode: .connected, at: 600)
        let soon = (1000..<1100).first { schedule.due(age: Double($0 - 999), isKnown: true, isDoubtful: true, mode: .connected, at: Double($0)) != nil }
        #expect(soon == 1002)
    }
}
