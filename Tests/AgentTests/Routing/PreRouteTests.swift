// SPDX-License-Identifier: Apache-2.0
import Agent
import Images
import TestSupport
import Testing

struct PreRouteTests {
    static let settings = PreRoute.Settings(deadline: .milliseconds(100), expiry: .milliseconds(1000), speculates: true)

    static func image(_ light: UInt8 = 100, contrast: Double = 40, sharpness: Double = 300) -> PixelStatistics {
        PixelStatistics(luminance: Double(light), contrast: contrast, sharpness: sharpness, fields: SIMD16(repeating: light))
    }

    /// A stream of frames 50 ms apart on a board that takes 30 ms.
    struct Stream {
        var machine: PreRoute
        var now = Duration.zero
        var frame: UInt64 = 0
        var link = PreRoute.Link()

        init(_ settings: PreRoute.Settings = PreRouteTests.settings, bytes: Double = 5000) { machine = PreRoute(settings, bytes: bytes) }

        /// One frame, asked about unless it is accepted or kept back; `answer`: after how long.
        @discardableResult
        mutating func frame(_ image: PixelStatistics = PreRouteTests.image(), accepted: Bool, score: Double = 0.9, answer: Duration? = .milliseconds(40)) -> PreRoute.Route {
            frame += 1
            let route = machine.route(image, link: link, now: now)
            if route == .sendAtOnce { machine.asked(frame, now: now) }
            machine.computed(accepted: accepted, score: score, after: .milliseconds(30))
            if route == .compute, !accepted { machine.asked(frame, now: now + .milliseconds(30)) }
            if let answer, route == .sendAtOnce || (route == .compute && !accepted) {
                machine.answered(frame, now: now + answer + (route == .compute ? .milliseconds(30) : .zero))
            }
            now += .milliseconds(50)
            return route
        }
    }

    @Test func aFrameThatWillSurelyEscalateIsSentAtOnce() {
        var stream = Stream()
        let routes = (0..<40).map { _ in stream.frame(accepted: false, score: 0.3) }
        #expect(routes.prefix(8).allSatisfy { $0 == .compute } && routes.suffix(20).allSatisfy { $0 == .sendAtOnce })
    }

    @Test func aFrameThatWillSurelyBeAcceptedIsNot() {
        var stream = Stream()
        for _ in 0..<20 { stream.frame(accepted: false, score: 0.3) }
        let routes = (0..<300).map { _ in stream.frame(accepted: true) }
        #expect(routes.suffix(100).allSatisfy { $0 == .compute })
    }

    @Test func withoutSpeculationNothingIsSentAtOnce() {
        var settings = Self.settings
        settings.speculates = false
        var stream = Stream(settings)
        #expect((0..<100).allSatisfy { _ in stream.frame(accepted: false, score: 0.3) == .compute })
    }

    @Test func nothingIsSentAtOnceWhereTheLinkCannotPayIt() {
        let links: [PreRoute.Link] = [.init(isConnected: false), .init(hasRoom: false), .init(budgetLeft: 0)]
        for link in links {
            var stream = Stream()
            for _ in 0..<40 { stream.frame(accepted: false, score: 0.3) }
            stream.link = link
            #expect(stream.frame(accepted: false, score: 0.3) == .compute, "\(link)")
            stream.link = .init()
            #expect(stream.frame(accepted: false, score: 0.3) == .sendAtOnce)
        }
    }

