// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Why no certificate can be given, as one line.
package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not even samples without a single error would prove the bound.
    case tooFewSamples(Int, needed: Int, risk: Certificate.Risk, bound: Double, confidence: Double)
    /// The strictest threshold isn't proved: at `losses` beside `gains` on the samples, where `mostLosses` would be a proof. For harm `losses` are the harms.
    /// `needed` samples with the same shares of them would be; `nil`: no number.
    case noThreshold(
        risk: Certificate.Risk, bound: Double, confidence: Double, samples: Int, accepted: Int, losses: Int, gains: Int, mostLosses: Int, needed: Int?)
    /// No sample has a score that a threshold could accept.
    case nothingToAccept(Int)

    package var description: String {
        switch self {
        case .tooFewSamples(let samples, let needed, let risk, let bound, let confidence):
            "\(samples) samples are too few to certify \(risk.words) of at most \(bound.percent) at \(confidence.percent) confidence: "
                + "at least \(needed) are needed, and more where there are errors among them"
        case .noThreshold(let risk, let bound, let confidence, let samples, let accepted, let losses, let gains, let mostLosses, let needed):
            "no threshold certifies \(risk.words) of at most \(bound.percent) at \(confidence.percent) confidence on \(samples) samples: accepting "
                + (accepted == 0 ? "nothing, which leaves all to the uploads," : "the \(accepted) surest") + " loses \(losses)"
                + (risk == .accuracyLoss ? " and gains \(gains)" : "") + (mostLosses < 0 ? ", and no outcome" : ", and at most \(mostLosses)") + " would be a proof; "
                + (needed.map { "where errors stay as frequent, about \($0) samples are needed" } ?? "where errors stay as frequent, no number of samples is enough")
        case .nothingToAccept(let samples): "no threshold accepts any of the \(samples) samples: their outputs are damaged or their scores are not numbers"
        }
    }
}

extension Certificate.Risk {
    fileprivate var words: String {
        switch self {
        case .harm: "harm"
        case .accuracyLoss: "an accuracy loss"
        }
    }
}

extension Double {
    /// As percent for a message: `0.005` is `0.5 %`.
    fileprivate var percent: String {
        let value = (self * 1e14).rounded() / 1e12
        return value == value.rounded() ? "\(Int(value)) %" : "\(value) %"
    }
}
