// SPDX-License-Identifier: Apache-2.0
import Planning
import TestSupport
import Testing

struct LinkEstimateTests {
    /// Mbit/s and seconds.
    private func seconds(_ bytes: Int, uplink: Double, latency: Double) -> Double { latency + Double(bytes) * 8e-6 / uplink }

    private func near(_ a: Double, _ b: Double, within share: Double = 0.01) -> Bool { (a - b).magnitude <= share * b }

    private func estimate(_ transfers: Int, uplink: Double, latency: Double, using generator: inout SeededGenerator) -> LinkEstimate {
        var estimate = LinkEstimate(assuming: .lte)
        for index in 0..<transfers {
            let bytes = Int.random(in: 200...60_000, using: &generator)
            estimate.observe(bytes: bytes, seconds: seconds(bytes, uplink: uplink, latency: latency), at: Double(index))
        }
        return estimate
    }

    @Test func beforeTheFirstTransferTheRadioIsAssumed() {
        let estimate = LinkEstimate(assuming: .lte)
        #expect(near(estimate.link(at: 5).radio.uplink, Radio.lte.uplink, within: 1e-12))
        #expect(estimate.link(at: 5).radio.roundTrip == Radio.lte.roundTrip)
        #expect(estimate.age(at: 5) == nil)
    }

    @Test(arguments: [(1.0, 0.2), (5.0, 0.04), (50.0, 0.002), (0.1, 1.0)])
    func transfersOfDifferentSizesGiveLatencyAndBandwidth(uplink: Double, latency: Double) {
        var generator = SeededGenerator(seed: 10)
        let link = estimate(24, uplink: uplink, latency: latency, using: &generator).link(at: 24)
        #expect(near(link.radio.uplink, uplink))
        #expect(near(link.radio.roundTrip, latency))
        #expect(near(link.spread.highest, 1))
    }

    @Test func threeOddTransfersAmongThemBendNothing() {
        var generator = SeededGenerator(seed: 11)
        var estimate = estimate(8, uplink: 4, latency: 0.05, using: &generator)
        for index in 0..<3 {
            estimate.observe(bytes: 20_000, seconds: 5, at: Double(10 + 2 * index))
            estimate.observe(bytes: 9000, seconds: seconds(9000, uplink: 4, latency: 0.05), at: Double(11 + 2 * index))
        }
        let link = estimate.link(at: 17)
        #expect(near(link.radio.uplink, 4, within: 0.1))
        #expect(near(link.radio.roundTrip, 0.05, within: 0.1))
        #expect(link.spread.highest > 10)
    }

    /// Small ones, over a link that is slower than was assumed: were the bandwidth to explain it all, ten times as many bytes would be expected to take ten times as long.
    @Test(arguments: [1, 3, 16]) func transfersOfOneSizeStretchWhatWasAssumed(transfers: Int) {
        var estimate = LinkEstimate(assuming: .lte)
        let took = 2.5 * Radio.lte.requestTime(bytes: 3000, serverTime: 0)
        for index in 0..<transfers { estimate.observe(bytes: 3000, seconds: took, at: Double(index)) }
        let link = estimate.link(at: 16)
        #expect(near(link.radio.roundTrip, 2.5 * Radio.lte.roundTrip, within: 1e-9))
        #expect(near(link.radio.uplink, Radio.lte.uplink / 2.5, within: 1e-9))
        #expect(near(link.radio.requestTime(bytes: 3000, serverTime: 0), took, within: 1e-9))
    }

    @Test func transfersOfOneSizeLeaveTheLatencyAsItWasLastFound() {
        var generator = SeededGenerator(seed: 16)
        var estimate = estimate(16, uplink: 20, latency: 0.03, using: &generator)
        for index in 0..<20 { estimate.observe(bytes: 30_000, seconds: seconds(30_000, uplink: 3, latency: 0.03), at: Double(20 + index)) }
        let link = estimate.link(at: 40)
        #expect(near(link.radio.uplink, 3))
        #expect(near(link.radio.roundTrip, 0.03))
    }

