// SPDX-License-Identifier: Apache-2.0
import Packing
import Planning
import Testing

/// A plan's text, both ways.
struct PlanTextTests {
    static let plans = [
        Plan(), Plan(gates: [.init(exit: 2, threshold: 0)]), Plan(upload: Upload(cut: 0, payload: .png)), Plan(upload: Upload(cut: 0, payload: .jpeg(quality: 75))),
        Plan(gates: [.init(exit: 0, threshold: 0.93), .init(exit: 1, threshold: 0.875)], upload: Upload(cut: 17, payload: .tensors(bits: 4, .planesLZ4)), insurance: .init(exit: 2, threshold: 0.5)),
        Plan(upload: Upload(cut: 9, payload: .floats, exit: 1)), Plan(upload: Upload(cut: 0, payload: .png, exit: 0), insurance: .init(exit: 1, threshold: .infinity)),
    ]

    @Test(arguments: plans) func aPlanIsReadFromItsDescription(plan: Plan) { #expect(Plan("\(plan)") == plan) }

    @Test func thresholdsHaveAsManyDigitsAsOneLikes() {
        #expect(Plan("exit 0 ≥ 0.9312345678, end")?.gates == [.init(exit: 0, threshold: 0.9312345678)])
    }

    @Test(arguments: [
        "", "stop", "end, end", "exit 0, end", "exit -1 ≥ 0.5, end", "exit 0 ≥ nan, end", "exit 0 ≥ 0.5", "send", "send cut 3", "send cut -3 as PNG", "send cut 3 as GIF", "send cut 3 as JPEG 300",
        "send cut 3 as 4 bits", "send cut 3 as 1 bits, planes", "send cut 3 as 32 bits, planes", "send cut 3 as 4 bits, form 2", "send cut 3 as PNG for", "send cut 3 as PNG, on to", "send cut 3 as PNG, on to exit 1", "send cut 3 as PNG, end", "end, on to exit 1 ≥ 0.5",
    ]) func otherTextsSayNoPlan(text: String) { #expect(Plan(text) == nil) }

    @Test func aPlanFitsATableThatHasItsExitsAndItsUpload() {
        let scores: [Float] = [0.5, 0.9]
        let right = SampleSet(of: 2) { _ in true }
        let upload = Upload(cut: 0, payload: .png)
        let table = CalibrationTable(
            exits: [.init(position: 1, scores: scores, right: right), .init(position: 3, scores: scores, right: right)],
            sent: [.init(upload, bytes: [10, 20], right: right)], full: right)
        for text in ["end", "exit 0 ≥ 0.5, end", "exit 1 ≥ 0, end", "send cut 0 as PNG", "exit 0 ≥ 0.5, send cut 0 as PNG, on to exit 1 ≥ 0.5"] {
            #expect(Plan(text)?.fits(table) == true, "\(text)")
        }
        for text in ["exit 2 ≥ 0.5, end", "exit 1 ≥ 0.5, exit 0 ≥ 0.5, end", "send cut 0 as JPEG 75", "send cut 2 as PNG", "send cut 0 as PNG for exit 0", "exit 1 ≥ 0.5, send cut 0 as PNG, on to exit 1 ≥ 0.5"] {
            #expect(Plan(text)?.fits(table) == false, "\(text)")
        }
    }

    /// What crosses a cut is gone once the board has passed it.
    @Test func gatesBehindTheCutAndInsurancesBeforeItDontFit() {
        let scores: [Float] = [0.5, 0.9]
        let right = SampleSet(of: 2) { _ in true }
        let exits = [1, 3, 5].map { CalibrationTable.Exit(position: $0, scores: scores, right: right) }
        let sent = [Upload(cut: 0, payload: .png), Upload(cut: 3, payload: .png)].map { CalibrationTable.Sent($0, bytes: [10, 20], right: right) }
        let table = CalibrationTable(exits: exits, sent: sent, full: right)
        for text in [
            "exit 0 ≥ 2, exit 1 ≥ 2, send cut 3 as PNG", "exit 0 ≥ 2, send cut 3 as PNG, on to exit 1 ≥ 2", "send cut 3 as PNG, on to exit 2 ≥ 2", "exit 1 ≥ 2, send cut 0 as PNG, on to exit 2 ≥ 2",
        ] {
            #expect(Plan(text)?.fits(table) == true, "\(text)")
        }
        for text in ["exit 2 ≥ 2, send cut 3 as PNG", "send cut 3 as PNG, on to exit 0 ≥ 2"] {
            #expect(Plan(text)?.fits(table) == false, "\(text)")
        }
    }
}
