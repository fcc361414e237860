// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Planning

/// What is chosen at each bandwidth, and its figures, as a picture: a complete SVG file.
struct PlanPlot {
    private struct Line {
        var figure: Figure
        var color: String
    }

    private static let columns = 4
    private static let (blue, orange, green) = ("#0969da", "#bc4c00", "#1a7f37")
    private static let colors = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#1b7c83", "#cf222e", "#57606a", "#4d2d00"]

    private let sweep: PlanSweep
    private let policy: Policy
    private let title: String

    init(_ sweep: PlanSweep, policy: Policy, title: String) {
        (self.sweep, self.policy, self.title) = (sweep, policy, title)
    }

    var svg: String {
        let panels = [
            panel("Until the answer, ms", [Line(figure: .latency, color: Self.blue), Line(figure: .highLatency, color: Self.orange)]),
            panel("Late at the deadline", [Line(figure: .misses, color: Self.blue)]),
            panel("Right answers", [Line(figure: .accuracy, color: Self.blue)]),
            panel("Wrong where the full model is right", [Line(figure: .harm, color: Self.blue)]),
            panel("Frames a second", [Line(figure: .throughput, color: Self.blue)]),
            panel("Energy of a frame, mJ", [Line(figure: .energy, color: Self.blue)]),
            panel("Server time of a frame, ms", [Line(figure: .serverTime, color: Self.blue)]),
            panel("Sent for a frame, kB", [Line(figure: .bytes, color: Self.blue)]),
        ]
        let (head, row, line) = (44.0, Panel.height + 8, 18.0)
        let rows = Double((panels.count + Self.columns - 1) / Self.columns)
        let (width, height) = (Panel.width * Double(Self.columns), head + row * rows + line * Double(sweep.plans.count) + 34)
        let drawn = panels.enumerated().map { index, panel in
            let (x, y) = (Panel.width * Double(index % Self.columns), head + row * Double(index / Self.columns))
            return "<g transform=\"translate(\(fixed(x, 0)) \(fixed(y, 0)))\">\n\(panel.body)\n</g>"
        }
        let names = sweep.plans.enumerated().map { index, plan in
            let y = head + row * rows + line * Double(index) + 14
            let color = Self.color(index)
            let box = "<rect x=\"24\" y=\"\(fixed(y - 10, 0))\" width=\"12\" height=\"12\" rx=\"2\" fill=\"\(color)\" fill-opacity=\"0.3\"/>"
            return box + "<text x=\"44\" y=\"\(fixed(y, 0))\"><tspan font-weight=\"600\" fill=\"\(color)\">\(PlanSweep.letter(index))</tspan>  \(plan.escaped)</text>"
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(fixed(width, 0)) \(fixed(height, 0))" width="\(fixed(width, 0))" height="\(fixed(height, 0))" \
            font-family="system-ui, sans-serif" font-size="12" fill="#57606a">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="24" y="26" font-size="15" font-weight="600" fill="#1f2328">\(title.escaped)</text>
            \((drawn + names).joined(separator: "\n"))
            </svg>

            """
    }

    private static func color(_ plan: Int) -> String { colors[plan % colors.count] }

    /// Figures on one scale, over stripes of the plans.
    private func panel(_ title: String, _ lines: [Line]) -> Panel {
        func shown(_ figure: Figure, _ value: Double) -> Double { figure == .bytes ? value / 1000 : figure.scaled(value) }
        let values = lines.flatMap { line in sweep.points.map { shown(line.figure, $0.values[line.figure]) } }.filter(\.isFinite)
        let bounds = policy.constraints.filter { constraint in lines.contains { $0.figure == constraint.figure } }.map { shown($0.figure, $0.bound) }
        let most = values.max() ?? 0
        let near = bounds.filter { $0 <= 1.5 * most || most == 0 }
        let isShare = lines.allSatisfy { [.misses, .accuracy, .harm].contains($0.figure) }
        var (low, high) = (0.0, max(most, near.max() ?? 0))
        if lines[0].figure == .accuracy {
            low = min(values.min() ?? 0, near.min() ?? 1)
            (low, high) = (max(low - max(high - low, 0.01) * 0.25, 0), min(high + max(high - low, 0.01) * 0.25, 1))
        } else {
            high = high > 0 ? high * 1.15 : isShare ? 0.01 : 1
        }
        var panel = Panel(
            title, x: Axis(logarithmic: "uplink, Mbit/s", PlanSweep.range, ticks: [0.5, 1, 2, 5, 10, 20, 50, 100]), y: Axis("", low...high, isShare: isShare))
        for (index, stripe) in stripes.enumerated() {
            let end = index + 1 < stripes.count ? stripes[index + 1].start : PlanSweep.range.upperBound
            panel.band(stripe.start...max(end, stripe.start), color: Self.color(stripe.plan), letter: PlanSweep.letter(stripe.plan))
        }
        for bound in near { panel.line([(PlanSweep.range.lowerBound, bound), (PlanSweep.range.upperBound, bound)], color: Self.green, dashes: true) }
        for line in lines {
            let points = sweep.points.map { ($0.uplink, shown(line.figure, $0.values[line.figure])) }.filter(\.1.isFinite)
            panel.line(points, color: line.color)
        }
        var legend = lines.count > 1 ? lines.map { ($0.figure == .latency ? "mean" : "95 of 100 frames", $0.color) } : []
        if !near.isEmpty { legend.append(("what the policy asks for", Self.green)) }
        panel.legend(legend)
        return panel
    }

    /// Neighbouring points of the same plan, each from the middle between two points on.
    private var stripes: [(start: Double, plan: Int)] {
        var stripes: [(start: Double, plan: Int)] = []
        for (index, point) in sweep.points.enumerated() where stripes.last?.plan != point.plan {
            stripes.append((index == 0 ? point.uplink : (point.uplink * sweep.points[index - 1].uplink).squareRoot(), point.plan))
        }
        return stripes
    }
}