    /// A board that is busier takes a little longer over everything; a bandwidth that halves does so as well.
    @Test(arguments: [0.6, 1.3, 1.9]) func whatTakesUpToTwiceAsLongStretchesTheLineThatWasFound(stretch: Double) {
        var generator = SeededGenerator(seed: 19)
        var estimate = estimate(16, uplink: 5, latency: 0.02, using: &generator)
        for index in 0..<8 { estimate.observe(bytes: 2000, seconds: stretch * seconds(2000, uplink: 5, latency: 0.02), at: Double(400 + index)) }
        let link = estimate.link(at: 410)
        #expect(near(link.radio.uplink, 5 / stretch, within: 1e-6) && near(link.radio.roundTrip, 0.02 * stretch, within: 1e-6), "\(link.radio)")
    }

    /// Answers come late, since the board's processor is busy, and uploads are of one size: what they took says little of the bandwidth, what they had the link for does.
    @Test func transfersThatFollowEachOtherSayWhatTheLinkCarries() {
        var generator = SeededGenerator(seed: 18)
        var estimate = LinkEstimate(assuming: .wifi)
        var word = 0.0
        for index in 0..<16 {
            let next = Double(index + 1) * 2000 * 8e-6 / 5 + Double.random(in: 0...0.0015, using: &generator)
            estimate.observe(
                bytes: 2000, seconds: seconds(2000, uplink: 5, latency: 0.01) + Double.random(in: 0...0.004, using: &generator), occupied: next - word, at: 0.003 * Double(index))
            word = next
        }
        let link = estimate.link(at: 0.05)
        #expect(near(link.radio.uplink, 5, within: 0.1))
        #expect(link.radio.roundTrip > 0.01 && link.radio.roundTrip < 0.014 && estimate.isKnown)
        #expect(near(link.radio.requestTime(bytes: 2000, serverTime: 0) * link.spread.mean, seconds(2000, uplink: 5, latency: 0.012), within: 0.1))
    }

    @Test func theMeanOfTransfersIsWhatTheyTook() {
        var generator = SeededGenerator(seed: 12)
        var estimate = LinkEstimate(assuming: .wifi)
        var times: [Double] = []
        for index in 0..<16 {
            times.append(seconds(10_000, uplink: 10, latency: 0.02) * Double.random(in: 0.7...1.4, using: &generator))
            estimate.observe(bytes: 10_000, seconds: times[index], at: Double(index))
        }
        let link = estimate.link(at: 16)
        let predicted = link.radio.requestTime(bytes: 10_000, serverTime: 0) * link.spread.mean
        #expect(near(predicted, times.reduce(0, +) / 16, within: 1e-9))
    }

    @Test func aBandwidthThatFallsAHundredfoldIsKnownAfterTwoTransfers() {
        var generator = SeededGenerator(seed: 13)
        var estimate = estimate(16, uplink: 50, latency: 0.01, using: &generator)
        for index in 0..<2 { estimate.observe(bytes: 30_000 + index * 1000, seconds: seconds(30_000 + index * 1000, uplink: 0.5, latency: 0.01), at: 20) }
        #expect(near(estimate.link(at: 20).radio.uplink, 0.5, within: 0.1))
    }

    @Test func fewTransfersAreNoLineAndLeaveTheLatencyAsItWasKnown() {
        var generator = SeededGenerator(seed: 15)
        var estimate = estimate(16, uplink: 50, latency: 0.01, using: &generator)
        estimate.observe(bytes: 30_000, seconds: 1, at: 20)
        estimate.observe(bytes: 90_000, seconds: 1.02, at: 21)
        #expect(near(estimate.link(at: 21).radio.roundTrip, 0.01))
        #expect(estimate.link(at: 21).radio.uplink < 1)
    }

    @Test func aTransferThatDoesNotEndIsKnownWhileItLasts() {
        var generator = SeededGenerator(seed: 14)
        let estimate = estimate(16, uplink: 50, latency: 0.01, using: &generator)
        let usual = seconds(30_000, uplink: 50, latency: 0.01)
        #expect(estimate.with(unansweredBytes: 30_000, seconds: usual * 1.5, at: 20) == estimate)
        let late = estimate.with(unansweredBytes: 30_000, seconds: usual * 100, at: 20)
        #expect(late.link(at: 20).radio.requestTime(bytes: 30_000, serverTime: 0) * late.link(at: 20).spread.mean >= usual * 99)
    }

