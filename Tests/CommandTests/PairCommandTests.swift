// SPDX-License-Identifier: Apache-2.0
import Foundation
import Rehearsal
import TestSupport
import Testing

/// Two networks and the gate between them, on frames of the demonstration's flight that neither saw.
struct PairCommandTests {
    private struct Report: Decodable {
        struct Share: Decodable {
            var value: Double
            var low: Double
            var high: Double
        }

        struct Certificate: Decodable {
            var bound: Double
            var samples: Int
            var contradicted: Bool?
            var other_than_certified: String?
        }

        var images: Int
        var labelled: Bool
        var full_accuracy: Share
        var local_accuracy: Share
        var system_accuracy: Share
        var coverage: Share
        var harm: Share
        var bytes_per_frame: Double
        var bytes_per_upload: Double
        var certificate: Certificate?
    }

    /// Frames of other flights than the networks', far apart.
    private func frames(_ folder: borrowing TemporaryFolder, count: Int) async throws -> String {
        let path = folder("frames-\(count)")
        let outcome = try await tool([
            "flight", "--frames", "\(count)", "--seed", "910000", "--flights", "30", "--frames-per-second", "1", "--out", path,
        ])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        return path
    }

    private func report(_ arguments: [String]) async throws -> Report {
        let outcome = try await tool(arguments + ["--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        return try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
    }

    @Test func aSystemStandsBetweenItsNetworksAndItsGateSaysHow() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 240)
        let base = ["evaluate", bundles.board, "--pair", bundles.cloud, "--images", images]
        let all = try await report(base + ["--gate", "top-1:0"])
        #expect(all.images == 240 && all.labelled && all.certificate == nil)
        #expect(all.coverage.value == 1 && all.system_accuracy.value == all.local_accuracy.value && all.bytes_per_frame == 0)
        let none = try await report(base + ["--gate", "top-1:2", "--upload", "png"])
        #expect(none.coverage.value == 0 && none.harm.value == 0)
        #expect(none.system_accuracy.value == none.full_accuracy.value, "PNG loses nothing")
        #expect(none.bytes_per_frame == none.bytes_per_upload && none.bytes_per_upload > 100)
        let some = try await report(base + ["--gate", "margin:0.7"])
        #expect(some.coverage.value > 0.2 && some.coverage.value < 0.99)
        #expect(some.coverage.low < some.coverage.value && some.coverage.value < some.coverage.high)
        #expect(some.bytes_per_frame < some.bytes_per_upload)
    }

