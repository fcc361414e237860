// SPDX-License-Identifier: Apache-2.0

extension Report {
    /// Phase bands, and a column a second stacked by source.
    var timeline: String {
        let width = 1032.0, left = 44.0, right = 20.0, top = 34.0, bottom = 214.0
        let seconds = max(phases.last?.end ?? 1, 1)
        let x = { (time: Double) in left + (width - left - right) * time / seconds }
        var shapes: [String] = []
        for phase in phases {
            let down = phase.condition != .connected
            if down {
                shapes.append(
                    "<rect x=\"\(fixed(x(phase.start), 1))\" y=\"\(top)\" width=\"\(fixed(x(phase.end) - x(phase.start), 1))\" height=\"\(bottom - top)\" fill=\"var(--down)\"/>")
            }
            shapes.append(
                "<text class=\"\(down ? "name" : "")\" x=\"\(fixed((x(phase.start) + x(phase.end)) / 2, 1))\" y=\"22\" text-anchor=\"middle\">\(phase.condition.rawValue)</text>")
        }
        let columns = Int(seconds.rounded(.up))
        var counts = [[AnswerSource: Int]](repeating: [:], count: columns)
        for record in records {
            guard let source = record.decision?.source, record.time >= 0 else { continue }
            counts[min(Int(record.time), columns - 1)][source, default: 0] += 1
        }
        let tallest = Double(max(counts.map { $0.values.reduce(0, +) }.max() ?? 1, 1))
        for (second, count) in counts.enumerated() {
            var base = bottom
            for source in [AnswerSource.local, .cloud, .unconfirmed] {
                let height = (bottom - top - 24) * Double(count[source, default: 0]) / tallest
                guard height > 0 else { continue }
                base -= height
                shapes.append(
                    "<rect x=\"\(fixed(x(Double(second)) + 0.5, 1))\" y=\"\(fixed(base, 1))\" width=\"\(fixed(max(x(1) - x(0) - 1, 1), 1))\" height=\"\(fixed(height, 1))\" fill=\"\(color(source))\"/>")
            }
        }
        shapes.append("<line class=\"axis\" x1=\"\(left)\" y1=\"\(bottom)\" x2=\"\(width - right)\" y2=\"\(bottom)\"/>")
        shapes.append("<text x=\"\(left - 6)\" y=\"\(bottom)\" text-anchor=\"end\">0</text>")
        shapes.append("<text x=\"\(left - 6)\" y=\"\(top + 30)\" text-anchor=\"end\">\(Int(tallest))</text>")
        shapes += ticks(upTo: seconds).map { tick in
            "<text x=\"\(fixed(x(tick), 1))\" y=\"\(bottom + 18)\" text-anchor=\"middle\">\(fixed(tick, 0)) s</text>"
        }
        let names: [(AnswerSource, String)] = [(.local, "answered by the board"), (.cloud, "answered by the cloud"), (.unconfirmed, "board, unconfirmed")]
        for (index, (source, name)) in names.enumerated() {
            let start = left + Double(index) * 190
            shapes.append("<rect x=\"\(start)\" y=\"\(bottom + 30)\" width=\"12\" height=\"12\" rx=\"2\" fill=\"\(color(source))\"/>")
            shapes.append("<text class=\"name\" x=\"\(start + 18)\" y=\"\(bottom + 40)\">\(name)</text>")
        }
        return svg(width: width, height: bottom + 54, "Decisions a second by source", shapes)
    }

    /// Frames by the board's confidence, right above wrong.
    var confidenceHistogram: String {
        let width = 500.0, left = 40.0, right = 12.0, top = 14.0, bottom = 220.0, bins = 20
        var correct = [Int](repeating: 0, count: bins)
        var wrong = [Int](repeating: 0, count: bins)
        for record in records {
            guard let confidence = record.localConfidence, confidence.isFinite else { continue }
            let bin = min(max(Int(confidence * Double(bins)), 0), bins - 1)
            if record.localClass == record.trueClass { correct[bin] += 1 } else { wrong[bin] += 1 }
        }
        let tallest = Double(max(zip(correct, wrong).map(+).max() ?? 1, 1))
        let step = (width - left - right) / Double(bins)
        var shapes: [String] = []
        for bin in 0..<bins {
            var base = bottom
            for (count, fill) in [(wrong[bin], "var(--wrong)"), (correct[bin], "var(--local)")] where count > 0 {
                let height = max((bottom - top) * Double(count) / tallest, 1)
                base -= height
                shapes.append(
                    "<rect x=\"\(fixed(left + Double(bin) * step + 1, 1))\" y=\"\(fixed(base, 1))\" width=\"\(fixed(step - 2, 1))\" height=\"\(fixed(height, 1))\" fill=\"\(fill)\"/>")
            }
        }
        shapes.append("<line class=\"axis\" x1=\"\(left)\" y1=\"\(bottom)\" x2=\"\(width - right)\" y2=\"\(bottom)\"/>")
        shapes.append("<text x=\"\(left - 6)\" y=\"\(top + 10)\" text-anchor=\"end\">\(Int(tallest))</text>")
        for tick in [0.0, 0.25, 0.5, 0.75, 1] {
            shapes.append(
                "<text x=\"\(fixed(left + tick * (width - left - right), 1))\" y=\"\(bottom + 18)\" text-anchor=\"middle\">\(fixed(tick, 2))</text>")
        }
        for (index, (name, fill)) in [("right", "var(--local)"), ("wrong", "var(--wrong)")].enumerated() {
            let start = left + Double(index) * 80
            shapes.append("<rect x=\"\(start)\" y=\"\(bottom + 30)\" width=\"12\" height=\"12\" rx=\"2\" fill=\"\(fill)\"/>")
            shapes.append("<text class=\"name\" x=\"\(start + 18)\" y=\"\(bottom + 40)\">\(name)</text>")
        }
        return svg(width: width, height: bottom + 54, "Histogram of the board's confidence", shapes)
    }

