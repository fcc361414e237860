// SPDX-License-Identifier: Apache-2.0
package import Answers

/// How sure a network is of one frame, after calibration. Computed by ``Calibration/confidence(of:)``.
///
/// With `p` the calibrated probabilities of `n` classes, largest first `p₁ ≥ p₂ ≥ …`, `z` the logits and `T` the temperature:
///
///     topOne  = p₁
///     margin  = p₁ − p₂                       (p₂ = 0 for a single class)
///     entropy = −Σ p·ln p / ln n              (0 for a single class)
///     energy  = −T · ln Σ exp(z / T)
///     score   = the estimated probability that the answer is right, by ``CombinedScore``; p₁ where none was fitted
package struct Confidence: Hashable, Sendable {
    /// Position of the largest logit, the first one among equals.
    package var classIndex: Int
    /// 0 … 1, and at least 1/n.
    package var topOne: Double
    /// 0 … 1.
    package var margin: Double
    /// 0 (one class has everything) … 1 (all classes are equal).
    package var entropy: Double
    /// Any finite number, lower for surer. Always about 0 where the network ends in a softmax, so it says nothing there.
    package var energy: Double
    /// 0 … 1.
    package var score: Double

    /// - Parameter score: `nil`: the same as `topOne`.
    package init(classIndex: Int, topOne: Double, margin: Double, entropy: Double, energy: Double, score: Double? = nil) {
        self.classIndex = classIndex
        self.topOne = topOne
        self.margin = margin
        self.entropy = entropy
        self.energy = energy
        self.score = score ?? topOne
    }

    package subscript(measure: Measure) -> Double {
        switch measure {
        case .topOne: topOne
        case .margin: margin
        case .entropy: entropy
        case .energy: energy
        case .score: score
        }
    }

    package var classification: Classification { Classification(classIndex: classIndex, confidence: topOne) }
}

/// What a gate looks at. Raw values are the names in configuration files.
package enum Measure: String, CaseIterable, Hashable, Sendable, Codable {
    case topOne = "top-1"
    case margin
    case entropy
    case energy
    /// All that is known together.
    case score

    /// Whether a higher value means surer; a gate accepts at or above its threshold then, else at or below.
    package var risesWithConfidence: Bool {
        switch self {
        case .topOne, .margin, .score: true
        case .entropy, .energy: false
        }
    }
}

/// Why no confidence can be given: the network's output is damaged. A frame with a fault is never accepted.
package enum Fault: String, Error, CaseIterable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The output has no class at all.
    case empty
    case notANumber = "not-a-number"
    /// A logit of +∞: the network overflowed.
    case overflow
    /// Every logit is −∞, or every probability 0.
    case noMass = "no-mass"
    /// A probability below 0 or above 1.01 (8-bit outputs may round up a little).
    case notAProbability = "not-a-probability"

    package var description: String {
        switch self {
        case .empty: "the network's output has no classes"
        case .notANumber: "the network's output holds a value that is not a number"
        case .overflow: "the network's output holds an infinite value"
        case .noMass: "the network's output rules out every class"
        case .notAProbability: "the network's output holds a value that is no probability"
        }
    }
}