    /// One lost question: a worker that was killed, a datagram too many. All was well otherwise.
    @Test func whatStaysWithoutAnAnswerIsADoubtThatTheNextAnswerEnds() {
        var generator = SeededGenerator(seed: 17)
        let before = estimate(34, uplink: 10, latency: 0.012, using: &generator)
        let doubtful = before.with(unansweredBytes: 1702, seconds: 0.6, at: 40)
        #expect(doubtful.isDoubtful && !before.isDoubtful)
        #expect(doubtful.link(at: 41).radio.requestTime(bytes: 1702, serverTime: 0) >= 0.59)
        // Another one without an answer changes nothing of what was known.
        var estimate = doubtful.with(unansweredBytes: 1702, seconds: 3, at: 42)
        estimate.observe(bytes: 600, seconds: seconds(600, uplink: 10, latency: 0.012) * 1.2, at: 44)
        #expect(!estimate.isDoubtful && near(estimate.link(at: 44).radio.uplink, 10) && near(estimate.link(at: 44).radio.roundTrip, 0.012, within: 0.05))
        // Or the link has changed: then the answer is the first that is known of it, and not enough to give up what was.
        var changed = doubtful
        changed.observe(bytes: 1702, seconds: seconds(1702, uplink: 0.1, latency: 0.012), at: 44)
        #expect(changed.isDoubtful && near(changed.link(at: 44).radio.uplink, 0.1, within: 0.05))
        changed.observe(bytes: 600, seconds: seconds(600, uplink: 10, latency: 0.012), at: 48)
        #expect(!changed.isDoubtful && near(changed.link(at: 48).radio.uplink, 10))
        // The lost question's own answer, late: it says no more than that it was lost.
        var late = doubtful
        late.observe(bytes: 1702, seconds: 2.5, at: 41)
        #expect(late.isDoubtful)
        // Before the first transfer as well.
        var fresh = LinkEstimate(assuming: .wifi).with(unansweredBytes: 1702, seconds: 5, at: 1)
        #expect(fresh.isDoubtful)
        fresh.observe(bytes: 1702, seconds: Radio.wifi.requestTime(bytes: 1702, serverTime: 0), at: 2)
        #expect(near(fresh.link(at: 2).radio.uplink, Radio.wifi.uplink))
    }

    /// Two seconds of a narrow link, in which nothing more is sent once it is known; then a probe.
    @Test func aDipIsOverWithTheFirstAnswerThatFitsWhatWasKnownBefore() {
        var generator = SeededGenerator(seed: 20)
        var estimate = estimate(16, uplink: 10, latency: 0.01, using: &generator)
        // Several were under way; all were held up by the same thing.
        for late in 0..<6 { estimate.observe(bytes: 1702, seconds: 1.5 - 0.1 * Double(late), at: 20) }
        #expect(estimate.isDoubtful && estimate.link(at: 20).radio.requestTime(bytes: 1702, serverTime: 0) > 0.5)
        var over = estimate
        over.observe(bytes: 600, seconds: seconds(600, uplink: 10, latency: 0.01), at: 22)
        #expect(!over.isDoubtful && near(over.link(at: 22).radio.uplink, 10) && near(over.link(at: 22).radio.roundTrip, 0.01))
        #expect(near(over.link(at: 22).spread.highest, 1))
        // Or it stays: four answers to what was sent since say so.
        for round in 1...4 {
            #expect(estimate.isDoubtful)
            estimate.observe(bytes: 600, seconds: seconds(600, uplink: 0.1, latency: 0.01), at: 20 + 2 * Double(round))
        }
        #expect(!estimate.isDoubtful)
        #expect(near(estimate.link(at: 28).radio.requestTime(bytes: 600, serverTime: 0), seconds(600, uplink: 0.1, latency: 0.01), within: 0.3))
    }

    @Test func whatBecomesFasterIsNoDoubt() {
        var generator = SeededGenerator(seed: 21)
        var estimate = estimate(16, uplink: 1, latency: 0.05, using: &generator)
        for index in 0..<3 { estimate.observe(bytes: 20_000, seconds: seconds(20_000, uplink: 20, latency: 0.01), at: Double(20 + index)) }
        #expect(!estimate.isDoubtful && near(estimate.link(at: 23).radio.requestTime(bytes: 20_000, serverTime: 0), seconds(20_000, uplink: 20, latency: 0.01), within: 0.05))
    }

