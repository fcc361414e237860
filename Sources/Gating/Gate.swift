// SPDX-License-Identifier: Apache-2.0

/// Decides which local answers to trust.
package indirect enum Gate: Hashable, Sendable {
    /// Accepts at or above the threshold, or at or below it for measures that fall with confidence
    /// (``Measure/risesWithConfidence``).
    case threshold(Measure, Double)
    /// The same with a threshold of its own for some classes; `otherwise` for those that have none. What counts is the class that the network says.
    case perClass(Measure, thresholds: [Int: Double], otherwise: Double)
    /// Accepts what each of them accepts; everything where there is none.
    case all([Gate])
    /// Accepts what one of them accepts; nothing where there is none.
    case any([Gate])
    /// Accepts what the other doesn't. A fault is never accepted, turned round or not.
    case not(Gate)

    /// The lowest value of `measure` that it accepts, where it asks for nothing else; `nil` where it does.
    ///
    /// - Precondition: the measure rises with confidence.
    package func floor(of measure: Measure) -> Double? {
        switch self {
        case .threshold(measure, let threshold): threshold
        case .all(let gates) where gates.isEmpty: -.infinity
        case .any(let gates) where gates.isEmpty: .infinity
        case .threshold, .perClass, .all, .any, .not: nil
        }
    }

    /// A confidence with a value that isn't finite is a fault, whatever the gate.
    package func verdict(on confidence: Confidence) -> Verdict { verdict(on: confidence, stricterBy: 0) }

    /// As ``verdict(on:)``, with each threshold moved so that the gate accepts less: by this share of the way to the end of its measure's range, of energy, which has no
    /// end, by this share of its magnitude or of 1 nat, whichever is more. A greater share never accepts more.
    ///
    /// - Parameter share: 0 … 1.
    package func verdict(on confidence: Confidence, stricterBy share: Double) -> Verdict {
        if let fault = confidence.fault { return .escalate(.fault(fault)) }
        return judge(confidence, share)
    }

    /// - Parameter share: −1 … 1; below 0 the gate accepts more, as it must inside `not`.
    private func judge(_ confidence: Confidence, _ share: Double) -> Verdict {
        switch self {
        case .threshold(let measure, let threshold):
            return Self.compare(measure, confidence, measure.moved(threshold, by: share))
        case .perClass(let measure, let thresholds, let otherwise):
            return Self.compare(measure, confidence, measure.moved(thresholds[confidence.classIndex] ?? otherwise, by: share))
        case .all(let gates):
            for gate in gates {
                let verdict = gate.judge(confidence, share)
                if !verdict.accepts { return verdict }
            }
            return .accept
        case .any(let gates):
            var first: Verdict?
            for gate in gates {
                let verdict = gate.judge(confidence, share)
                if verdict.accepts { return .accept }
                if first == nil { first = verdict }
            }
            return first ?? .escalate(.ruledOut)
        case .not(let gate):
            return gate.judge(confidence, -share).accepts ? .escalate(.ruledOut) : .accept
        }
    }

    private static func compare(_ measure: Measure, _ confidence: Confidence, _ threshold: Double) -> Verdict {
        let value = confidence[measure]
        // Comparisons with a threshold that is not a number are false, so it escalates.
        let accepts = measure.risesWithConfidence ? value >= threshold : value <= threshold
        return accepts ? .accept : .escalate(.unsure(measure, value: value, threshold: threshold))
    }
}

extension Measure {
    /// - Parameter share: −1 … 1 of the way to where nothing (1) or everything (−1) is accepted.
    fileprivate func moved(_ threshold: Double, by share: Double) -> Double {
        guard share != 0 else { return threshold }
        switch self {
        case .topOne, .margin, .score: return threshold + share * max(0, share > 0 ? 1 - threshold : threshold)
        case .entropy: return threshold - share * max(0, share > 0 ? threshold : 1 - threshold)
        case .energy: return threshold - share * max(1, threshold.magnitude)
        }
    }
}

extension Confidence {
    /// What is wrong with a confidence that no calibration gave.
    fileprivate var fault: Fault? {
        for measure in Measure.allCases where !self[measure].isFinite { return self[measure].isNaN ? .notANumber : .overflow }
        return nil
    }
}

/// What a gate says about one local answer.
package enum Verdict: Hashable, Sendable {
    case accept
    case escalate(Reason)

    package enum Reason: Hashable, Sendable, CustomStringConvertible {
        case unsure(Measure, value: Double, threshold: Double)
        /// By a `not`, or an `any` of nothing.
        case ruledOut
        /// The gate is certified for what two looks say together, and there was no time for the second.
        case noSecondLook
        case fault(Fault)

        package var description: String {
            switch self {
            case .unsure(let measure, let value, let threshold):
                "\(measure.rawValue) \(value) is \(measure.risesWithConfidence ? "below" : "above") \(threshold)"
            case .ruledOut: "the gate rules it out"
            case .noSecondLook: "there is no time for the second look that the gate is certified with"
            case .fault(let fault): fault.description
            }
        }
    }

    package var accepts: Bool { self == .accept }
}

/// A network's output with the gate's word on it: all that decides a frame locally.
package struct Reading: Hashable, Sendable {
    /// `nil` where the output is damaged.
    package var confidence: Confidence?
    package var verdict: Verdict
    /// Accepted by a stricter gate as well: enough to end a stretch of unsure frames.
    package var isClear: Bool

    /// - Parameter isClear: `nil`: where the verdict accepts.
    package init(confidence: Confidence?, verdict: Verdict, isClear: Bool? = nil) {
        self.confidence = confidence
        self.verdict = verdict
        self.isClear = isClear ?? verdict.accepts
    }

    /// Reads one output; a damaged one escalates with its fault. Allocates nothing.
    ///
    /// - Parameter hysteresis: how much stricter the gate is that ``isClear`` is about, 0 … 1.
    package init(of output: Span<Float>, calibration: Calibration, gate: Gate, hysteresis: Double = 0) {
        do {
            let confidence = try calibration.confidence(of: output)
            self.init(
                confidence: confidence, verdict: gate.verdict(on: confidence),
                isClear: gate.verdict(on: confidence, stricterBy: hysteresis).accepts)
        } catch {
            self.init(confidence: nil, verdict: .escalate(.fault(error)))
        }
    }
}
