// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
package import Planning

/// Figures, constraints and reasons in words.
extension Figure {
    /// Above a column of ``cell(_:)``.
    var heading: String {
        switch self {
        case .latency: "latency ms"
        case .highLatency: "p95 ms"
        case .misses: "missed %"
        case .throughput: "frames/s"
        case .accuracy: "right %"
        case .harm: "harm %"
        case .energy: "energy mJ"
        case .serverTime: "server ms"
        case .bytes: "sent kB"
        }
    }

    /// The unit's name in JSON, behind the figure's.
    var jsonKey: String {
        let unit =
            switch self {
            case .latency, .highLatency, .serverTime: "_ms"
            case .throughput: "_fps"
            case .energy: "_mj"
            case .misses, .accuracy, .harm, .bytes: ""
            }
        return String(name.map { $0 == " " ? "_" : $0 }) + unit
    }

    /// In the unit of tables and of JSON, where shares stay shares.
    func scaled(_ value: Double) -> Double {
        switch self {
        case .latency, .highLatency, .serverTime, .energy: value * 1000
        case .misses, .accuracy, .harm, .throughput, .bytes: value
        }
    }

    func cell(_ value: Double) -> String {
        guard value.isFinite else { return self == .throughput ? "any" : "never" }
        switch self {
        case .misses, .accuracy, .harm: return fixed(value * 100, 2)
        case .bytes: return fixed(value / 1000, value < 9995 ? 2 : 1)
        case .latency, .highLatency, .throughput, .energy, .serverTime: return scaled(value).threeDigits
        }
    }

    /// With its unit, as in `12.3 ms`.
    package func words(_ value: Double) -> String {
        guard value.isFinite else { return cell(value) }
        switch self {
        case .latency, .highLatency, .serverTime: return "\(cell(value)) ms"
        case .throughput: return "\(cell(value)) frames/s"
        case .misses, .accuracy, .harm: return "\(cell(value)) %"
        case .energy: return "\(cell(value)) mJ"
        case .bytes: return value.bytesText
        }
    }

    /// Whether the figure itself is better where it is more.
    var isBetterWhereMore: Bool { self == .throughput || self == .accuracy }
}

extension Plan {
    /// Its description with all digits of the thresholds, which ``Plan/init(_:)`` reads.
    package var exactText: String {
        var parts = gates.map { "exit \($0.exit) ≥ \($0.threshold)" }
        parts.append(upload.map { "send \($0)" } ?? "end")
        if let insurance { parts.append("on to exit \(insurance.exit) ≥ \(insurance.threshold)") }
        return parts.joined(separator: ", ")
    }
}

extension Policy.Constraint {
    /// As in `deadline misses ≤ 1.00 %`.
    package var words: String { "\(figure.name) \(figure.isBetterWhereMore ? "≥" : "≤") \(figure.words(bound))" }
}

extension Policy.Target {
    var words: String { slack > 0 ? "\(figure.name) (within \(fixed(slack * 100, 0)) %)" : figure.name }
}

extension Choice.Reason {
    /// Why a plan isn't the first.
    ///
    /// - Parameters:
    ///   - figures: the plan's.
    ///   - first: those of the chosen one.
    ///   - policy: what was chosen by.
    package func words(_ figures: Figures, first: Figures, policy: Policy) -> String {
        switch self {
        case .constraint(let constraint):
            let figure = constraint.figure
            let own = figure.words(figures[figure])
            let isKept = figure.cost(of: first[figure]) <= figure.cost(of: constraint.bound)
            return isKept ? "doesn't keep \(constraint.words): \(own)" : "misses \(constraint.words) by more: \(own), the first \(figure.words(first[figure]))"
        case .target(let figure):
            return "worse in \(figure.name): \(figure.words(figures[figure])), \(difference(figure, figures[figure], first[figure]))"
        case .hysteresis: return "better by less than \(fixed(policy.hysteresis * 100, 0)) %: not worth a change"
        case .order: return "just as good in all that the policy asks for"
        }
    }

    private func difference(_ figure: Figure, _ value: Double, _ first: Double) -> String {
        switch figure {
        case .misses, .accuracy, .harm:
            let points = (value - first).magnitude * 100
            return "\(fixed(points, points < 0.1 ? 3 : 2)) points \(figure == .accuracy ? "below" : "above") the first"
        default:
            guard first > 0, first.isFinite, value.isFinite else { return "the first \(figure.words(first))" }
            let ratio = value / first
            if ratio >= 3 { return "\(fixed(ratio, 1)) times the first" }
            let share = (ratio - 1).magnitude * 100
            return "\(fixed(share, share < 0.1 ? 3 : share < 10 ? 1 : 0)) % \(ratio < 1 ? "below" : "above") the first"
        }
    }
}

extension Double {
    /// Three digits or, from 1000 on, all before the point.
    var threeDigits: String { fixed(self, magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2) }
}