    @Test func answersThatAreLateAnywayAreNotWorthAnEarlyUpload() {
        var stream = Stream()
        for _ in 0..<60 { #expect(stream.frame(accepted: false, score: 0.3, answer: .milliseconds(400)) == .compute) }
    }

    @Test func theDearerAWastedByteTheSurerItMustBe() {
        // Every other frame is accepted, whatever the one before was: p is about one half.
        var random = SeededGenerator(seed: 3)
        var cheap = Self.settings
        cheap.bytesPerSavedSecond = 1_000_000
        var dear = Self.settings
        dear.bytesPerSavedSecond = 50_000
        var streams = [Stream(cheap), Stream(dear)]
        var sent = [0, 0]
        for round in 0..<600 {
            let accepted = Bool.random(using: &random)
            for index in streams.indices where streams[index].frame(accepted: accepted, score: accepted ? 0.9 : 0.3) == .sendAtOnce && round >= 100 { sent[index] += 1 }
        }
        #expect(sent[0] > 450 && sent[1] < 50, "\(sent)")
    }

    @Test func theSceneTellsWhatTheLastFrameAloneDoesNot() {
        // The same scene goes as before; a new one is accepted.
        var stream = Stream()
        var right = 0
        for round in 0..<800 {
            let isNew = round % 8 == 0
            let isHard = (round / 8) % 2 == 0
            let route = stream.frame(Self.image(UInt8(20 * ((round / 8) % 10))), accepted: isNew || !isHard, score: isHard && !isNew ? 0.3 : 0.9)
            if round >= 400, isNew { right += route == .compute ? 1 : 0 }
            if round >= 400, !isNew, isHard, round % 8 > 1 { right += route == .sendAtOnce ? 1 : 0 }
        }
        #expect(right >= 50 + 150 - 8, "\(right)")
    }

    @Test func anImageWithNothingToSeeIsKeptBack() {
        var stream = Stream()
        #expect(stream.frame(Self.image(0, contrast: 0, sharpness: 0), accepted: false) == .keepBack(.nothingToSee))
        #expect(stream.frame(Self.image(80, contrast: 30, sharpness: 0), accepted: false) == .keepBack(.blurred))
        #expect(stream.frame(Self.image(80, contrast: .nan, sharpness: .nan), accepted: false) == .keepBack(.nothingToSee))
        #expect(stream.frame(accepted: false) == .compute)
    }

    @Test func aLinkWhoseAnswersNeverComeInTimeIsTriedNowAndThenOnly() {
        var stream = Stream()
        var asked = 0
        for round in 0..<4000 {
            let route = stream.frame(accepted: false, answer: nil)
            if round > 100, route != .keepBack(.tooSlow) { asked += 1 }
        }
        // 195 s with a try each ten seconds.
        #expect((10...25).contains(asked), "\(asked)")
        // And is used again soon after it got better.
        var back = 0
        while stream.frame(accepted: false, answer: .milliseconds(40)) == .keepBack(.tooSlow), back < 1000 { back += 1 }
        for _ in 0..<1000 { stream.frame(accepted: false, answer: .milliseconds(40)) }
        #expect(back < 250)
        #expect(stream.frame(accepted: false) == .sendAtOnce)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func whateverHappensProbabilitiesAreProbabilitiesAndAWorseLinkNeverSendsMore(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = PreRoute(
            .init(
                deadline: .milliseconds(Int.random(in: 1...500, using: &random)), expiry: .milliseconds(Int.random(in: 1...3000, using: &random)),
                speculates: .random(using: &random), bytesPerSavedSecond: pow10(Int.random(in: 0...9, using: &random))))
        var now = Duration.zero
        var frame: UInt64 = 0
        for _ in 0..<3000 {
            now += .milliseconds(Int.random(in: 0...200, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: machine.asked(UInt64.random(in: 0...(frame + 1), using: &random), now: now)
            case 1: machine.answered(UInt64.random(in: 0...(frame + 1), using: &random), now: now)
            case 2: machine.unanswered(UInt64.random(in: 0...(frame + 1), using: &random), now: now)
            case 3: machine.compressed(bytes: Int.random(in: 0...100_000, using: &random))
            case 4: machine.computed(accepted: .random(using: &random), score: ([nil, 0, 1, .nan, 0.5] as [Double?])[Int.random(in: 0..<5, using: &random)], after: .milliseconds(Int.random(in: 0...400, using: &random)))
            default:
                frame += 1
                let odd = ([0, 1, .nan, .infinity, 50, 500] as [Double]).randomElement(using: &random) ?? 0
                let image = Self.image(UInt8.random(in: 0...255, using: &random), contrast: odd, sharpness: 500 * Double.random(in: 0...1, using: &random))
                let link = PreRoute.Link(isConnected: true, hasRoom: true, budgetLeft: .random(in: 0...1, using: &random))
                var worse = link
                switch Int.random(in: 0..<3, using: &random) {
                case 0: worse.isConnected = false
                case 1: worse.hasRoom = false
                default: worse.budgetLeft *= Double.random(in: 0...1, using: &random)
                }
                var copy = machine
                let route = machine.route(image, link: link, now: now)
                if copy.route(image, link: worse, now: now) == .sendAtOnce { #expect(route == .sendAtOnce, "seed \(seed)") }
            }
            for same in [true, false] {
                let probability = machine.escalationProbability(sameScene: same)
                #expect(probability > 0 && probability < 1, "seed \(seed)")
            }
        }
    }

    private func pow10(_ exponent: Int) -> Double { (0..<exponent).reduce(1.0) { value, _ in value * 10 } }
}
