// SPDX-License-Identifier: Apache-2.0

/// What every exit and every upload of a network says about samples that were held out of all training: the accuracy of any plan is replayed from it, not assumed.
package struct CalibrationTable: Hashable, Sendable {
    /// A place where the board can answer.
    package struct Exit: Hashable, Sendable {
        /// Number of nodes before it.
        package let position: Int
        /// For each sample how sure the answer is, 0 … 1; NaN where there is none, which no gate accepts.
        package let scores: [Float]
        /// The samples of which the answer is right.
        package let right: SampleSet

        /// - Precondition: `scores` has one for each sample of `right`.
        package init(position: Int, scores: [Float], right: SampleSet) {
            precondition(scores.count == right.samples, "\(scores.count) scores of \(right.samples) samples")
            (self.position, self.scores, self.right) = (position, scores, right)
        }
    }

    /// What comes of letting the cloud go on from a cut.
    package struct Sent: Hashable, Sendable {
        package let upload: Upload
        /// For each sample what travels.
        package let bytes: [UInt32]
        /// The samples of which the cloud's answer is right.
        package let right: SampleSet

        /// - Precondition: `bytes` has one for each sample of `right`.
        package init(_ upload: Upload, bytes: [UInt32], right: SampleSet) {
            precondition(bytes.count == right.samples, "\(bytes.count) sizes of \(right.samples) samples")
            (self.upload, self.bytes, self.right) = (upload, bytes, right)
        }

        package var meanBytes: Double { bytes.isEmpty ? 0 : bytes.reduce(0) { $0 + Double($1) } / Double(bytes.count) }
    }

    /// In the order of the network; the last one is the end, so there is at least one.
    package let exits: [Exit]
    package let sent: [Sent]
    /// The samples of which the full model is right, on the frame as it is.
    package let full: SampleSet

    /// - Precondition: everything is about the same number of samples, positions don't fall, there is an exit, and those at which uploads stop are there.
    package init(exits: [Exit], sent: [Sent], full: SampleSet) {
        precondition(!exits.isEmpty, "a network without an end")
        precondition(exits.allSatisfy { $0.right.samples == full.samples } && sent.allSatisfy { $0.right.samples == full.samples }, "numbers of samples differ")
        precondition(zip(exits, exits.dropFirst()).allSatisfy { $0.position <= $1.position }, "exits out of order")
        precondition(sent.allSatisfy { exits.indices.contains($0.upload.exit ?? 0) }, "an upload to an exit that isn't there")
        (self.exits, self.sent, self.full) = (exits, sent, full)
    }

    package var samples: Int { full.samples }
    /// Index of the last exit.
    package var end: Int { exits.count - 1 }

    /// The samples that a gate accepts.
    package func accepted(_ gate: Plan.Gate) -> SampleSet {
        let scores = exits[gate.exit].scores
        return SampleSet(of: samples) { Double(scores[$0]) >= gate.threshold }
    }

    /// The lowest threshold at which an exit, asked alone, does harm to at most a share `risk` of these samples: answers wrongly where the full model is right.
    /// A description of these samples, no certificate.
    ///
    /// - Returns: `nil` where the surest answers do more harm already.
    package func threshold(exit: Int, risk: Double) -> Double? {
        let (scores, harmful) = (exits[exit].scores, full.subtracting(exits[exit].right))
        let surest = (0..<samples).filter { !scores[$0].isNaN }.sorted { scores[$0] > scores[$1] }
        let limit = risk * Double(samples)
        var (harms, threshold) = (0, Double?.none)
        for (place, sample) in surest.enumerated() {
            if harmful.contains(sample) { harms += 1 }
            if Double(harms) > limit { break }
            // Equal scores are accepted together.
            if place + 1 == surest.count || scores[surest[place + 1]] < scores[sample] { threshold = Double(scores[sample]) }
        }
        return threshold
    }
}
