// SPDX-License-Identifier: Apache-2.0

extension CombinedScore {
    /// The combination under which the right and wrong answers among `outputs` are most probable.
    ///
    /// Maximises the log-likelihood of a logistic regression with normal priors: `intercept` has mean 0 and variance 4, `slope` mean 1 and variance 1 (calibrated odds
    /// need no correction), each offset mean 0 and variance `1 / λ`. The maximum is unique and finite for any samples, also separable ones. `λ` is the one of
    /// ``offsetPrecisions`` with the greatest evidence, by Laplace's approximation: without enough errors to tell classes apart, as with images that the network
    /// learnt by heart, that is ∞, and frames are ordered by their margin alone.
    ///
    /// Source: D. J. C. MacKay, "The Evidence Framework Applied to Classification Networks", Neural Computation 4 (1992).
    ///
    /// - Parameters:
    ///   - outputs: one row a sample. A damaged row is left out.
    ///   - labels: the true class of each row.
    ///   - calibration: of the network; a combination that it holds already is not used.
    /// - Returns: `nil` where nothing can be learnt: no usable sample, a single class, or a network that is the surer the wronger it is.
    /// - Precondition: as many labels as outputs; each label is a class of its row.
    package static func fit(outputs: [[Float]], labels: [Int], calibration: Calibration) -> CombinedScore? {
        precondition(outputs.count == labels.count, "\(outputs.count) outputs with \(labels.count) labels")
        var samples: [ScoreFit.Sample] = []
        for (output, label) in zip(outputs, labels) {
            precondition(output.indices.contains(label), "label \(label) of \(output.count) classes")
            guard output.count > 1, let reading = try? calibration.measured(output.span) else { continue }
            samples.append(ScoreFit.Sample(odds: reading.odds, classIndex: reading.confidence.classIndex, isRight: reading.confidence.classIndex == label))
        }
        guard !samples.isEmpty else { return nil }
        let classes = outputs.reduce(0) { max($0, $1.count) }
        var best: ScoreFit?
        for precision in offsetPrecisions {
            let fit = ScoreFit(samples, classes: classes, offsetPrecision: precision)
            if fit.logEvidence > best?.logEvidence ?? -.infinity { best = fit }
        }
        return best.map { CombinedScore(intercept: $0.intercept, slope: $0.slope, offsets: $0.offsetPrecision.isFinite ? $0.offsets : []) }
            .flatMap { $0.isUsable ? $0 : nil }
    }

    /// Of the offsets: 1 / variance. No prior is wider than a standard deviation of 0.35: the images of the fit were mostly seen in training.
    static let offsetPrecisions = [.infinity, 64, 32, 16, 8]
}

/// A penalised logistic regression on intercept, odds and class, by Newton's method. The second derivative has an arrow's form (each sample has one class), so that
/// a step costs no more than a walk over samples and classes.
private struct ScoreFit {
    struct Sample {
        var odds: Double
        var classIndex: Int
        var isRight: Bool
    }

    let offsetPrecision: Double
    private(set) var intercept = 0.0
    private(set) var slope = 1.0
    private(set) var offsets: [Double]
    /// `ln` of the probability of the answers under the priors, up to a constant that is the same for all precisions.
    private(set) var logEvidence = 0.0

    private static let interceptPrecision = 0.25
    private static let slopePrecision = 1.0

    init(_ samples: [Sample], classes: Int, offsetPrecision: Double) {
        self.offsetPrecision = offsetPrecision
        offsets = [Double](repeating: 0, count: classes)
        var value = objective(samples)
        for _ in 0..<100 {
            let step = newtonStep(samples)
            var length = 1.0
            var next = moved(by: step, length)
            while next.objective(samples) < value, length > 1e-6 {
                length /= 2
                next = moved(by: step, length)
            }
            let gain = next.objective(samples) - value
            guard gain > 0 else { break }
            (intercept, slope, offsets) = (next.intercept, next.slope, next.offsets)
            value += gain
            if gain < 1e-10 { break }
        }
        logEvidence = value - newtonStep(samples).logDeterminant / 2
        if offsetPrecision.isFinite { logEvidence += Double(classes) * logarithm(offsetPrecision) / 2 }
    }

    private func moved(by step: Step, _ length: Double) -> ScoreFit {
        var next = self
        next.intercept += length * step.intercept
        next.slope += length * step.slope
        for index in offsets.indices { next.offsets[index] += length * step.offsets[index] }
        return next
    }

    private func logit(_ sample: Sample) -> Double { intercept + slope * sample.odds + offsets[sample.classIndex] }

    /// Log-likelihood and log-priors, up to constants.
    private func objective(_ samples: [Sample]) -> Double {
        var sum = 0.0
        for sample in samples {
            let logit = logit(sample)
            sum += (sample.isRight ? logit : 0) - max(logit, 0) - logarithm(1 + exponential(-logit.magnitude))
        }
        sum -= (Self.interceptPrecision * intercept * intercept + Self.slopePrecision * (slope - 1) * (slope - 1)) / 2
        if offsetPrecision.isFinite { sum -= offsetPrecision * offsets.reduce(0) { $0 + $1 * $1 } / 2 }
        return sum
    }

    private struct Step {
        var intercept: Double
        var slope: Double
        var offsets: [Double]
        /// `ln` of the determinant of the negative second derivative.
        var logDeterminant: Double
    }

    private func newtonStep(_ samples: [Sample]) -> Step {
        // Sums of weight · odds⁰, odds¹, odds² over all samples, and of the first two and the residuals by class.
        var (w0, w1, w2) = (Self.interceptPrecision, 0.0, Self.slopePrecision)
        var (g0, g1) = (-Self.interceptPrecision * intercept, -Self.slopePrecision * (slope - 1))
        var byClass = [(residual: Double, weight: Double, odds: Double)](repeating: (0, 0, 0), count: offsets.count)
        for sample in samples {
            let probability = 1 / (1 + exponential(-logit(sample)))
            let weight = probability * (1 - probability)
            let residual = (sample.isRight ? 1 : 0) - probability
            w0 += weight
            w1 += weight * sample.odds
            w2 += weight * sample.odds * sample.odds
            g0 += residual
            g1 += residual * sample.odds
            byClass[sample.classIndex].residual += residual
            byClass[sample.classIndex].weight += weight
            byClass[sample.classIndex].odds += weight * sample.odds
        }
        var logDeterminant = 0.0
        if offsetPrecision.isFinite {
            for index in offsets.indices {
                let sums = byClass[index]
                let curvature = sums.weight + offsetPrecision
                let residual = sums.residual - offsetPrecision * offsets[index]
                w0 -= sums.weight * sums.weight / curvature
                w1 -= sums.weight * sums.odds / curvature
                w2 -= sums.odds * sums.odds / curvature
                g0 -= sums.weight * residual / curvature
                g1 -= sums.odds * residual / curvature
                logDeterminant += logarithm(curvature)
            }
        }
        let determinant = w0 * w2 - w1 * w1
        var step = Step(
            intercept: (w2 * g0 - w1 * g1) / determinant, slope: (w0 * g1 - w1 * g0) / determinant, offsets: [],
            logDeterminant: logDeterminant + logarithm(determinant))
        step.offsets = offsets.indices.map { index in
            guard offsetPrecision.isFinite else { return 0 }
            let sums = byClass[index]
            let residual = sums.residual - offsetPrecision * offsets[index]
            return (residual - sums.weight * step.intercept - sums.odds * step.slope) / (sums.weight + offsetPrecision)
        }
        return step
    }
}
