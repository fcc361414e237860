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

    package init(scores: Scores = .logits, temperature: Temperature = .one) {
        self.scores = scores
        self.temperature = temperature
    }

    /// The confidence of one output. −∞ as a logit is a class that is ruled out. Allocates nothing.
    ///
    /// - Throws: the ``Fault`` of a damaged output.
    package func confidence(of output: Span<Float>) throws(Fault) -> Confidence {
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
        var second = 0.0
        for index in output.indices {
            let distance = (logit(output[index]) - largest) / temperature.value
            let share = exponential(distance)
            sum += share
            if share > 0 { weighted += share * distance }
            if index != top { second = max(second, share) }
        }
        let entropy = logarithm(sum) - weighted / sum
        return Confidence(
            classIndex: top, topOne: 1 / sum, margin: (1 - second) / sum,
            entropy: output.count == 1 ? 0 : min(max(entropy / logarithm(Double(output.count)), 0), 1),
            energy: -(largest + temperature.value * logarithm(sum)))
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
