// SPDX-License-Identifier: Apache-2.0

/// The mean of the logits of two looks at one frame: at its pixels, and at their mirror image.
///
///     mean[i] = (z₁[i] + z₂[i]) / 2
///
/// It is right more often than one look, and less sure where the looks disagree. Its memory is allocated once.
package struct LogitMean: Sendable {
    private let scores: Calibration.Scores
    /// After ``look(at:)`` those of one look, after ``lookAgain(at:)`` the mean of two.
    package private(set) var logits: [Float]

    /// - Parameter scores: of the outputs; the mean is of logits in any case.
    package init(classes: Int, scores: Calibration.Scores) {
        self.scores = scores
        logits = [Float](repeating: 0, count: classes)
    }

    /// - Precondition: an output of `classes` values.
    package mutating func look(at output: Span<Float>) {
        precondition(output.count == logits.count, "\(output.count) values for \(logits.count) classes")
        let calibration = Calibration(scores: scores)
        for index in output.indices { logits[index] = Float(calibration.logit(output[index])) }
    }

    /// Adds the second look to the first.
    ///
    /// - Throws: the ``Fault`` of a damaged output; the mean is of no use then.
    /// - Precondition: as for ``look(at:)``, which came before it.
    package mutating func lookAgain(at output: Span<Float>) throws(Fault) {
        precondition(output.count == logits.count, "\(output.count) values for \(logits.count) classes")
        let calibration = Calibration(scores: scores)
        _ = try calibration.confidence(of: output)
        for index in output.indices { logits[index] = Float((Double(logits[index]) + calibration.logit(output[index])) / 2) }
    }
}
