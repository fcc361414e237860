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
            var symbols_bytes: Double
            var dyno_bytes: Double
            var accuracy_change: Difference
        }

        struct Share: Decodable { var value: Double }

        struct Row: Decodable {
            var position: Int
            var after: String?
            var shapes: [[Int]]
            var multiply_adds_before: Int
            var float32_bytes: Int
            var spinn_bytes: Double
            var choices: [Choice]
        }

        var images: Int
        var packed: Int
        var labelled: Bool
        var accuracy: Share
        var multiply_adds: Int
        var cuts: [Row]
    }

    private struct Times: Decodable {
        struct Choice: Decodable {
            var bits: Int
            var form: String
            var pack_ms: Double
            var unpack_ms: Double
            var bytes: Double
        }

        struct Row: Decodable {
            var position: Int
            var prefix_ms: Double
            var quantise_ms: Double
            var dequantise_ms: Double
            var choices: [Choice]
        }

        struct Rate: Decodable {
            var bits: Int
            var form: String
            var pack_ns_per_number: Double
            var unpack_ns_per_number: Double
            var bytes_per_number: Double
        }

        var images: Int
        var cuts: [Row]
        var rates: [Rate]
    }

    private static let model = FlightBundles.configuration + "/models/flight-board.onnx"

    @Test func everyCutSaysWhatItTakesToGoAcrossAndWhatThatCosts() async throws {
        let bundles = try await FlightBundles.shared
        let outcome = try await tool(["cuts", Self.model, "--images", bundles.frames, "--limit", "12", "--packed", "5", "--all", "--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
        #expect(report.images == 12 && report.packed == 5 && report.labelled && report.cuts.count > 5)
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
                #expect(choice.bytes <= choice.dyno_bytes && choice.symbols_bytes <= choice.dyno_bytes, "\(choice.bits) bits at cut \(cut.position)")
                #expect(choice.accuracy_change.low <= choice.accuracy_change.value && choice.accuracy_change.value <= choice.accuracy_change.high)
            }
            let last = try #require(cut.choices.last)
            #expect(last.bytes < Double(cut.float32_bytes) && last.accuracy_change.value.magnitude <= 0.17, "8 bits at cut \(cut.position)")
        }
        let text = try await tool(["cuts", Self.model, "--images", bundles.frames, "--limit", "4"])
        #expect(text.ending == .exited(0) && text.text.contains("bits for 1 / 2 / 5 points") && text.text.contains("the input"), "\(text)")
    }

    @Test func everyCutSaysWhatPackingTakesInEachForm() async throws {
        let bundles = try await FlightBundles.shared
        let outcome = try await tool(["cuts", Self.model, "--images", bundles.frames, "--limit", "3", "--all", "--timing", "--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        let report = try JSONDecoder().decode(Times.self, from: Data(outcome.output.joined().utf8))
        #expect(report.images == 3 && report.cuts.count > 5)
        let choices = (2...8).flatMap { bits in ["planesLZ4", "symbols", "mixed"].map { "\(bits) \($0)" } }
        #expect(report.rates.map { "\($0.bits) \($0.form)" } == choices)
        for cut in report.cuts {
            #expect(cut.choices.map { "\($0.bits) \($0.form)" } == choices)
            #expect(cut.prefix_ms >= 0 && cut.quantise_ms > 0 && cut.dequantise_ms > 0)
            for choice in cut.choices { #expect(choice.pack_ms > 0 && choice.unpack_ms > 0 && choice.bytes > 0) }
        }
        for rate in report.rates { #expect(rate.pack_ns_per_number > 0 && rate.unpack_ns_per_number > 0 && rate.bytes_per_number < 8) }
        let text = try await tool(["cuts", Self.model, "--images", bundles.frames, "--limit", "1", "--timing", "--bits", "5"])
        #expect(text.ending == .exited(0) && text.text.contains("at 5 bits, 1 image;") && text.text.contains("ns to pack a number"), "\(text)")
        let wrong = try await tool(["cuts", Self.model, "--images", bundles.frames, "--timing", "--bits", "9"])
        #expect(wrong.ending == .exited(64) && wrong.text.contains("--bits must be 2 … 8"), "\(wrong)")
    }

    @Test func ofANetworkWithExitsTheEndAnswersAndHeadsCountNowhere() async throws {
        let (exits, plain) = (try ToyNetworks(), try ToyNetworks(outputs: ["end"]))
        func report(_ toy: ToyNetworks) async throws -> Report {
            let outcome = try await tool(["cuts", toy.cloud, "--images", toy.images, "--limit", "10", "--all", "--json"])
            try #require(outcome.ending == .exited(0), "\(outcome)")
            return try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
        }
        let (found, expected) = (try await report(exits), try await report(plain))
        #expect(found.multiply_adds == expected.multiply_adds && found.cuts.count == expected.cuts.count && found.accuracy.value == expected.accuracy.value)
        for (cut, same) in zip(found.cuts, expected.cuts) {
            // Nodes count with the heads before them.
            #expect(cut.position >= same.position && cut.after == same.after && cut.shapes == same.shapes && cut.multiply_adds_before == same.multiply_adds_before)
            #expect(cut.choices.map(\.bytes) == same.choices.map(\.bytes) && cut.choices.map(\.accuracy_change.value) == same.choices.map(\.accuracy_change.value))
        }
        #expect(zip(found.cuts, expected.cuts).contains { $0.position > $1.position })
        let timed = try await tool(["cuts", exits.cloud, "--images", exits.images, "--limit", "1", "--timing"])
        #expect(timed.ending == .exited(0) && timed.text.contains("at 4 bits"), "\(timed)")
    }

    @Test func whatCantBeDividedIsAnErrorOfOneLine() async throws {
        let bundles = try await FlightBundles.shared
        let quantized = try await tool(["cuts", bundles.board, "--images", bundles.frames])
        #expect(quantized.ending == .exited(64) && quantized.text.contains("is in int8"), "\(quantized)")
        let missing = try await tool(["cuts", Self.model, "--images", bundles.frames + "/none"])
        #expect(missing.ending == .exited(66), "\(missing)")
    }
}
