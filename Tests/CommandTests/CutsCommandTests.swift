// SPDX-License-Identifier: Apache-2.0
import Foundation
import Rehearsal
import TestSupport
import Testing

/// What crosses the cuts of the demonstration's network, on frames of its flight.
struct CutsCommandTests {
    private struct Report: Decodable {
        struct Choice: Decodable {
            struct Difference: Decodable {
                var value: Double
                var low: Double
                var high: Double
            }

            var bits: Int
            var bytes: Double
            var dyno_bytes: Double
            var accuracy_change: Difference
        }

        struct Row: Decodable {
            var position: Int
            var shapes: [[Int]]
            var multiply_adds_before: Int
            var float32_bytes: Int
            var spinn_bytes: Double
            var choices: [Choice]
        }

        var images: Int
        var labelled: Bool
        var multiply_adds: Int
        var cuts: [Row]
    }

    private static let model = FlightBundles.configuration + "/models/flight-board.onnx"

    @Test func everyCutSaysWhatItTakesToGoAcrossAndWhatThatCosts() async throws {
        let bundles = try await FlightBundles.shared
        let outcome = try await tool(["cuts", Self.model, "--images", bundles.frames, "--limit", "12", "--all", "--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
        #expect(report.images == 12 && report.labelled && report.cuts.count > 5)
        let input = try #require(report.cuts.first)
        #expect(input.position == 0 && input.shapes.count == 1 && input.shapes[0][0] == 3 && input.multiply_adds_before == 0)
        for (earlier, cut) in zip(report.cuts, report.cuts.dropFirst()) {
            #expect(earlier.position < cut.position && earlier.multiply_adds_before <= cut.multiply_adds_before)
            #expect(cut.multiply_adds_before <= report.multiply_adds)
        }
        for cut in report.cuts {
            #expect(cut.float32_bytes == 4 * cut.shapes.reduce(0) { $0 + $1.reduce(1, *) })
            #expect(cut.choices.map(\.bits) == Array(2...8))
            for (fewer, more) in zip(cut.choices, cut.choices.dropFirst()) { #expect(fewer.bytes < more.bytes) }
            for choice in cut.choices {
                #expect(choice.accuracy_change.low <= choice.accuracy_change.value && choice.accuracy_change.value <= choice.accuracy_change.high)
            }
            let last = try #require(cut.choices.last)
            #expect(last.bytes < Double(cut.float32_bytes) && last.accuracy_change.value.magnitude <= 0.17, "8 bits at cut \(cut.position)")
        }
        let text = try await tool(["cuts", Self.model, "--images", bundles.frames, "--limit", "4"])
        #expect(text.ending == .exited(0) && text.text.contains("bits for 1 / 2 / 5 points") && text.text.contains("the input"), "\(text)")
    }

    @Test func whatCantBeDividedIsAnErrorOfOneLine() async throws {
        let bundles = try await FlightBundles.shared
        let quantized = try await tool(["cuts", bundles.board, "--images", bundles.frames])
        #expect(quantized.ending == .exited(64) && quantized.text.contains("is in int8"), "\(quantized)")
        let missing = try await tool(["cuts", Self.model, "--images", bundles.frames + "/none"])
        #expect(missing.ending == .exited(66), "\(missing)")
    }
}