    @Test func certifyWritesAGateThatEvaluateAndTheBoardUse() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 720)
        let output = folder("certified.swiftlet")
        let certify = [
            "certify", bundles.board, "--pair", bundles.cloud, "--images", images, "--bound", "10 %", "--part", "1/2", "-o", output,
        ]
        let outcome = try await tool(certify)
        #expect(outcome.ending == .exited(0) && outcome.text.contains("harm ≤ 10 % with 95 % confidence: margin ≥ "), "\(outcome)")
        let picture = folder("pair.svg")
        let measured = try await report([
            "evaluate", output, "--pair", bundles.cloud, "--images", images, "--part", "2/2", "--plot", picture,
        ])
        #expect(measured.images == 360)
        #expect(try #require(measured.certificate).bound == 0.1)
        #expect(measured.certificate?.contradicted == false && measured.certificate?.other_than_certified == nil)
        // Of another system it says nothing.
        let others = try await report([
            "evaluate", output, "--pair", bundles.board, "--images", images, "--part", "2/2", "--second-look", "40 %", "--upload", "jpeg:33",
        ])
        #expect(others.certificate?.contradicted == nil)
        #expect(others.certificate?.other_than_certified == "another full model, other uploads, other second looks")
        let png = try await tool(["evaluate", output, "--pair", bundles.cloud, "--images", images, "--plot", folder("pair.png")])
        #expect(png.ending == .exited(64) && png.text.contains("ends in .svg") && !FileManager.default.fileExists(atPath: folder("pair.png")), "\(png)")
        let svg = try String(contentsOf: URL(filePath: picture), encoding: .utf8)
        #expect(svg.hasPrefix("<svg xmlns=") && svg.contains("Risk against coverage") && svg.contains("certified: harm ≤ 10 %"))
        let inspected = try await tool(["inspect", output])
        #expect(inspected.text.contains("harm ≤ 10"), "\(inspected)")
    }

    @Test func compileWithAPairChoosesTheUploadAndProvesTheGate() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 720)
        let output = folder("paired.swiftlet")
        let model = FlightBundles.configuration + "/models/flight-board.onnx"
        let calibration = try await frames(folder, count: 64)
        let compile = ["compile", model, "--calibration", calibration, "--pair", bundles.cloud, "--certification", images, "--second-look", "50 %", "-o", output]
        let compiled = try await tool(compile + ["--bound", "12 %"])
        #expect(compiled.ending == .exited(0) && compiled.text.contains("harm ≤ 12 %") && compiled.text.contains("upload: "), "\(compiled)")
        let inspected = try await tool(["inspect", output])
        #expect(inspected.text.contains("harm ≤ 12 %") && inspected.text.contains("where the margin is below 50 %"), "\(inspected)")
        // What can't be proved leaves the bundle as it was.
        let before = try Data(contentsOf: URL(filePath: output))
        let unproved = try await tool(compile + ["--bound", "0.01 %"])
        #expect(unproved.ending == .exited(69) && unproved.text.contains("the other third chose the upload"), "\(unproved)")
        let missing = try await tool(compile + ["--certification", folder("none")])
        #expect(missing.ending == .exited(66), "\(missing)")
        #expect(try Data(contentsOf: URL(filePath: output)) == before)
        let alone = try await tool(["compile", model, "--calibration", calibration, "--pair", bundles.cloud, "-o", folder("none.swiftlet")])
        #expect(alone.ending == .exited(64) && alone.text.contains("--certification"), "\(alone)")
        let same = try await tool([
            "compile", model, "--calibration", images, "--pair", bundles.cloud, "--certification", images + "/.", "-o", folder("none.swiftlet"),
        ])
        #expect(same.ending == .exited(64) && same.text.contains("the same images"), "\(same)")
    }

    @Test func imagesThatChoseTheWeightsProveNothingAboutThemWhateverTheUpload() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 720)
        let (mixed, certified) = (folder("mixed.swiftlet"), folder("certified.swiftlet"))
        let compiled = try await tool([
            "compile", FlightBundles.configuration + "/models/flight-board.onnx", "--calibration", try await frames(folder, count: 64), "--pair", bundles.cloud,
            "--certification", images, "--weights", "mixed", "--choices", "1", "--second-look", "50 %", "--bound", "12 %", "-o", mixed,
        ])
        #expect(compiled.ending == .exited(0) && compiled.text.contains("on 240 images"), "\(compiled)")
        let outcome = try await tool(["certify", mixed, "--pair", bundles.cloud, "--images", images, "--upload", "png", "--bound", "12 %", "-o", certified])
        #expect(outcome.ending == .exited(0) && outcome.text.contains("a third of the images is left out: of 240 images"), "\(outcome)")
        #expect(try await report(["evaluate", certified, "--pair", bundles.cloud, "--images", images]).certificate?.samples == 480)
    }

    @Test func tooFewImagesCertifyNothingAndTheErrorSaysHowManyDo() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 240)
        let output = folder("none.swiftlet")
        let outcome = try await tool(["certify", bundles.board, "--pair", bundles.cloud, "--images", images, "-o", output])
        #expect(outcome.ending == .exited(69) && outcome.text.contains("160 samples are too few") && outcome.text.contains("299"), "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test func theBoardUploadsAsTheProofSays() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 720)
        let certify = ["certify", bundles.board, "--pair", bundles.cloud, "--images", images, "--bound", "12 %"]
        for (options, kind) in [(["--upload", "png"], "PNG"), (["--upload", "jpeg:70"], "JPEG of quality 70"), ([], "")] {
            let output = folder("upload-\(kind.count).swiftlet")
            let outcome = try await tool(certify + options + ["-o", output])
            #expect(outcome.ending == .exited(0) && outcome.text.contains("upload: \(kind)"), "\(outcome)")
            #expect(outcome.text.contains("on \(options.isEmpty ? 480 : 720) images"), "\(outcome)")
            // Whoever proves again, on images that may have chosen what the bundle says, leaves those out again.
            let again = try await tool(["certify", output, "--pair", bundles.cloud, "--images", images, "--bound", "12 %"])
            #expect(again.text.contains("upload: ") && again.text.contains("on 480 images"), "\(again)")
        }
    }

    @Test func aSecondLookWithoutAPairIsAUsageError() async throws {
        let bundles = try await FlightBundles.shared
        let outcome = try await tool(["evaluate", bundles.board, "--images", bundles.frames, "--second-look", "90 %"])
        #expect(outcome.ending == .exited(64) && outcome.text.contains("--second-look"), "\(outcome)")
    }

    @Test func partsHaveNoImageInCommonAndTogetherTheyAreAll() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 50)
        let base = ["evaluate", bundles.board, "--pair", bundles.cloud, "--images", images]
        var counts: [Int] = []
        var right = 0.0
        for part in 1...3 {
            let report = try await report(base + ["--part", "\(part)/3"])
            counts.append(report.images)
            right += report.local_accuracy.value * Double(report.images)
        }
        let all = try await report(base)
        #expect(counts == [17, 17, 16])
        #expect((right - all.local_accuracy.value * 50).magnitude < 1e-6)
    }

    @Test(arguments: [
        ["--part", "3/2"], ["--part", "0/2"], ["--upload", "jpeg:101"], ["--upload", "tiff"], ["--gate", "margin"], ["--gate", "sureness:1"], ["--gate", "margin:nan"],
        ["--second-look", "150%"], ["--second-look", "0"],
    ])
    func badOptionsAreUsageErrors(options: [String]) async throws {
        let bundles = try await FlightBundles.shared
        let outcome = try await tool(["evaluate", bundles.board, "--pair", bundles.cloud, "--images", bundles.board] + options)
        #expect(outcome.ending == .exited(64) && (outcome.text.contains(options[1]) || outcome.text.contains(options[0] + " must be")), "\(outcome)")
    }

    @Test func networksOfOtherClassesAreNoPair() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let images = try await frames(folder, count: 30)
        let names = folder("names")
        try (0..<10).map { "thing-\($0)" }.joined(separator: "\n").write(toFile: names, atomically: true, encoding: .utf8)
        let other = folder("other.swiftlet")
        let compiled = try await tool([
            "compile", FlightBundles.configuration + "/models/flight-cloud.onnx", "--precision", "fp32", "--labels", names, "-o", other,
        ])
        #expect(compiled.ending == .exited(0), "\(compiled)")
        let outcome = try await tool(["evaluate", bundles.board, "--pair", other, "--images", images])
        #expect(outcome.ending == .exited(65) && outcome.text.contains("class 0 is"), "\(outcome)")
    }
}
