// SPDX-License-Identifier: Apache-2.0
import Certification
import Foundation

/// Other valid tests of a mean loss in −1 … 1, to compare the exact one with. Losses are moved to 0 … 1 as `(loss + 1) / 2`.
struct BoundedLossTests {
    var samples: Int
    var bound: Double

    /// S. Bates et al., "Distribution-Free, Risk-Controlling Prediction Sets" (2021), section 3.1.
    func hoeffdingBentkus(losses: Int, gains: Int) -> Double {
        let n = Double(samples)
        let mean = (Double(losses - gains) / n + 1) / 2
        let limit = (bound + 1) / 2
        guard mean < limit else { return 1 }
        let divergence = (mean > 0 ? mean * log(mean / limit) : 0) + (1 - mean) * log((1 - mean) / (1 - limit))
        let bentkus = M_E * Binomial(trials: samples, probability: limit).lowerTail((losses - gains + samples + 1) / 2)
        return min(exp(-n * divergence), bentkus)
    }

    /// One over the mean wealth of constant bets against the bound; the mixture makes the order of samples indifferent.
    /// After I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting" (2024), section 4.
    func betting(losses: Int, gains: Int) -> Double {
        let bets = (0..<60).map { 0.95 / (1 + bound) * pow(0.9, Double($0)) }
        let wealth = bets.reduce(0.0) { sum, bet in
            sum + exp(
                Double(losses) * log(1 - bet * (1 - bound)) + Double(gains) * log(1 + bet * (1 + bound))
                    + Double(samples - losses - gains) * log(1 + bet * bound))
        }
        return min(1, Double(bets.count) / wealth)
    }

    func mostLosses(gains: Int, significance: Double, _ pValue: (Int, Int) -> Double) -> Int {
        var most = -1
        while most + gains < samples, pValue(most + 1, gains) <= significance { most += 1 }
        return most
    }
}
