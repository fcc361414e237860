// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import Testing

struct PairedDifferenceTests {
    @Test func theIntervalCoversTheTrueDifferenceOftenEnough() {
        let samples = 12
        var intervals: [[ClosedRange<Double>]] = []
        for gains in 0...samples {
            intervals.append((0...(samples - gains)).map { PairedDifference(losses: $0, gains: gains, samples: samples).interval })
        }
        var least = 1.0
        for step in 0...20 {
            for other in 0...(20 - step) {
                let (loss, gain) = (Double(step) / 20, Double(other) / 20)
                var covered = 0.0
                for gains in 0...samples {
                    let gained = Binomial(trials: samples, probability: gain).probability(of: gains)
                    let losses = Binomial(trials: samples - gains, probability: gain < 1 ? min(loss / (1 - gain), 1) : 0)
                    for harms in 0...(samples - gains) where intervals[gains][harms].contains(gain - loss) {
                        covered += gained * losses.probability(of: harms)
                    }
                }
                #expect(covered >= 0.95 - 1e-9, "losses \(loss) gains \(gain)")
                least = min(least, covered)
            }
        }
        #expect(least < 0.975, "the interval is wider than it need be")
    }

    @Test func swappingTheSidesMirrorsTheInterval() {
        let one = PairedDifference(losses: 12, gains: 30, samples: 400)
        let other = PairedDifference(losses: 30, gains: 12, samples: 400)
        #expect(one.value == 0.045 && other.value == -0.045)
        #expect(one.interval.lowerBound == -other.interval.upperBound && one.interval.upperBound == -other.interval.lowerBound)
        #expect(one.interval.contains(0.045) && !one.interval.contains(0))
    }

    @Test func theLossEndAgreesWithTheTest() {
        let difference = PairedDifference(losses: 20, gains: 22, samples: 1000, confidence: 0.9)
        for (step, proves) in [(1.05, true), (0.9, false)] {
            let test = RiskTest(.accuracyLoss, below: -difference.interval.lowerBound * step, confidence: 0.95, samples: 1000)
            #expect(test.proves(losses: 20, gains: 22) == proves)
        }
    }

    @Test func extremesStayWithinBounds() {
        #expect(PairedDifference(losses: 0, gains: 0, samples: 0).interval == -1...1)
        #expect(PairedDifference(losses: 1, gains: 0, samples: 1).interval.lowerBound == -1)
        #expect(PairedDifference(losses: 0, gains: 5, samples: 5).interval.upperBound == 1)
        let none = PairedDifference(losses: 0, gains: 0, samples: 299).interval
        #expect(none.lowerBound < 0 && none.lowerBound > -0.02 && none.upperBound == -none.lowerBound)
    }
}
