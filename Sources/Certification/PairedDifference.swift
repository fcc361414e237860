// SPDX-License-Identifier: Apache-2.0

/// How much the system's accuracy differs from the full model's on the same samples.
///
///     value = (samples that only the system has right − samples that only the full model has right) / samples
///
/// The interval inverts the exact trinomial test on either side, each at half of what `confidence` leaves, so it agrees with a certificate of accuracy
/// loss at that level. A conditional test (McNemar's) says whether there is a difference, not how large it may be, and a bootstrap isn't exact where
/// differences are few.
///
/// Source: I. S. F. Chan, Z. Zhang, "Test-based exact confidence intervals for the difference of two binomial proportions" (1999), for paired proportions.
package struct PairedDifference: Hashable, Sendable {
    package let samples: Int
    /// Samples that only the full model has right.
    package let losses: Int
    /// Samples that only the system has right.
    package let gains: Int
    package let confidence: Double
    /// −1 … 1, with `value` in it; everything without samples.
    package let interval: ClosedRange<Double>

    /// Takes about a second at 5,000 samples.
    ///
    /// - Precondition: `losses` and `gains` are 0 or more, together at most `samples`; `confidence` is above 0 and below 1.
    package init(losses: Int, gains: Int, samples: Int, confidence: Double = 0.95) {
        precondition(losses >= 0 && gains >= 0 && losses + gains <= samples, "\(losses) losses and \(gains) gains in \(samples) samples")
        precondition(confidence > 0 && confidence < 1, "confidence \(confidence)")
        self.samples = samples
        self.losses = losses
        self.gains = gains
        self.confidence = confidence
        let significance = (1 - confidence) / 2
        interval = -greatestLoss(losses: losses, gains: gains, samples: samples, significance: significance)
            ... greatestLoss(losses: gains, gains: losses, samples: samples, significance: significance)
    }

    /// NaN without samples.
    package var value: Double { Double(gains - losses) / Double(samples) }
}

/// A mean loss that the outcome disproves, as it does those above: the least one, up to 1 % of its distance from what was seen.
private func greatestLoss(losses: Int, gains: Int, samples: Int, significance: Double) -> Double {
    guard samples > 0 else { return 1 }
    let mean = Double(losses - gains) / Double(samples)
    func isDisproved(_ loss: Double) -> Bool {
        TrinomialTest(samples: samples, bound: loss).disproves(losses: losses, gains: gains, significance: significance)
    }
    var possible = mean
    var disproved = 1.0
    while disproved - possible > 0.01 * (disproved - mean) {
        let middle = (possible + disproved) / 2
        if isDisproved(middle) { disproved = middle } else { possible = middle }
    }
    // P-values fall in small jumps that go both ways, so that somewhat greater losses may be possible again.
    let width = disproved - mean
    for step in 1...20 {
        let loss = mean + width * (1 + Double(step) / 100)
        guard loss < 1 else { break }
        if !isDisproved(loss) { disproved = min(mean + width * (1 + Double(step + 1) / 100), 1) }
    }
    return disproved
}
