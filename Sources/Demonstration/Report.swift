// SPDX-License-Identifier: Apache-2.0

/// The demonstration as one self-contained HTML page: no script, no file beside it, nothing fetched.
package struct Report {
    package var summary: Summary
    package var phases: [Phase]
    package var records: [FrameRecord]
    /// In class order.
    package var labels: [String]
    package var pictures: [Picture]
    /// What the page says under its title: networks, board, versions.
    package var subtitle: String

    /// One frame of the strip.
    package struct Picture: Sendable {
        package var record: FrameRecord
        /// The frame as a PNG file in base64.
        package var png: String

        package init(record: FrameRecord, png: String) {
            self.record = record
            self.png = png
        }
    }

    package init(
        summary: Summary, phases: [Phase], records: [FrameRecord], labels: [String], pictures: [Picture], subtitle: String
    ) {
        self.summary = summary
        self.phases = phases
        self.records = records
        self.labels = labels
        self.pictures = pictures
        self.subtitle = subtitle
    }

    package var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Swiftlet: a flight with and without its cloud</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <main>
        <h1>A flight with and without its cloud</h1>
        <p class="subtitle">\(subtitle.escaped)</p>
        \(figures)
        <h2>Who answered, second by second</h2>
        <p>Each column is one second of frames. Bands show what was done to the cloud.</p>
        \(timeline)
        <h2>By phase</h2>
        \(table)
        <div class="pair">
        <section>
        <h2>How sure the board was</h2>
        <p>The board's calibrated confidence in its own answer, and whether it was right.</p>
        \(confidenceHistogram)
        </section>
        <section>
        <h2>Frame time</h2>
        <p>From capture to the board's own answer. The curves should lie on one another: the cloud is never on the frame path.</p>
        \(frameTimes)
        </section>
        </div>
        <h2>What it saw</h2>
        <p>Frames from the flight: the true class, then the answers. A cloud answer replaced the board's where it is shown.</p>
        \(strip)
        </main>
        </body>
        </html>

        """
    }

    private var figures: String {
        let gain = summary.connectedGain
        let tiles: [(value: String, caption: String)] = [
            ("\(summary.total.frames)", "frames taken up"),
            ("\(summary.total.undecided)", "without a decision"),
            (percent(summary.total.localAccuracy), "right by the board alone"),
            (percent(summary.total.systemAccuracy), "right by the system"),
            (
                signed(gain.mean),
                "points gained while connected; 95 % interval \(signed(gain.lower)) to \(signed(gain.upper)), \(gain.encounters) encounters"
            ),
            (summary.total.localTimeP99.map { fixed($0, 1) + " ms" } ?? "–", "frame time, 99th percentile"),
        ]
        return "<dl class=\"figures\">\n"
            + tiles.map { "<div><dt>\($0.caption)</dt><dd>\($0.value)</dd></div>" }.joined(separator: "\n") + "\n</dl>"
    }

    private var table: String {
        let header = [
            "phase", "frames", "decided", "undecided", "local", "cloud", "unconfirmed", "late answers", "board alone", "system", "p50", "p99",
        ]
        let rows = summary.phases.map { phase in
            let share = { (count: Int) in percent(Double(count) / Double(max(phase.decisions, 1))) }
            let cells = [
                "\(phase.frames)", "\(phase.decisions)", "\(phase.undecided)", share(phase.local), share(phase.cloud), share(phase.unconfirmed),
                "\(phase.revisions)", percent(phase.localAccuracy), percent(phase.systemAccuracy),
                phase.localTimeP50.map { fixed($0, 1) + " ms" } ?? "–", phase.localTimeP99.map { fixed($0, 1) + " ms" } ?? "–",
            ]
            return "<tr><th scope=\"row\">\(phase.condition.rawValue)</th>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
        }
        return "<div class=\"wide\"><table>\n<thead><tr>" + header.map { "<th scope=\"col\">\($0)</th>" }.joined() + "</tr></thead>\n<tbody>\n"
            + rows.joined(separator: "\n") + "\n</tbody>\n</table></div>"
    }

    private var strip: String {
        let items = pictures.map { picture in
            let record = picture.record
            let local = record.localClass.map(label) ?? "–"
            let right = record.decision?.classIndex == record.trueClass
            let answer: String =
                switch record.decision?.source {
                case .cloud: "board \(local) → cloud \(record.decision.map { label($0.classIndex) } ?? "–")"
                case .unconfirmed: "board \(local), unconfirmed"
                case .local: "board \(local)"
                case nil: "no decision"
                }
            return """
                <figure class="\(right ? "right" : "wrong")"><img alt="\(label(record.trueClass).escaped)" width="144" height="144" src="data:image/png;base64,\(picture.png)">\
                <figcaption><b>\(label(record.trueClass).escaped)</b><br>\(answer.escaped)<br><span>\(fixed(record.time, 1)) s · \(phases[record.phase].condition.rawValue)</span></figcaption></figure>
                """
        }
        return "<div class=\"strip\">\n" + items.joined(separator: "\n") + "\n</div>"
    }

    private func label(_ index: Int) -> String { labels.indices.contains(index) ? labels[index] : "class \(index)" }

    private static let style = """
        :root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6a7a; --line: #d8dee6; --paper: #fbfcfd; --card: #ffffff;
          --local: #2f6fd0; --cloud: #12967a; --unconfirmed: #e0960c; --wrong: #cf3b4b; --down: #f4e3d7; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --soft: #9aa7b6; --line: #313b47; --paper: #12171d; --card: #1a2129;
          --local: #6a9ff0; --cloud: #35c2a1; --unconfirmed: #f0b23e; --wrong: #f0697a; --down: #3a2a20; } }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
        main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
        h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 4px; }
        p { margin: 0 0 12px; color: var(--soft); } .subtitle { margin-bottom: 24px; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0; }
        .figures div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
        .figures dd { margin: 0; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; } .figures dt { color: var(--soft); font-size: 13px; }
        svg { width: 100%; height: auto; display: block; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg .axis { stroke: var(--line); } svg .name { fill: var(--ink); }
        .wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
        th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th:first-child { text-align: left; font-weight: 500; } thead th { color: var(--soft); font-weight: 500; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); gap: 24px; }
        .strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(144px, 1fr)); gap: 16px 12px; }
        figure { margin: 0; } figure img { image-rendering: auto; border-radius: 6px; border: 3px solid var(--cloud); display: block; }
        figure.wrong img { border-color: var(--wrong); } figcaption { font-size: 12px; line-height: 1.4; margin-top: 6px; } figcaption span { color: var(--soft); }
        """
}

extension String {
    /// Safe as HTML text and inside a quoted attribute.
    package var escaped: String {
        reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}

/// `value` with a fixed number of decimals, rounded half away from zero.
package func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
    let scale = (0..<decimals).reduce(1.0) { power, _ in power * 10 }
    let units = Int((value.magnitude * scale).rounded())
    let sign = value < 0 && units > 0 ? "−" : ""
    guard decimals > 0 else { return "\(sign)\(units)" }
    let fraction = "\(units % Int(scale))"
    return "\(sign)\(units / Int(scale))." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

package func percent(_ share: Double) -> String { fixed(share * 100, 1) + " %" }

/// A difference of two shares in percentage points, with its sign.
package func points(_ difference: Double) -> String { signed(difference) + " points" }

private func signed(_ difference: Double) -> String { (difference >= 0 ? "+" : "") + fixed(difference * 100, 1) }
