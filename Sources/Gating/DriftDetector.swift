// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Notices that the mean of losses has come to lie beyond a limit, whenever that happens, and is rarely wrong: while the mean keeps to the limit, the mean
/// number of losses until an alarm is at least ``runLength``, whatever their distribution and however they depend on one another.
///
/// For losses y of 0 … m and the limit d, each bet on a rate q has the evidence
///
///     R ← (R + 1) · (1 + (q − d) / (d · (m − d)) · (y − d)),    R = 0 at first,
///
/// and the alarm sounds when the mean of R over the bets reaches the run length: a sum, over all moments at which the change may have come, of processes whose
/// expectation doesn't grow while the mean of y is on the right side of d. Where y is 0 or m, the factor is the likelihood ratio of the mean q against d. Each loss
/// costs a few multiplications a bet.
///
/// Source: J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", New England Journal of Statistics in Data
/// Science 2 (2024), Shiryaev-Roberts form; bets as in I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024).
package struct DriftDetector: Hashable, Sendable {
    /// What is waited for.
    package enum Direction: Hashable, Sendable {
        /// A mean above the limit.
        case rise
        /// A mean below the limit.
        case fall
    }

    /// Above 0, below 1.
    package let limit: Double
    /// Losses until a false alarm, in the mean; at least 1.
    package let runLength: Double
    /// The rates that are bet on, as multiples of the limit.
    private let multiples: [Double]
    private var sums: [Double]

    /// - Precondition: the limit is above 0 and below 1, the run length at least 1.
    package init(_ direction: Direction, of limit: Double, runLength: Double) {
        precondition(limit > 0 && limit < 1 && runLength >= 1, "a limit of \(limit), a run length of \(runLength)")
        self.limit = limit
        self.runLength = runLength
        multiples = direction == .rise ? [1.5, 2, 3, 5, 8] : [0, 0.25, 0.5, 0.75]
        sums = multiples.map { _ in 0 }
    }

    /// Takes in one loss. The evidence is kept at what the alarm takes, so that it fades as soon as losses are on the right side again. Allocates nothing.
    ///
    /// - Parameters:
    ///   - loss: 0 … `most`.
    ///   - most: how large this loss could be, as known before it; above the limit, at most 1. The nearer to the truth, the sooner a change is noticed.
    /// - Returns: whether the alarm sounds.
    @discardableResult
    package mutating func add(_ loss: Double, of most: Double = 1) -> Bool {
        precondition(most > limit && most <= 1 && loss >= 0 && loss <= most, "a loss of \(loss) of \(most), limit \(limit)")
        let enough = runLength * Double(sums.count)
        for index in sums.indices {
            sums[index] = min((sums[index] + 1) * max(1 + slope(multiples[index], most) * (loss - limit), 0), enough)
        }
        return isAlarmed
    }

    /// A rate has to stay below the largest loss.
    private func slope(_ multiple: Double, _ most: Double) -> Double {
        (min(limit * multiple, (limit + 3 * most) / 4) - limit) / (limit * (most - limit))
    }

    /// How near the alarm is; it sounds at ``runLength``.
    package var evidence: Double {
        var total = 0.0
        for sum in sums { total += sum }
        return total / Double(sums.count)
    }

    package var isAlarmed: Bool { evidence >= runLength }

    /// Forgets what it has seen.
    package mutating func restart() { for index in sums.indices { sums[index] = 0 } }

    /// Losses of 0 and `most` until the alarm sounds, in the mean, from the moment on at which their mean is `mean`: at most this many. `nil` where that is
    /// too near the limit, or on its right side.
    ///
    /// By Wald's identity, for the best of the bets: `(ln(bets · runLength) + max(ln g, ln h)) / (r·ln g + (1 − r)·ln h)` with the factors g for a loss of
    /// `most` and h for 0, and r = mean / most.
    package func delay(mean: Double, of most: Double = 1) -> Double? {
        let share = mean / most
        return multiples.compactMap { multiple -> Double? in
            let slope = slope(multiple, most)
            let gain = max(1 + slope * (most - limit), 0)
            let other = 1 - slope * limit
            guard gain > 0 || share == 0 else { return nil }
            let growth = (share > 0 ? share * log(gain) : 0) + (1 - share) * log(other)
            guard growth > 0 else { return nil }
            return (log(Double(multiples.count) * runLength) + log(max(gain, other))) / growth
        }.min()
    }

    /// What it has seen, for a restart of the program.
    package var memory: [Double] { sums }

    /// - Returns: false, with nothing changed, where this isn't another such detector's ``memory``.
    package mutating func restore(_ memory: [Double]) -> Bool {
        guard memory.count == sums.count, memory.allSatisfy({ $0 >= 0 && $0.isFinite }) else { return false }
        sums = memory
        return true
    }
}
