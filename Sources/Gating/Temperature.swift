// SPDX-License-Identifier: Apache-2.0

/// The divisor of the logits that makes a network's probabilities honest: above 1 for an over-confident network.
///
/// Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
package struct Temperature: Hashable, Sendable {
    /// Positive and finite.
    package let value: Double

    /// - Returns: `nil` unless `value` is positive, normal and finite.
    package init?(_ value: Double) {
        guard value.isNormal, value > 0 else { return nil }
        self.value = value
    }

    private init(fitted value: Double) { self.value = value }

    /// Uncalibrated.
    package static let one = Temperature(fitted: 1)

    /// Fits stay within these.
    package static let fittingRange = 0.05...20.0

    /// The temperature that gives `labels` the greatest likelihood under `outputs`.
    ///
    /// Minimises the mean cross-entropy over `β = 1/T`, where it is convex: the root of its derivative
    ///
    ///     g(β) = mean over samples of (Σ p(β)[i] · z[i] − Σ target[i] · z[i])
    ///
    /// is bisected on `ln β` within ``fittingRange``. The target is `1 − ε` for the label and `ε / (n − 1)` for each other class, with
    /// `ε = 1 / (samples + 2)`: the prior of J. Platt, "Probabilistic Outputs for Support Vector Machines" (1999), section 2.2, so that a
    /// network without a single error on the samples isn't declared infallible.
    ///
    /// - Parameters:
    ///   - outputs: one row a sample, all of the same number of classes. A row with a value that isn't finite is left out.
    ///   - labels: the true class of each row.
    /// - Returns: `nil` where nothing can be learnt: no usable sample, or a single class.
    /// - Precondition: as many labels as outputs; each label is a class of its row.
    package static func fit(outputs: [[Float]], labels: [Int], scores: Calibration.Scores = .logits) -> Temperature? {
        precondition(outputs.count == labels.count, "\(outputs.count) outputs with \(labels.count) labels")
        let raw = Calibration(scores: scores)
        var rows: [[Double]] = []
        var targets: [Double] = []
        for (output, label) in zip(outputs, labels) {
            precondition(output.indices.contains(label), "label \(label) of \(output.count) classes")
            guard output.count > 1, (try? raw.confidence(of: output.span)) != nil, output.allSatisfy(\.isFinite) else { continue }
            let logits = output.map(raw.logit)
            let largest = logits.reduce(-.infinity, max)
            let shifted = logits.map { $0 - largest }
            let smoothing = 1 / Double(labels.count + 2)
            let others = shifted.reduce(0, +) - shifted[label]
            rows.append(shifted)
            targets.append((1 - smoothing) * shifted[label] + smoothing * others / Double(shifted.count - 1))
        }
        guard !rows.isEmpty else { return nil }

        func slope(_ inverse: Double) -> Double {
            var total = 0.0
            for (row, target) in zip(rows, targets) {
                var sum = 0.0
                var weighted = 0.0
                for logit in row {
                    let share = exponential(logit * inverse)
                    sum += share
                    weighted += share * logit
                }
                total += weighted / sum - target
            }
            return total
        }

        var low = -logarithm(fittingRange.upperBound)
        var high = -logarithm(fittingRange.lowerBound)
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if slope(exponential(middle)) < 0 { low = middle } else { high = middle }
        }
        let value = exponential(-(low + high) / 2)
        return Temperature(fitted: min(max(value, fittingRange.lowerBound), fittingRange.upperBound))
    }
}
