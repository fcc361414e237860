// SPDX-License-Identifier: Apache-2.0

/// Decides which local answers to trust.
package indirect enum Gate: Hashable, Sendable {
    /// Accepts at or above the threshold, or at or below it for measures that fall with confidence
    /// (``Measure/risesWithConfidence``).
    case threshold(Measure, Double)
    /// Accepts what each of them accepts; everything where there is none.
    case all([Gate])
    /// Accepts what one of them accepts; nothing where there is none.
    case any([Gate])
    /// Accepts what the other doesn't. A fault is never accepted, turned round or not.
    case not(Gate)

    package func verdict(on confidence: Confidence) -> Verdict {
        switch self {
        case .threshold(let measure, let threshold):
            let value = confidence[measure]
            // Comparisons with a value that is not a number are false, so it escalates.
            let accepts = measure.risesWithConfidence ? value >= threshold : value <= threshold
            return accepts ? .accept : .escalate(.unsure(measure, value: value, threshold: threshold))
        case .all(let gates):
            for gate in gates {
                let verdict = gate.verdict(on: confidence)
                if !verdict.accepts { return verdict }
            }
            return .accept
        case .any(let gates):
            var first: Verdict?
            for gate in gates {
                let verdict = gate.verdict(on: confidence)
                if verdict.accepts { return .accept }
                if first == nil { first = verdict }
            }
            return first ?? .escalate(.ruledOut)
        case .not(let gate):
            return gate.verdict(on: confidence).accepts ? .escalate(.ruledOut) : .accept
        }
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
        case fault(Fault)

        package var description: String {
            switch self {
            case .unsure(let measure, let value, let threshold):
                "\(measure.rawValue) \(value) is \(measure.risesWithConfidence ? "below" : "above") \(threshold)"
            case .ruledOut: "the gate rules it out"
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

    package init(confidence: Confidence?, verdict: Verdict) {
        self.confidence = confidence
        self.verdict = verdict
    }

    /// Reads one output; a damaged one escalates with its fault. Allocates nothing for a gate of one threshold.
    package init(of output: Span<Float>, calibration: Calibration, gate: Gate) {
        do {
            let confidence = try calibration.confidence(of: output)
            self.init(confidence: confidence, verdict: gate.verdict(on: confidence))
        } catch {
            self.init(confidence: nil, verdict: .escalate(.fault(error)))
        }
    }
}
