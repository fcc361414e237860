// SPDX-License-Identifier: Apache-2.0

/// Turns what a network puts out into calibrated confidence: softmax of the logits divided by a temperature.
///
///     p[i] = exp(z[i] / T) / Σ exp(z[j] / T)
///
/// Logits `z` are the output itself, or `ln max(output, 2⁻¹²⁶)` where the network ends in a softmax already.
/// The largest logit is subtracted before the exponential, so nothing overflows. Sums are in double, in index order.
package struct Calibration: Hashable, Sendable {
    package enum Scores: String, Hashable, Sendable, Codable { case logits, probabilities }

    package var scores: Scores
    package var temperature: Temperature
    /// Gives ``Confidence/score``; `nil`: the score is top-1.
    package var combination: CombinedScore?

    package init(scores: Scores = .logits, temperature: Temperature = .one, combination: CombinedScore? = nil) {
        self.scores = scores
        self.temperature = temperature
        self.combination = combination
    }

    /// Temperature and combination that fit `outputs`, one row a sample, to their `labels`; `nil` where no temperature can be fitted.
    ///
    /// - Precondition: as many labels as outputs; each label is a class of its row.
    package init?(fittedTo outputs: [[Float]], labels: [Int], scores: Scores = .logits) {
        guard let temperature = Temperature.fit(outputs: outputs, labels: labels, scores: scores) else { return nil }
        self.init(scores: scores, temperature: temperature)
        combination = CombinedScore.fit(outputs: outputs, labels: labels, calibration: self)
    }

    /// The confidence of one output. −∞ as a logit is a class that is ruled out. Allocates nothing.
    ///
    /// - Throws: the ``Fault`` of a damaged output.
    package func confidence(of output: Span<Float>) throws(Fault) -> Confidence {
        let measured = try measured(output)
        var confidence = measured.confidence
        if let combination { confidence.score = combination.score(odds: measured.odds, classIndex: confidence.classIndex) }
        return confidence
    }

    /// The confidence without the combination, and the margin's odds that a combination looks at.
    func measured(_ output: Span<Float>) throws(Fault) -> (confidence: Confidence, odds: Double) {
        guard !output.isEmpty else { throw .empty }
        var top = 0
        for index in output.indices {
            let value = output[index]
            guard !value.isNaN else { throw .notANumber }
            switch scores {
            case .logits: guard value != .infinity else { throw .overflow }
            case .probabilities: guard value >= 0, value <= 1.01 else { throw .notAProbability }
            }
            if value > output[top] { top = index }
        }
        guard output[top] > (scores == .logits ? -.infinity : 0) else { throw .noMass }

        let largest = logit(output[top])
        var sum = 0.0
        var weighted = 0.0
        // Of all but the first class: 1 − top-1 would be lost in rounding where a network is sure.
        var others = 0.0
        var second = 0.0
        for index in output.indices {
            let distance = (logit(output[index]) - largest) / temperature.value
            let share = exponential(distance)
            sum += share
            if share > 0 { weighted += share * distance }
            if index != top {
                others += share
                second = max(second, share)
            }
        }
        let entropy = logarithm(sum) - weighted / sum
        let odds = logarithm(1 - second) - logarithm(others + second)
        let confidence = Confidence(
            classIndex: top, topOne: 1 / sum, margin: (1 - second) / sum,
            entropy: output.count == 1 ? 0 : min(max(entropy / logarithm(Double(output.count)), 0), 1),
            energy: -(largest + temperature.value * logarithm(sum)))
        return (confidence, min(max(odds, CombinedScore.oddsRange.lowerBound), CombinedScore.oddsRange.upperBound))
    }

    /// All calibrated probabilities, in class order: for tools.
    ///
    /// - Throws: as ``confidence(of:)``.
    package func probabilities(of output: Span<Float>) throws(Fault) -> [Double] {
        let best = try confidence(of: output)
        let largest = logit(output[best.classIndex])
        return output.indices.map { exponential((logit(output[$0]) - largest) / temperature.value) * best.topOne }
    }

    /// The logit that an output stands for.
    package func logit(_ output: Float) -> Double {
        switch scores {
        case .logits: Double(output)
        case .probabilities: logarithm(Double(max(output, .leastNormalMagnitude)))
        }
    }
}
