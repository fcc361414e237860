// SPDX-License-Identifier: Apache-2.0
import Answers
import Gating
import TestSupport
import Testing

struct StreamGateTests {
    static let answer = Answer.classification(Classification(classIndex: 7, confidence: 0.99))

    /// - Parameter top: 0.8 is accepted, 0.9 is clear.
    static func reading(_ top: Double, class index: Int = 1) -> Reading {
        let confidence = Confidence(classIndex: index, topOne: top, margin: 0, entropy: 0, energy: 0)
        let gate = Gate.threshold(.topOne, 0.8)
        return Reading(
            confidence: confidence, verdict: gate.verdict(on: confidence), isClear: gate.verdict(on: confidence, stricterBy: 0.5).accepts)
    }

    static let fault = Reading(confidence: nil, verdict: .escalate(.fault(.notANumber)))

    static func settings(_ change: (inout StreamGate.Settings) -> Void = { _ in }) -> StreamGate.Settings {
        var settings = StreamGate.Settings()
        settings.frames = 1
        change(&settings)
        return settings
    }

    /// Frames of 100 ms, one after the other.
    struct Stream {
        var gate: StreamGate
        var frame: UInt64 = 0
        var now: Duration { .milliseconds(100) * Int(frame) }

        init(_ settings: StreamGate.Settings) { gate = StreamGate(settings) }

        mutating func next(_ reading: Reading?, canAsk: Bool = true) -> StreamGate.Step {
            frame += 1
            return gate.read(reading, frame: frame, taken: now, now: now, canAsk: canAsk)
        }
    }

    @Test func aHardObjectIsAskedAboutLessAndLess() {
        var stream = Stream(Self.settings { $0.longestInterval = .seconds(4) })
        var asked: [UInt64] = []
        for _ in 0..<200 {
            if case .ask = stream.next(Self.reading(0.5)) { asked.append(stream.frame) }
        }
        #expect(asked == [1, 11, 31, 71, 111, 151, 191])
    }

    @Test func questionsAreSoManyFramesApartAsWell() {
        var stream = Stream(Self.settings { $0.frames = 25 })
        var asked: [UInt64] = []
        for _ in 0..<60 {
            if case .ask = stream.next(Self.reading(0.5)) { asked.append(stream.frame) }
        }
        #expect(asked == [1, 26, 51])
    }

    @Test func anUnsureStretchEndsOnlyAboveTheHigherBound() {
        var stream = Stream(Self.settings())
        #expect(stream.next(Self.reading(0.85)) == .accept)
        #expect(stream.next(Self.reading(0.79)) == .ask(nil))
        #expect(stream.next(Self.reading(0.85)) == .rest(nil))
        #expect(stream.next(Self.reading(0.9)) == .accept)
        #expect(stream.next(Self.reading(0.85)) == .accept)
    }

    @Test func theCloudsAnswerIsCarriedWhileTheClassStays() {
        var stream = Stream(Self.settings())
        #expect(stream.next(Self.reading(0.5)) == .ask(nil))
        #expect(stream.next(Self.reading(0.5)) == .rest(nil))
        stream.gate.answered(1, Self.answer)
        let carried = StreamGate.Carried(answer: Self.answer, frame: 1, end: .milliseconds(2100))
        #expect(stream.next(Self.reading(0.6)) == .rest(carried))
        #expect(stream.next(Self.reading(0.85)) == .rest(carried))
        #expect(stream.next(Self.reading(0.5, class: 2)) == .ask(nil))
        #expect(stream.next(Self.reading(0.5)) == .rest(nil))
    }

    @Test func whatIsCarriedEndsInTime() {
        var stream = Stream(Self.settings { $0.carry = .milliseconds(500) })
        _ = stream.next(Self.reading(0.5))
        stream.gate.answered(1, Self.answer)
        for frame in 2...9 as ClosedRange<UInt64> {
            let step = stream.next(Self.reading(0.5))
            #expect(step == .rest(frame < 6 ? .init(answer: Self.answer, frame: 1, end: .milliseconds(600)) : nil), "frame \(frame)")
        }
    }

    @Test func anAnswerToAnotherClassOrStretchIsNotCarried() {
        for between in [Self.reading(0.5, class: 2), Self.reading(0.95), Self.fault, nil] {
            var stream = Stream(Self.settings())
            _ = stream.next(Self.reading(0.5))
            _ = stream.next(between)
            _ = stream.next(Self.reading(0.5))
            stream.gate.answered(1, Self.answer)
            #expect(stream.next(Self.reading(0.5)) == .rest(nil))
        }
    }

    @Test func damagedFramesAreAskedAboutAsSeldomAndCarryNothing() {
        var stream = Stream(Self.settings())
        #expect(stream.next(Self.fault) == .ask(nil))
        stream.gate.answered(1, Self.answer)
        #expect(stream.next(Self.fault) == .rest(nil))
        #expect(stream.next(nil) == .rest(nil))
        #expect(stream.gate.isUnsure)
    }

