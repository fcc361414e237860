// SPDX-License-Identifier: Apache-2.0
import Foundation
import Images
import Inference
import Networks
import Rehearsal
import Tensors
import TestSupport
import Testing

/// Exits that the tool trains for a network it didn't make.
struct ExitsCommandTests {
    private struct Report: Decodable {
        struct Head: Decodable {
            var name: String?
            var after: String
            var work: Double
            var headWork: Double
            var accuracy: Double
            var answered: Double
        }

        var images: Int
        var lesson: String
        var heads: [Head]
        var accuracy: Double
        var shares: [Double]
        var work: Double
    }

    /// Records of red, green, blue and grey images, as a CIFAR-10 file: what the toy network's end makes of them is up to its random weights.
    private func colours(_ folder: TemporaryFolder, count: Int) throws -> String {
        var random = SeededGenerator(seed: 5)
        var records: [UInt8] = []
        for index in 0..<count {
            let label = index % ToyNetworks.classes
            records.append(UInt8(label))
            for channel in 0..<3 { records += (0..<32 * 32).map { _ in UInt8.random(in: 0...40, using: &random) + (channel == label ? 180 : 60) } }
        }
        return try folder.write("colours.bin", records)
    }

    private func scores(_ executor: Executor, _ output: Int) -> [Float] { executor.withOutput(output) { scores in scores.indices.map { scores[$0] } } }

    @Test func exitsAreTrainedAndTheEndSaysWhatItSaid() async throws {
        let toy = try ToyNetworks(outputs: ["end"])
        let images = try colours(toy.folder, count: 200)
        let output = toy.folder("exits.swiftlet")
        let arguments = ["exits", toy.cloud, "--images", images, "--depths", "2", "--exits", "2", "--epochs", "6", "-o", output, "--json"]
        let outcome = try await tool(arguments)
        try #require(outcome.ending == .exited(0), "\(outcome)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
        let kept = report.heads.compactMap(\.name)
        #expect(report.images == 200 && report.lesson == "labels" && !kept.isEmpty && report.heads.count >= 4)
        #expect(report.shares.count == kept.count + 1 && abs(report.shares.reduce(0, +) - 1) < 1e-9 && (0...1.1).contains(report.work))
        // The colour is easier to learn than the end's random weights make it.
        #expect(report.heads.contains { $0.name != nil && $0.accuracy > max(report.accuracy, 0.9) })

        let (before, after) = (try Bundle(contentsOf: toy.cloud), try Bundle(contentsOf: output, isThorough: true))
        #expect(after.graph.outputs.count == kept.count + 1)
        #expect(after.graph.outputs.dropLast().map { after.graph[$0].name } == kept)
        // What it is calibrated on is for others to say: it has seen such images.
        #expect(after.details.temperature == before.details.temperature && after.details.combination == before.details.combination)
        #expect(after.details.secondLook == before.details.secondLook)
        let preprocessing = try #require(before.details.preprocessing)
        let (old, new) = (try Executor(before.graph, preprocessing: preprocessing), try Executor(after.graph, preprocessing: preprocessing))
        let set = try ImageSet(path: images)
        for index in 0..<20 {
            var preprocessor = Preprocessor(preprocessing)
            preprocessor.prepare(try set.image(at: index))
            let pixels = preprocessor.pixels
            try old.run(pixels: pixels.span)
            try new.run(pixels: pixels.span)
            #expect(scores(old, 0) == scores(new, kept.count))
        }

        // The same seed, the same bundle; and a board's is made of it.
        let again = toy.folder("again.swiftlet")
        let repeated = try await tool(arguments.map { $0 == output ? again : $0 })
        #expect(repeated.ending == .exited(0))
        #expect(try Data(contentsOf: URL(filePath: output)) == Data(contentsOf: URL(filePath: again)))
        let board = try await tool(["compile", output, "--calibration", images, "-o", toy.folder("board.swiftlet")])
        #expect(board.ending == .exited(0) && board.text.contains(kept[0]), "\(board)")
    }

    @Test func withoutLabelsHeadsLearnWhatTheEndSays() async throws {
        let toy = try ToyNetworks(outputs: ["end"])
        let set = try ImageSet(path: try colours(toy.folder, count: 120))
        let folder = toy.folder("unlabelled")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for index in 0..<set.count { try Data(try UploadForm.standard.lossless.encode(set.image(at: index)).bytes).write(to: URL(filePath: folder + "/\(index).png")) }
        let output = toy.folder("exits.swiftlet")
        let unlabelled = try await tool(["exits", toy.cloud, "--images", folder, "-o", output])
        #expect(unlabelled.ending != .exited(0) && unlabelled.text.contains("--distil"), "\(unlabelled)")
        #expect(!FileManager.default.fileExists(atPath: output))
        let distilled = try await tool(["exits", toy.cloud, "--images", folder, "--distil", "--depths", "1", "--exits", "1", "--epochs", "3", "-o", output, "--json"])
        try #require(distilled.ending == .exited(0), "\(distilled)")
        let report = try JSONDecoder().decode(Report.self, from: Data(distilled.output.joined().utf8))
        // What the end says is right by itself.
        #expect(report.accuracy == 1 && report.lesson == "the end" && report.images == 120)
    }

    @Test func whatHeadsCannotLearnFromIsSaid() async throws {
        let toy = try ToyNetworks(outputs: ["end"])
        let (few, output) = (try colours(toy.folder, count: 8), toy.folder("exits.swiftlet"))
        let cases: [([String], Int32, String)] = [
            ([toy.board, "--images", toy.images], 64, "float32"), ([toy.cloud, "--images", few], 65, "images"),
            ([toy.folder("none.swiftlet"), "--images", toy.images], 66, "none.swiftlet"), ([toy.cloud, "--images", toy.folder("none")], 66, "none"),
            ([toy.cloud, "--images", toy.images, "--exits", "4", "--depths", "3"], 64, "--depths"), ([toy.cloud, "--images", toy.images, "--limit", "1"], 64, "--limit"),
        ]
        for (arguments, status, says) in cases {
            let outcome = try await tool(["exits"] + arguments + ["-o", output])
            #expect(outcome.ending == .exited(status) && outcome.text.contains(says), "\(arguments): \(outcome)")
            #expect(!FileManager.default.fileExists(atPath: output))
        }
    }
}
