// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Demonstration
internal import Gating

/// A pair of networks as a picture: risk against coverage, how honest the confidence is, and how it is spread. A complete SVG file.
struct PairPlot {
    private let samples: [PairedSample]
    private let measure: Measure
    /// The gate's point on the curve, `nil` for a gate that isn't one threshold.
    private let threshold: Double?
    private let certificate: Certificate?
    private let title: String

    init(_ samples: [PairedSample], gate: Gate, certificate: Certificate?, title: String) {
        self.samples = samples
        self.certificate = certificate
        self.title = title
        if case .threshold(let measure, let value) = gate { (self.measure, threshold) = (measure, value) } else { (measure, threshold) = (.topOne, nil) }
    }

    var svg: String {
        let panels = [riskAgainstCoverage, reliability, histogram]
        let width = Panel.width * Double(panels.count)
        let body = panels.enumerated().map { "<g transform=\"translate(\(fixed(Double($0) * Panel.width, 0)) 44)\">\n\($1.body)\n</g>" }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(fixed(width, 0)) \(fixed(Panel.height + 44, 0))" width="\(fixed(width, 0))" height="\(fixed(Panel.height + 44, 0))" \
            font-family="system-ui, sans-serif" font-size="12" fill="#57606a">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="24" y="26" font-size="15" font-weight="600" fill="#1f2328">\(title.escaped)</text>
            \(body.joined(separator: "\n"))
            </svg>

            """
    }

    private static let blue = "#0969da"
    private static let orange = "#bc4c00"
    private static let green = "#1a7f37"
    private static let grey = "#8c959f"

    private var riskAgainstCoverage: Panel {
        let curve = RiskCoverageCurve(samples, by: measure)
        let highest = curve.points.map { max($0.harm, $0.accuracyLoss) }.max() ?? 0
        let top = max(highest * 1.1, certificate.map { $0.bound * 1.5 } ?? 0, 0.001)
        let lowest = min(curve.points.map(\.accuracyLoss).min() ?? 0, 0)
        var panel = Panel("Risk against coverage", x: 0...1, y: lowest * 1.1...top, xName: "answered on the board", yName: "share of all images")
        panel.line([(0, 0), (1, 0)], color: Self.grey)
        panel.line(thinned(curve.points).map { ($0.coverage, $0.harm) }, color: Self.orange)
        panel.line(thinned(curve.points).map { ($0.coverage, $0.accuracyLoss) }, color: Self.blue)
        var legend = [("harm", Self.orange), ("accuracy loss", Self.blue)]
        if let certificate {
            panel.line([(0, certificate.bound), (1, certificate.bound)], color: Self.green, dashes: true)
            legend.append(("certified: \(certificate.risk.rawValue) ≤ \(PairReport.exact(certificate.bound)) %", Self.green))
        }
        if let threshold, let point = curve.points.last(where: { measure.risesWithConfidence ? $0.threshold >= threshold : $0.threshold <= threshold }) {
            panel.dot((point.coverage, point.harm), color: Self.orange)
            panel.dot((point.coverage, point.accuracyLoss), color: Self.blue)
        }
        panel.legend(legend)
        return panel
    }

    private var reliability: Panel {
        let bins = Reliability(samples)
        var panel = Panel("Reliability of the board's confidence", x: 0...1, y: 0...1, xName: "confidence", yName: "right")
        panel.line([(0, 0), (1, 1)], color: Self.grey, dashes: true)
        for bin in bins.bins where bin.count > 0 {
            guard let accuracy = bin.accuracy, let mean = bin.meanConfidence else { continue }
            let interval = Proportion(bin.right, of: bin.count).interval(confidence: PairReport.confidence)
            panel.line([(mean, interval.lowerBound), (mean, interval.upperBound)], color: Self.blue)
            panel.dot((mean, accuracy), color: Self.blue)
        }
        panel.legend([("right, with 95 % interval", Self.blue), ("calibration error \(fixed(bins.expectedCalibrationError * 100, 2)) %", Self.grey)])
        return panel
    }

    private var histogram: Panel {
        let count = 20
        let all = Reliability(samples, bins: count)
        let tallest = Double(max(all.bins.map(\.count).max() ?? 1, 1))
        var panel = Panel("The board's confidence", x: 0...1, y: 0...tallest, xName: "confidence", yName: "images")
        for bin in all.bins {
            panel.bar(bin.range, from: 0, to: Double(bin.right), color: Self.blue)
            panel.bar(bin.range, from: Double(bin.right), to: Double(bin.count), color: Self.orange)
        }
        if measure == .topOne, let threshold { panel.line([(threshold, 0), (threshold, tallest)], color: Self.green, dashes: true) }
        panel.legend([("right", Self.blue), ("wrong", Self.orange)])
        return panel
    }

    /// At most about 400 of them.
    private func thinned(_ points: [RiskCoverageCurve.Point]) -> [RiskCoverageCurve.Point] {
        let step = max(points.count / 400, 1)
        return points.indices.filter { $0 % step == 0 || $0 == points.count - 1 }.map { points[$0] }
    }
}
