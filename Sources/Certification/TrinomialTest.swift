// SPDX-License-Identifier: Apache-2.0

/// The exact unconditional test for losses of −1, 0 and 1: whether the mean loss, P(1) − P(−1), is below a bound.
///
/// Of n independent samples `a` lose 1 and `b` gain 1. With α the bound and q̃ the most likely probability of a gain where the mean loss is exactly α,
///
///     z(a, b) = (a − b − n·α) / √(n · (2q̃ + α − α²))
///
/// orders the outcomes (T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design", 1998). The order
/// is approximate; the level isn't. The critical region `{a ≤ A(b)}`, A rising, is what z puts at or below a critical value, and its probability is summed
/// over the whole trinomial distribution for the worst q (K. Lu, C. Bean, "On the sample size for one-sided equivalence of sensitivities based upon
/// McNemar's test", 1995). Such a region is less probable the more losses and the fewer gains there are, so that the worst case has a mean loss of exactly α,
/// and over q₀ … q₁ the probability is at most that of `P(1) = q₀ + α, P(−1) = q₁`: the maximum over q is bounded from above, not sampled.
struct TrinomialTest: Hashable, Sendable {
    let samples: Int
    /// Above −1, below 1.
    let bound: Double

    /// Steps of q in standard deviations of a − b: what the bound on the maximum costs in power.
    private static let step = 0.01
    /// Above what the sums leave out and round off.
    private static let truncation = 1e-12

    /// A(b) for 0, 1, … gains: the most losses that prove a mean loss below the bound, −1 where none do. Any further gain is worth nothing.
    ///
    /// The greatest region of the family whose probability is at most `significance` wherever the mean loss is at or above the bound.
    func limits(significance: Double) -> [Int] {
        // The level of the region falls as the critical value rises.
        var refused = 0.0
        var proven = 1.0
        while probability(of: region(below: -proven), atMost: significance) == nil {
            refused = proven
            proven *= 2
        }
        while proven - refused > 1e-3 * max(1, proven) {
            let middle = (refused + proven) / 2
            let isProven = probability(of: region(below: -middle), atMost: significance) != nil
            if isProven { proven = middle } else { refused = middle }
        }
        return region(below: -proven)
    }

    /// The probability, at most, of an outcome at least as far below the bound as this one, if the mean loss isn't below the bound.
    ///
    /// 1 for outcomes that aren't below the bound.
    func pValue(losses: Int, gains: Int) -> Double { pValue(losses: losses, gains: gains, atMost: 1) ?? 1 }

    /// Whether the p-value is at most `significance`.
    func disproves(losses: Int, gains: Int, significance: Double) -> Bool { pValue(losses: losses, gains: gains, atMost: significance) != nil }

    private func pValue(losses: Int, gains: Int, atMost ceiling: Double) -> Double? {
        precondition(losses >= 0 && gains >= 0 && losses + gains <= samples, "\(losses) losses and \(gains) gains in \(samples) samples")
        let observed = distance(losses, min(gains, mostGains))
        guard observed < 0 else { return ceiling < 1 ? nil : 1 }
        return probability(of: region(below: observed + 1e-9), atMost: ceiling)
    }

    /// Gains that are counted: a fixed function of the samples, so that large tests stay affordable.
    private var mostGains: Int { min(samples, 1024 + samples / 16) }

    /// z(a, b).
    func distance(_ losses: Int, _ gains: Int) -> Double {
        let (n, a, b) = (Double(samples), Double(losses), Double(gains))
        let linear = a + b + bound * (a - b - 2 * n)
        let root = (linear * linear + 8 * n * b * bound * (1 - bound)).squareRoot()
        let likeliest = min(max((linear + (root.isNaN ? 0 : root)) / (4 * n), 0, -bound), (1 - bound) / 2)
        let excess = a - b - n * bound
        return excess == 0 ? 0 : excess / (n * (2 * likeliest + bound - bound * bound)).squareRoot()
    }

    /// A(b): the outcomes at or below a critical value of z, made to rise with b.
    private func region(below critical: Double) -> [Int] {
        var limits: [Int] = []
        limits.reserveCapacity(mostGains + 1)
        var limit = -1
        for gains in 0...mostGains {
            while limit + gains < samples, distance(limit + 1, gains) <= critical { limit += 1 }
            limits.append(limit)
        }
        return limits
    }

    /// The greatest probability of the region under a mean loss at or above the bound, from above; `nil` where it exceeds `ceiling`.
    private func probability(of limits: [Int], atMost ceiling: Double) -> Double? {
        let last = (1 - bound) / 2
        var gain = max(0, -bound)
        var greatest = 0.0
        while gain < last {
            // Whatever the gains, the region has no more losses than its last limit.
            let rest = Binomial(trials: samples, probability: min(gain + bound, 1)).lowerTail(limits[limits.count - 1])
            if rest <= greatest { break }
            let width = Self.step * ((2 * gain + bound + 1 / Double(samples)) / Double(samples)).squareRoot()
            let next = min(gain + width, last)
            greatest = max(greatest, probability(of: limits, loss: gain + bound, gain: next) + Self.truncation)
            if greatest > ceiling { return nil }
            gain = next
        }
        return min(greatest, 1)
    }

    /// `Σ P(b gains) · P(at most A(b) losses | b gains)`.
    ///
    /// The second factor is carried from b to b + 1 by adding to it: with m = n − b and p the probability of a loss among what are no gains,
    /// `P(X ≤ k; m − 1) = P(X ≤ k; m) + p · P(X = k; m − 1)`.
    private func probability(of limits: [Int], loss: Double, gain: Double) -> Double {
        let n = Double(samples)
        let mean = n * gain
        let first = max(0, Int(mean - 9 * mean.squareRoot()) - 1)
        let odds = gain / (1 - gain)
        // Just below 1 at most: a smaller probability of a loss makes the region more probable, and so errs on the safe side.
        let share = min(loss / (1 - gain), 1 - 0x1p-52)
        let shareOdds = share / (1 - share)

        var weight = Binomial(trials: samples, probability: gain).probability(of: first)
        var limit = -1
        var atLimit = 0.0
        var upToLimit = 0.0
        var sum = 0.0
        var gains = first
        while gains <= samples {
            let others = samples - gains
            let next = limits[min(gains, limits.count - 1)]
            if next >= others {
                upToLimit = 1
            } else if limit < 0, next >= 0 {
                let losses = Binomial(trials: others, probability: share)
                upToLimit = losses.lowerTail(next)
                atLimit = losses.probability(of: next)
                limit = next
            } else {
                while limit < next {
                    atLimit *= Double(others - limit) / Double(limit + 1) * shareOdds
                    upToLimit += atLimit
                    limit += 1
                }
            }
            sum += weight * min(upToLimit, 1)
            if Double(gains) > mean, weight < 1e-20 { break }

            weight *= Double(others) / Double(gains + 1) * odds
            gains += 1
            if limit >= 0, limit < others {
                atLimit *= Double(others - limit) / (Double(others) * (1 - share))
                upToLimit += share * atLimit
                // `atLimit` is P(X = limit) of one trial fewer from here on.
            }
        }
        return sum
    }
}
