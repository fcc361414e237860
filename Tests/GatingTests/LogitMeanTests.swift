// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import TestSupport
import Testing

struct LogitMeanTests {
    static func mean(_ first: [Float], _ second: [Float], _ scores: Calibration.Scores = .logits) throws(Fault) -> [Float] {
        var mean = LogitMean(classes: first.count, scores: scores)
        mean.look(at: first.span)
        try mean.lookAgain(at: second.span)
        return mean.logits
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func itIsTheMeanInWhicheverOrder(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (a, b) = ((0..<7).map { _ in Float.random(in: -9...9, using: &random) }, (0..<7).map { _ in Float.random(in: -9...9, using: &random) })
        #expect(try Self.mean(a, b) == zip(a, b).map { Float((Double($0) + Double($1)) / 2) })
        #expect(try Self.mean(a, b) == Self.mean(b, a))
        #expect(try Self.mean(a, a) == a)
    }

    @Test func looksThatDisagreeAreLessSureThanEither() throws {
        let looks: [[Float]] = [[4, 0, 0], [0, 4, 0]]
        let mean = try Self.mean(looks[0], looks[1])
        let confidence = try Calibration().confidence(of: mean.span)
        for look in looks { #expect(try Calibration().confidence(of: look.span).topOne > confidence.topOne) }
        #expect(confidence.margin == 0)
    }

    @Test func probabilitiesMeanWhatTheirLogitsMean() throws {
        let (a, b): ([Float], [Float]) = ([2, -1, 0.5], [1, 1, -3])
        let soft = [a, b].map { CalibrationTests.softmax($0, temperature: 1).map(Float.init) }
        let direct = try Self.mean(a, b)
        let through = try Self.mean(soft[0], soft[1], .probabilities)
        let (one, two) = try (Calibration().confidence(of: direct.span), Calibration().confidence(of: through.span))
        #expect(one.classIndex == two.classIndex && abs(one.topOne - two.topOne) < 1e-6)
    }

    @Test func damageInEitherLookIsAFault() throws {
        for damaged in [[Float.nan, 1], [.infinity, 0], [-.infinity, -.infinity]] {
            #expect(throws: Fault.self) { try Self.mean([1, 2], damaged) }
            let mean = try Self.mean(damaged, [1, 2])
            #expect(!Reading(of: mean.span, calibration: Calibration(), gate: .all([])).verdict.accepts)
        }
        #expect(throws: Fault.notAProbability) { try Self.mean([0.5, 0.5], [2, -1], .probabilities) }
        // A class that one look rules out is ruled out.
        #expect(try Self.mean([0, -.infinity], [0, 3]) == [0, -.infinity])
    }
}