    /// The empirical distribution of the local frame time under each condition.
    var frameTimes: String {
        let width = 500.0, left = 40.0, right = 12.0, top = 14.0, bottom = 220.0
        let curves = CloudCondition.allCases.map { condition in
            (condition, records.filter { phases[$0.phase].condition == condition }.compactMap { $0.localTime?.milliseconds }.sorted())
        }
        let slowest = max((curves.compactMap { $0.1.quantile(0.995) }.max() ?? 1) * 1.1, 0.1)
        let x = { (time: Double) in left + (width - left - right) * min(time / slowest, 1) }
        let y = { (share: Double) in bottom - (bottom - top) * share }
        let colors = ["var(--cloud)", "var(--local)", "var(--unconfirmed)", "var(--wrong)"]
        var shapes = [0.0, 0.5, 0.99].map { share in
            "<line class=\"axis\" x1=\"\(left)\" y1=\"\(fixed(y(share), 1))\" x2=\"\(width - right)\" y2=\"\(fixed(y(share), 1))\"/>"
                + "<text x=\"\(left - 6)\" y=\"\(fixed(y(share) + 4, 1))\" text-anchor=\"end\">\(share == 0.99 ? "p99" : fixed(share * 100, 0) + " %")</text>"
        }
        for (index, (condition, times)) in curves.enumerated() where !times.isEmpty {
            let stride = max(times.count / 200, 1)
            let points = Swift.stride(from: 0, to: times.count, by: stride).map { position in
                "\(fixed(x(times[position]), 1)),\(fixed(y(Double(position + 1) / Double(times.count)), 1))"
            }
            shapes.append("<polyline fill=\"none\" stroke=\"\(colors[index])\" stroke-width=\"2\" points=\"\(points.joined(separator: " "))\"/>")
            let start = left + Double(index) * 112
            shapes.append("<rect x=\"\(start)\" y=\"\(bottom + 30)\" width=\"12\" height=\"12\" rx=\"2\" fill=\"\(colors[index])\"/>")
            shapes.append("<text class=\"name\" x=\"\(start + 16)\" y=\"\(bottom + 40)\">\(condition.rawValue)</text>")
        }
        shapes += ticks(upTo: slowest).map { tick in
            "<text x=\"\(fixed(x(tick), 1))\" y=\"\(bottom + 18)\" text-anchor=\"middle\">\(fixed(tick, slowest < 4 ? 1 : 0)) ms</text>"
        }
        return svg(width: width, height: bottom + 54, "Distribution of the frame time by condition", shapes)
    }

    private func color(_ source: AnswerSource) -> String {
        switch source {
        case .local: "var(--local)"
        case .cloud: "var(--cloud)"
        case .unconfirmed: "var(--unconfirmed)"
        }
    }

    private func svg(width: Double, height: Double, _ title: String, _ shapes: [String]) -> String {
        "<svg viewBox=\"0 0 \(fixed(width, 0)) \(fixed(height, 0))\" role=\"img\" aria-label=\"\(title.escaped)\">\n" + shapes.joined(separator: "\n") + "\n</svg>"
    }
}

/// Round values from 0 to `limit`, about six of them.
func ticks(upTo limit: Double) -> [Double] {
    var step = 0.1
    let factors = [2.0, 2.5, 2.0]
    var index = 0
    while limit / step > 7 {
        step *= factors[index % 3]
        index += 1
    }
    return Array(stride(from: 0, through: limit, by: step))
}