    /// The broker's words come as late as answers do, 10 ms at times, where the board's processor is busy.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func lateWordsDoNotBlowTheBandwidthUp(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var estimate = LinkEstimate(assuming: .wifi)
        var word = 0.0
        for index in 0..<16 {
            let next = max(word + 20e-6, Double(index + 1) * 2000 * 8e-6 / 5 + (Double.random(in: 0...1, using: &generator) < 0.1 ? 0.01 : Double.random(in: 0...0.002, using: &generator)))
            estimate.observe(bytes: 2000, seconds: seconds(2000, uplink: 5, latency: 0.01), occupied: next - word, at: 0.003 * Double(index))
            word = next
        }
        let uplink = estimate.link(at: 0.05).radio.uplink
        #expect(uplink > 4 && uplink < 10, "seed \(seed): \(uplink)")
    }

    /// Uploads of nearly one size around a dip: what is left of it mustn't say that an answer needs no time but for its bytes.
    @Test func noLineGoesBelowZero() {
        var estimate = LinkEstimate(assuming: .wifi)
        for (index, bytes) in [500, 600, 1500, 1600, 550, 1550, 520, 1580].enumerated() {
            estimate.observe(bytes: bytes, seconds: bytes < 1000 ? 0.004 : 0.02, at: Double(index))
        }
        #expect(estimate.link(at: 8).radio.roundTrip > 0)
    }

    @Test func oldTransfersCountWhereThereAreNoNewerOnes() {
        var estimate = LinkEstimate(assuming: .lte)
        for index in 0..<8 { estimate.observe(bytes: 10_000, seconds: 0.5, at: Double(index)) }
        let old = estimate.link(at: 10_000)
        #expect(near(old.radio.requestTime(bytes: 10_000, serverTime: 0), 0.5))
        #expect(estimate.age(at: 10_000) == 9993)
        estimate.observe(bytes: 10_000, seconds: 0.4, at: 10_000)
        let link = estimate.link(at: 10_000)
        #expect(near(link.radio.requestTime(bytes: 10_000, serverTime: 0) * link.spread.mean, 0.4))
    }

    @Test func eachNetworkIsKnownByItself() {
        var estimates = LinkEstimates()
        for index in 0..<4 { estimates[.wifi].observe(bytes: 10_000, seconds: 3, at: Double(index)) }
        #expect(estimates[.lte].link(at: 4) == LinkEstimate(assuming: .lte).link(at: 4))
        #expect(estimates[.wifi].link(at: 4).radio.uplink < 0.1)
    }

    @Test func whateverIsObservedTheEstimateStaysANumberAboveZero() {
        for seed in 0..<200 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var estimate = LinkEstimate(assuming: .threeG)
            for _ in 0..<30 {
                let odd = [0, -1, .nan, .infinity, 1e-12, 1e12].randomElement(using: &generator) ?? 0
                let seconds = Bool.random(using: &generator) ? odd : generator.magnitude(1e-6...100)
                let bytes = Bool.random(using: &generator) ? Int.random(in: 0...3, using: &generator) : Int.random(in: -5...1_000_000, using: &generator)
                estimate.observe(bytes: bytes, seconds: seconds, at: Double.random(in: 0...1000, using: &generator))
                let link = estimate.link(at: 1000)
                #expect(link.radio.uplink > 0 && link.radio.uplink.isFinite, "seed \(seed)")
                #expect(link.radio.roundTrip >= 0 && link.radio.roundTrip.isFinite, "seed \(seed)")
                #expect(link.spread.classes.min() > 0 && link.spread.highest.isFinite, "seed \(seed)")
            }
        }
    }
}

struct BoardEstimateTests {
    /// Whatever runs there are, their mean is foretold: short ones pass between two turns of others, long ones take some times as long.
    @Test(arguments: [0, 1, 4, 7, 8, 9, 12, 15, 16], [2.0, 3, 3.9]) func theSlowdownSuitsRunsAsTheyAre(short: Int, factor: Double) {
        var estimate = BoardEstimate()
        for index in 0..<16 { estimate.observe(index < short ? 0.003 : 0.012 * factor, expected: index < short ? 0.003 : 0.012, at: Double(index)) }
        let (took, expected) = (0.003 * Double(short) + 0.012 * factor * Double(16 - short), 0.003 * Double(short) + 0.012 * Double(16 - short))
        #expect((estimate.board(power: 2, at: 20).slowdown - took / expected).magnitude < 1e-12)
    }

