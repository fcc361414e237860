// SPDX-License-Identifier: Apache-2.0
import Certification
import Testing

struct BinomialTests {
    /// Computed with mpmath at 40 digits, for the exact values of the doubles: k, n, p, ln P(X = k), P(X ≤ k), P(X ≥ k).
    static let references: [(k: Int, n: Int, p: Double, log: Double, lower: Double, upper: Double)] = [
        (0, 10, 0.3, -3.56674943938732363, 0.0282475249000000045, 1.0),
        (3, 10, 0.3, -1.32115127776688864, 0.64961071840000003, 0.61721721359999997),
        (7, 10, 0.3, -4.7103427193157033, 0.9984096136, 0.0105920783999999977),
        (16, 2500, 0.01, -4.18298067663296737, 0.0370529138936010913, 0.978200061660913939),
        (17, 2500, 0.01, -3.79368842777040398, 0.0595653270114949325, 0.962947086106398909),
        (40, 2500, 0.01, -6.60308922316965367, 0.998068484618726127, 0.00328768742288182639),
        (12, 2500, 0.01, -6.39238077393968135, 0.00303290401153301328, 0.99864136139370461),
        (1, 5000, 0.01, -46.3296059262255594, 7.72365390861505327e-21, 1.0),
        (50, 5000, 0.01, -2.87159168078914609, 0.537517164966375289, 0.519091586805062145),
        (9600, 1_000_000, 0.01, -13.6885330200837819, 0.0000266813515422894923, 0.999974454039971906),
        (10000, 1_000_000, 0.01, -5.51909188544109479, 0.50265961479951499, 0.501349872563667931),
        (10800, 1_000_000, 0.01, -37.0597312796116901, 0.999999999999999022, 1.05844566972375363e-15),
        (499000, 1_000_000, 0.5, -9.13354621495966448, 0.0228041499326910432, 0.977303832045327872),
        (495000, 1_000_000, 0.5, -57.134330245828487, 7.69077752195367595e-24, 1.0),
        (501500, 1_000_000, 0.5, -11.6335491316339145, 0.998654536021634721, 0.00135432765302987841),
        (2, 1_000_000, 1e-06, -1.69314668055977869, 0.919698694898550411, 0.264241117657084684),
        (0, 1_000_000, 1e-09, -0.00100000000050000006, 0.999000499832875491, 1.0),
        (999990, 1_000_000, 0.99999, -2.07855664311089163, 0.54207091107617739, 0.58303975019972192),
        (30, 100_000, 0.001, -36.527499545346355, 1.94326710406965832e-16, 0.999999999999999943),
        (650, 650, 0.999, -0.650325216829297353, 1.0, 0.521876026293100382),
    ]

    @Test(arguments: references.indices) func tailsHaveTwelveDigits(_ index: Int) {
        let reference = Self.references[index]
        let binomial = Binomial(trials: reference.n, probability: reference.p)
        #expect(abs(binomial.logProbability(of: reference.k) - reference.log) <= 1e-12 * max(1, abs(reference.log)))
        #expect(abs(binomial.lowerTail(reference.k) / reference.lower - 1) <= 1e-12)
        #expect(abs(binomial.upperTail(reference.k) / reference.upper - 1) <= 1e-12)
    }

    /// With a probability of i/8 and 20 trials at most, counts over 8ⁿ are exact in 64 bits.
    @Test func smallDistributionsEqualExactSums() {
        for n in 0...20 {
            for eighths in 0...8 {
                let binomial = Binomial(trials: n, probability: Double(eighths) / 8)
                let whole = 1 << (3 * n)
                var sum = 0
                for k in 0...n {
                    let count = choose(n, k) * power(eighths, k) * power(8 - eighths, n - k)
                    #expect(equal(binomial.probability(of: k), count, whole))
                    #expect(equal(binomial.upperTail(k), whole - sum, whole))
                    sum += count
                    #expect(equal(binomial.lowerTail(k), sum, whole))
                }
                #expect(sum == whole)
            }
        }
    }

    @Test func whatCannotBeHasNoProbability() {
        let binomial = Binomial(trials: 5, probability: 0.25)
        #expect(binomial.logProbability(of: -1) == -.infinity)
        #expect(binomial.logProbability(of: 6) == -.infinity)
        #expect(binomial.lowerTail(-1) == 0 && binomial.lowerTail(9) == 1)
        #expect(binomial.upperTail(6) == 0 && binomial.upperTail(-3) == 1)
    }

    private func equal(_ value: Double, _ count: Int, _ whole: Int) -> Bool {
        let exact = Double(count) / Double(whole)
        return abs(value - exact) <= 4e-14 * exact
    }

    private func choose(_ n: Int, _ k: Int) -> Int { k == 0 ? 1 : choose(n, k - 1) * (n - k + 1) / k }
    private func power(_ base: Int, _ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * base } }
}
