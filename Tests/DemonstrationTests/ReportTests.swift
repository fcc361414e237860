// SPDX-License-Identifier: Apache-2.0
import Demonstration
import Testing
import TestSupport

struct ReportTests {
    private func report(frames: Int) -> Report {
        let phases = Phase.programme(seconds: 35)
        var random = SeededGenerator(seed: 3)
        let records = (0..<frames).map { index in
            let time = 35 * Double(index) / Double(max(frames, 1))
            let phase = phases.firstIndex { time < $0.end } ?? 0
            var record = FrameRecord(frame: UInt64(index), time: time, phase: phase, trueClass: index / 30 % 9)
            record.localClass = Int.random(in: 0..<10, using: &random) < 8 ? record.trueClass : 0
            record.localConfidence = Double.random(in: 0.2...1, using: &random)
            record.localTime = .microseconds(Int.random(in: 900...1500, using: &random))
            let asked = (record.localConfidence ?? 0) < 0.5
            let connected = phases[phase].condition == .connected
            record.decision = .init(
                classIndex: asked && connected ? record.trueClass : record.localClass ?? 0, confidence: record.localConfidence ?? 0,
                source: !asked ? .local : connected ? .cloud : .unconfirmed, latency: .milliseconds(20))
            return record
        }
        let pictures = stride(from: 0, to: frames, by: max(frames / 12, 1)).map { records[$0] }.prefix(12).map { Report.Picture(record: $0, png: "iVBORw0KGgo=") }
        return Report(
            summary: Summary(records: records, phases: phases, droppedFrames: 0), phases: phases, records: records,
            labels: ["clear", "tree", "<mast> & \"wires\""], pictures: Array(pictures), subtitle: "a <test>")
    }

    @Test func thePageIsWholeAndFetchesNothing() {
        let page = report(frames: 700).html
        #expect(page.hasSuffix("</html>\n"))
        #expect(page.components(of: "<svg") == 3 && page.components(of: "</svg>") == 3)
        #expect(page.components(of: "<figure ") == 12)
        #expect(page.components(of: "http") == 0 && page.components(of: "<script") == 0)
    }

    @Test func textFromOutsideIsEscaped() {
        let page = report(frames: 700).html
        #expect(page.components(of: "a &lt;test&gt;") == 1)
        #expect(page.components(of: "<mast>") == 0 && page.components(of: "&lt;mast&gt; &amp; &quot;wires&quot;") > 0)
    }

    @Test func aFlightWithoutFramesStillMakesAPage() {
        #expect(report(frames: 0).html.hasSuffix("</html>\n"))
    }

    @Test func numbersAreRoundedAndSigned() {
        #expect(fixed(1.25, 1) == "1.3" && fixed(-0.04, 1) == "0.0" && fixed(-3.06, 1) == "−3.1" && fixed(12, 0) == "12" && fixed(0.005, 3) == "0.005")
        #expect(points(0.051) == "+5.1 points" && points(-0.01) == "−1.0 points" && percent(0.5) == "50.0 %")
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