    /// A hiccup moves no plan; what comes more often than to one frame in twenty does.
    @Test(arguments: [(1, 1.5), (2, 50), (4, 50)] as [(Int, Double)])
    func runsThatWereHeldUpChangeNothingButTheHighSlowdownWhereThereAreMany(heldUp: Int, high: Double) {
        var estimate = BoardEstimate()
        for index in 0..<32 { estimate.observe(index % (32 / heldUp) == 7 ? 1 : 0.03, expected: 0.02, at: Double(index)) }
        let board = estimate.board(power: 2, at: 32)
        #expect((board.slowdown - 1.5).magnitude < 1e-12)
        #expect((board.highSlowdown - high).magnitude < 1e-9)
        #expect(board.power == 2)
        #expect(estimate.age(at: 32) == 1)
    }

    /// They pass between two turns of others, or are hit by one: the tail is of what is long.
    @Test func shortRunsSayLittleOfTheHighSlowdown() {
        var estimate = BoardEstimate()
        for index in 0..<32 {
            if index % 4 == 0 { estimate.observe(index % 8 == 0 ? 0.008 : 0.001, expected: 0.001, at: Double(index)) } else { estimate.observe(0.03, expected: 0.02, at: Double(index)) }
        }
        #expect((estimate.board(power: 2, at: 32).highSlowdown - 1.5).magnitude < 1e-12)
    }

    @Test func ofFewRunsOneThatWasHeldUpIsNoSign() {
        var estimate = BoardEstimate()
        for index in 0..<19 {
            estimate.observe(index == 3 ? 1 : 0.03, expected: 0.02, at: Double(index))
            if index > 4 { #expect((estimate.board(power: 2, at: Double(index)).highSlowdown - 1.5).magnitude < 1e-12) }
        }
    }

    @Test func aBoardThatHasNotRunForLongGetsAnotherChance() {
        var estimate = BoardEstimate()
        for index in 0..<16 { estimate.observe(0.06, expected: 0.02, at: Double(index)) }
        #expect((estimate.board(power: 1, at: 300).slowdown - 3).magnitude < 1e-12)
        #expect(estimate.board(power: 1, at: 316).slowdown == 1)
        estimate.observe(0.04, expected: 0.02, at: 320)
        #expect((estimate.board(power: 1, at: 320).slowdown - 2).magnitude < 1e-12)
    }

    @Test func whatIsNoTimeSaysNothing() {
        var estimate = BoardEstimate()
        for (seconds, expected) in [(0, 1), (1, 0), (-1, 1), (.nan, 1), (.infinity, 1)] as [(Double, Double)] { estimate.observe(seconds, expected: expected, at: 0) }
        #expect(estimate.board(power: 1, at: 0) == Conditions.Board(power: 1))
        #expect(estimate.age(at: 0) == nil)
    }
}

struct ServerEstimateTests {
    @Test func slowdownAndQueueAreWhatAnswersSay() {
        var estimate = ServerEstimate()
        for index in 0..<8 { estimate.observe(0.03, expected: 0.01, queue: Double(10 + index), at: Double(index)) }
        let server = estimate.server(at: 8)
        #expect((server.slowdown - 3).magnitude < 1e-12)
        #expect(server.queue == Octiles(of: (10..<18).map(Double.init)))
    }

    @Test func refusalsSayHowLongOneWaitsAtLeast() {
        var estimate = ServerEstimate()
        for index in 0..<16 { estimate.observe(0.02, expected: 0.01, queue: 0.001, at: Double(index)) }
        // What waited no longer than others says nothing.
        estimate.refused(after: 0.0005, expected: 0.01, at: 16)
        #expect(estimate.age(at: 16) == 1)
        for index in 0..<2 { estimate.refused(after: 0.5, expected: 0.01, at: 17 + Double(index)) }
        let server = estimate.server(at: 18)
        #expect((server.slowdown - 2).magnitude < 1e-9 && (server.queue.mean - 0.5).magnitude < 1e-9)
    }

