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

/// One diagram with its axes.
private struct Panel {
    static let width = 420.0
    static let height = 330.0
    private static let left = 58.0
    private static let right = 400.0
    private static let top = 34.0
    private static let bottom = 262.0

    private let x: ClosedRange<Double>
    private let y: ClosedRange<Double>
    private var shapes: [String]

    init(_ title: String, x: ClosedRange<Double>, y: ClosedRange<Double>, xName: String, yName: String) {
        self.x = x
        self.y = y
        shapes = ["<text x=\"\(Self.left)\" y=\"18\" font-weight=\"600\" fill=\"#1f2328\">\(title.escaped)</text>"]
        for tick in Self.ticks(y) {
            let height = fixed(place(0, tick).y, 1)
            shapes.append("<line x1=\"\(Self.left)\" y1=\"\(height)\" x2=\"\(Self.right)\" y2=\"\(height)\" stroke=\"#eaeef2\"/>")
            shapes.append("<text x=\"\(Self.left - 6)\" y=\"\(height)\" dy=\"4\" text-anchor=\"end\">\(Self.label(tick, of: y))</text>")
        }
        for tick in Self.ticks(x) {
            shapes.append("<text x=\"\(fixed(place(tick, 0).x, 1))\" y=\"\(Self.bottom + 18)\" text-anchor=\"middle\">\(Self.label(tick, of: x))</text>")
        }
        shapes.append("<text x=\"\((Self.left + Self.right) / 2)\" y=\"\(Self.bottom + 36)\" text-anchor=\"middle\">\(xName.escaped)</text>")
        shapes.append("<text transform=\"translate(14 \((Self.top + Self.bottom) / 2)) rotate(-90)\" text-anchor=\"middle\">\(yName.escaped)</text>")
        shapes.append("<line x1=\"\(Self.left)\" y1=\"\(Self.bottom)\" x2=\"\(Self.right)\" y2=\"\(Self.bottom)\" stroke=\"#8c959f\"/>")
    }

    var body: String { shapes.joined(separator: "\n") }

    private func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
        let width = max(self.x.upperBound - self.x.lowerBound, .leastNormalMagnitude)
        let height = max(self.y.upperBound - self.y.lowerBound, .leastNormalMagnitude)
        return (
            Self.left + (Self.right - Self.left) * (x - self.x.lowerBound) / width,
            Self.bottom - (Self.bottom - Self.top) * (y - self.y.lowerBound) / height
        )
    }

    mutating func line(_ points: [(Double, Double)], color: String, dashes: Bool = false) {
        let places = points.map { place($0.0, $0.1) }.map { "\(fixed($0.x, 1)),\(fixed($0.y, 1))" }.joined(separator: " ")
        shapes.append("<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.8\"\(dashes ? " stroke-dasharray=\"5 4\"" : "") points=\"\(places)\"/>")
    }

    mutating func dot(_ point: (Double, Double), color: String) {
        let place = place(point.0, point.1)
        shapes.append("<circle cx=\"\(fixed(place.x, 1))\" cy=\"\(fixed(place.y, 1))\" r=\"4\" fill=\"\(color)\" stroke=\"#ffffff\"/>")
    }

    mutating func bar(_ range: ClosedRange<Double>, from low: Double, to high: Double, color: String) {
        guard high > low else { return }
        let (start, end) = (place(range.lowerBound, high), place(range.upperBound, low))
        shapes.append(
            "<rect x=\"\(fixed(start.x + 1, 1))\" y=\"\(fixed(start.y, 1))\" width=\"\(fixed(max(end.x - start.x - 2, 1), 1))\" height=\"\(fixed(max(end.y - start.y, 0.5), 1))\" fill=\"\(color)\"/>")
    }

    mutating func legend(_ entries: [(String, String)]) {
        var start = Self.left
        for (name, color) in entries {
            shapes.append("<rect x=\"\(fixed(start, 1))\" y=\"\(Self.bottom + 48)\" width=\"10\" height=\"10\" rx=\"2\" fill=\"\(color)\"/>")
            shapes.append("<text x=\"\(fixed(start + 15, 1))\" y=\"\(Self.bottom + 57)\" font-size=\"11\">\(name.escaped)</text>")
            start += 32 + Double(name.count) * 6
        }
    }

    /// Round values within the range, about five of them.
    private static func ticks(_ range: ClosedRange<Double>) -> [Double] {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else { return [range.lowerBound] }
        var step = 1e-9
        let factors = [2.0, 2.5, 2.0]
        var index = 0
        while span / step > 6 {
            step *= factors[index % 3]
            index += 1
        }
        return Array(stride(from: (range.lowerBound / step).rounded(.up) * step, through: range.upperBound, by: step))
    }

    private static func label(_ value: Double, of range: ClosedRange<Double>) -> String {
        if range.upperBound > 1 { return fixed(value, 0) }
        return fixed(value * 100, range.upperBound - range.lowerBound < 0.05 ? 1 : 0) + " %"
    }
}