    @Test func whatCannotBeAskedIsNotCounted() {
        var stream = Stream(Self.settings())
        #expect(stream.next(Self.reading(0.5), canAsk: false) == .rest(nil))
        #expect(stream.next(Self.reading(0.5)) == .ask(nil))
        stream.gate.unanswered(2)
        stream.gate.answered(2, Self.answer)
        #expect(stream.next(Self.reading(0.5)) == .rest(nil))
    }

    /// Hostile streams: classes and scores that flicker, damage, answers late, twice, to anything; times that stand still or jump.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func neverAsksMoreThanTheBoundNorTrustsWhatItMustNot(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let settings = Self.settings {
            $0.frames = .random(in: 0...6, using: &random)
            $0.interval = .milliseconds(Int.random(in: 1...800, using: &random))
            $0.longestInterval = .milliseconds(Int.random(in: 1...3000, using: &random))
            $0.carry = .milliseconds(Int.random(in: 0...1500, using: &random))
        }
        var gate = StreamGate(settings)
        let most = Int.random(in: 1...14, using: &random)
        var now = Duration.zero
        var asked: [(class: Int?, now: Duration, frame: UInt64)] = []
        var taken: [UInt64: Duration] = [:]
        var classes: [UInt64: Int?] = [:]
        var accepted: Set<UInt64> = []
        for frame in 1...3000 as ClosedRange<UInt64> {
            now += .milliseconds(Int.random(in: 0...3, using: &random) == 0 ? Int.random(in: 0...400, using: &random) : Int.random(in: 0...30, using: &random))
            let index = Int.random(in: 0..<most, using: &random)
            let reading: Reading? = switch Int.random(in: 0..<12, using: &random) {
            case 0: nil
            case 1: Self.fault
            case 2: Self.reading(0.95, class: index)
            case 3: Self.reading(0.85, class: index)
            default: Self.reading(.random(in: 0...0.84, using: &random), class: frame % 50 < 25 ? index : 0)
            }
            let wasUnsure = gate.isUnsure
            taken[frame] = now - .milliseconds(Int.random(in: 0...50, using: &random))
            classes[frame] = .some(reading?.confidence?.classIndex)
            let canAsk = Int.random(in: 0..<8, using: &random) > 0
            let step = gate.read(reading, frame: frame, taken: taken[frame]!, now: now, canAsk: canAsk)
            var best: StreamGate.Carried?
            switch step {
            case .accept:
                accepted.insert(frame)
                #expect(reading?.verdict.accepts == true && (reading?.isClear == true || !wasUnsure), "seed \(seed), frame \(frame)")
            case .ask(let carried):
                best = carried
                #expect(canAsk)
                let local = reading?.confidence?.classIndex
                if let last = asked.last(where: { $0.class == local }) {
                    #expect(now - last.now >= settings.interval && frame - last.frame >= UInt64(settings.frames), "seed \(seed), frame \(frame)")
                }
                asked.append((local, now, frame))
                #expect(asked.suffix(while: { now - $0.now < settings.interval }) <= StreamGate.classes, "seed \(seed), frame \(frame)")
            case .rest(let carried): best = carried
            }
            if let best {
                // Asked about, young enough, and of the same class without another between.
                #expect(asked.contains { $0.frame == best.frame } && best.end > now && best.end == taken[best.frame]! + settings.carry)
                let local = reading?.confidence?.classIndex
                #expect(local != nil && (best.frame...frame).allSatisfy { classes[$0] == .some(local) && !accepted.contains($0) }, "seed \(seed), frame \(frame)")
            }
            for _ in 0..<2 where Bool.random(using: &random) {
                let about = UInt64.random(in: frame > 30 ? frame - 30...frame : 1...frame, using: &random)
                if Int.random(in: 0..<5, using: &random) == 0 { gate.unanswered(about) } else { gate.answered(about, Self.answer) }
            }
        }
        #expect(!asked.isEmpty && !accepted.isEmpty)
    }

    @Test func aStillCameraAsksLogarithmicallyThenEachLongestInterval() {
        var stream = Stream(Self.settings { $0.longestInterval = .seconds(16) })
        var asked = 0
        for _ in 0..<6000 {
            if case .ask = stream.next(Self.reading(0.5)) { asked += 1 }
        }
        // 600 s: at 0, 1, 3, 7, 15 s and then each 16 s.
        #expect(asked == 5 + (600 - 15) / 16)
    }
}

extension Array {
    /// How many of the last elements in a row satisfy it.
    fileprivate func suffix(while isIncluded: (Element) -> Bool) -> Int { reversed().prefix(while: isIncluded).count }
}