    @Test func aServerTenTimesSlowerIsKnownAfterTwoAnswers() {
        var estimate = ServerEstimate()
        for index in 0..<16 { estimate.observe(0.01, expected: 0.01, queue: 0, at: Double(index)) }
        estimate.observe(0.1, expected: 0.01, queue: 0, at: 16)
        #expect(estimate.server(at: 16).slowdown < 1.1)
        estimate.observe(0.1, expected: 0.01, queue: 0, at: 17)
        #expect((estimate.server(at: 17).slowdown - 10).magnitude < 1e-9)
    }

    /// Two quick answers are needed, of trials one.
    @Test(arguments: [false, true]) func aServerThatIsQuickAgainIsKnownByATrialAtOnce(isTrial: Bool) {
        var estimate = ServerEstimate()
        for index in 0..<16 { estimate.observe(0.01, expected: 0.01, queue: 0, at: Double(index)) }
        #expect(!estimate.isSlow(at: 16))
        for index in 16..<20 { estimate.observe(0.1, expected: 0.01, queue: 0, at: Double(index)) }
        #expect(estimate.isSlow(at: 19))
        // A slow one changes nothing, trial or not.
        estimate.observe(0.09, expected: 0.01, queue: 0, isTrial: isTrial, at: 20)
        #expect(estimate.isSlow(at: 20) && abs(estimate.server(at: 20).slowdown - 10) < 1e-9)
        estimate.observe(0.012, expected: 0.01, queue: 0, isTrial: isTrial, at: 21)
        #expect(estimate.isSlow(at: 21) != isTrial)
        estimate.observe(0.012, expected: 0.01, queue: 0, isTrial: isTrial, at: 22)
        #expect(!estimate.isSlow(at: 22) && abs(estimate.server(at: 22).slowdown - 1.2) < 1e-9)
    }

    /// What is slow for long, or silent for long, is no doubt any more.
    @Test func aServerIsSlowForALimitedTime() {
        var estimate = ServerEstimate()
        for index in 0..<16 { estimate.observe(0.003, expected: 0.01, queue: 0, at: Double(index)) }
        #expect(!estimate.isSlow(at: 400), "unknown after a silence, not slow")
        for second in stride(from: 16.0, through: 400, by: 8) {
            estimate.observe(0.01, expected: 0.01, queue: 0, at: second)
            #expect(estimate.isSlow(at: second) == (second >= 24 && second <= 16 + ServerEstimate.memory), "at \(second)")
        }
        // And slow against that is slow again.
        for second in [408.0, 416] { estimate.observe(0.03, expected: 0.01, queue: 0, at: second) }
        #expect(estimate.isSlow(at: 416))
    }

    @Test func aQueueThatGrowsIsASlowServer() {
        var estimate = ServerEstimate()
        for index in 0..<16 { estimate.observe(0.01, expected: 0.01, queue: 0.001, at: Double(index)) }
        for index in 16..<18 { estimate.observe(0.01, expected: 0.01, queue: 0.2, at: Double(index)) }
        #expect(estimate.isSlow(at: 18) && abs(estimate.server(at: 18).queue.mean - 0.2) < 1e-9)
        // One slow answer after a silence is no news: whoever begins is slow.
        for index in 30..<33 { estimate.observe(0.01, expected: 0.01, queue: 0.001, at: Double(index)) }
        estimate.observe(0.05, expected: 0.01, queue: 0.001, at: 60)
        #expect(!estimate.isSlow(at: 60))
    }

    @Test func aServerThatWasNotAskedForLongGetsAnotherChance() {
        var estimate = ServerEstimate()
        estimate.observe(1, expected: 0.01, queue: 5, at: 0)
        #expect(estimate.server(at: ServerEstimate.memory).slowdown == 100)
        #expect(estimate.server(at: ServerEstimate.memory + 1) == Conditions.Server())
    }

    @Test func aDamagedAnswerSaysNothing() {
        var estimate = ServerEstimate()
        for (seconds, queue) in [(0, 0), (-1, 0), (.nan, 0), (1, -1), (1, .nan), (.infinity, 0), (1, .infinity)] as [(Double, Double)] {
            estimate.observe(seconds, expected: 1, queue: queue, at: 0)
        }
        #expect(estimate.age(at: 0) == nil)
    }
}
