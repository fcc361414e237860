// SPDX-License-Identifier: Apache-2.0
package import Gating

/// How well confidence says the probability of being right: a reliability diagram, a histogram of confidence, and the expected calibration error.
///
/// Bins are of equal width over 0 … 1, each without its lower and with its upper end, but for the first, which has both.
///
/// Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2.
package struct Reliability: Hashable, Sendable {
    package struct Bin: Hashable, Sendable {
        package var range: ClosedRange<Double>
        package var count = 0
        package var right = 0
        /// The sum of the confidences.
        var confidences = 0.0

        /// `nil` in an empty bin.
        package var accuracy: Double? { count == 0 ? nil : Double(right) / Double(count) }
        /// `nil` in an empty bin.
        package var meanConfidence: Double? { count == 0 ? nil : confidences / Double(count) }
    }

    package let bins: [Bin]
    /// Samples that are in a bin: those with a value of 0 … 1.
    package let count: Int

    /// - Parameter measure: one that says a probability; the local network's answer is what it is held against.
    /// - Precondition: `bins` is above 0.
    package init(_ samples: [PairedSample], by measure: Measure = .topOne, bins number: Int = 15) {
        precondition(number > 0, "\(number) bins")
        let edges = (0...number).map { Double($0) / Double(number) }
        var bins = (0..<number).map { Bin(range: edges[$0]...edges[$0 + 1]) }
        for sample in samples {
            guard let confidence = sample.confidence?[measure], (0...1).contains(confidence) else { continue }
            var index = min(Int(confidence * Double(number)), number - 1)
            // The product is rounded: the edges decide.
            if index > 0, confidence <= edges[index] { index -= 1 } else if confidence > edges[index + 1] { index += 1 }
            bins[index].count += 1
            bins[index].right += sample.localIsRight ? 1 : 0
            bins[index].confidences += confidence
        }
        self.bins = bins
        count = bins.reduce(0) { $0 + $1.count }
    }

    /// `Σ (count / n) · |accuracy − mean confidence|`, 0 … 1; 0 without samples.
    package var expectedCalibrationError: Double {
        count == 0 ? 0 : bins.reduce(0) { $0 + abs(Double($1.right) - $1.confidences) } / Double(count)
    }
}
