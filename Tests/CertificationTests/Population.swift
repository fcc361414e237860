// SPDX-License-Identifier: Apache-2.0
import Certification
import Gating
import TestSupport

/// A sample that nothing but `score` says anything about; three classes, of which 0 is right.
func sample(_ score: Double, harm: Bool = false, gain: Bool = false) -> PairedSample {
    PairedSample(
        confidence: Confidence(classIndex: harm ? 1 : 0, topOne: score, margin: score, entropy: 1 - score, energy: -score), fullClass: gain ? 2 : 0, label: 0)
}

/// Pairs of answers like a small network's and a large one's: the surer the small one, the rarer both kinds of difference. Many scores are equal.
func population(_ count: Int, harm: Double = 0.15, gain: Double = 0.05, seed: UInt64) -> [PairedSample] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
        let score = (Double.random(in: 0..<1, using: &generator) * 2000).rounded() / 2000
        let luck = Double.random(in: 0..<1, using: &generator)
        let doubt = (1 - score) * (1 - score)
        return sample(score, harm: luck < 2 * harm * doubt, gain: luck > 1 - 2 * gain * doubt)
    }
}

/// `count` samples with falling, distinct scores of 1 … 0.5, and what happens at each rank.
func ladder(_ count: Int, harm: (Int) -> Bool, gain: (Int) -> Bool = { _ in false }) -> [PairedSample] {
    (0..<count).map { sample(1 - Double($0) / Double(2 * count), harm: harm($0), gain: gain($0)) }
}
