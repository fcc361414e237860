// SPDX-License-Identifier: Apache-2.0
import Certification
import Testing

struct ProportionTests {
    /// Computed with mpmath at 40 digits: k, n, confidence, lower, upper.
    static let references: [(k: Int, n: Int, confidence: Double, lower: Double, upper: Double)] = [
        (0, 10, 0.95, 0.0, 0.30849710781876076),
        (1, 10, 0.95, 0.0025285785444617868, 0.44501611702819536),
        (5, 10, 0.95, 0.18708602844739857, 0.81291397155260143),
        (10, 10, 0.95, 0.69150289218123924, 1.0),
        (0, 299, 0.95, 0.0, 0.012261595907535044),
        (7, 55, 0.95, 0.052735182963729498, 0.24480272032202482),
        (16, 2500, 0.95, 0.0036624469345540528, 0.010372444572004209),
        (50, 5000, 0.99, 0.0067431189805285352, 0.014222876038087567),
        (10000, 1_000_000, 0.95, 0.009805906240745811, 0.010196939813514649),
    ]

    @Test(arguments: references.indices) func intervalsAreClopperAndPearsons(_ index: Int) {
        let reference = Self.references[index]
        let interval = Proportion(reference.k, of: reference.n).interval(confidence: reference.confidence)
        #expect(abs(interval.lowerBound - reference.lower) <= 1e-12 * reference.lower)
        #expect(abs(interval.upperBound - reference.upper) <= 1e-12 * reference.upper)
    }

    @Test func boundsNeverClaimMoreThanTheTestAllows() {
        for n in 1...60 {
            for k in 0...n {
                let proportion = Proportion(k, of: n)
                let upper = proportion.upperBound(confidence: 0.95)
                let lower = proportion.lowerBound(confidence: 0.95)
                #expect(lower <= proportion.value && proportion.value <= upper)
                if k < n { #expect(Binomial(trials: n, probability: upper).lowerTail(k) <= 1 - 0.95) }
                if k > 0 { #expect(Binomial(trials: n, probability: lower).upperTail(k) <= 1 - 0.95) }
            }
        }
    }

    /// A count that goes through a share and back, as 55 · (7 / 55), may lose one: the bound must be that of the count.
    @Test func aCountIsNotTakenFromAShare() {
        let seven = Proportion(7, of: 55).upperBound(confidence: 0.95)
        #expect(seven > Proportion(6, of: 55).upperBound(confidence: 0.95) + 0.01)
        #expect(Binomial(trials: 55, probability: seven).lowerTail(7) > 0.0499999)
    }

    @Test func withoutTrialsNothingIsKnown() {
        #expect(Proportion(0, of: 0).interval(confidence: 0.95) == 0...1)
    }
}
