// SPDX-License-Identifier: Apache-2.0
import Foundation
import Rehearsal
import TestSupport
import Testing

/// How the tool's commands end when something is wrong: one line that says what, and a status of sysexits.h.
@Suite(.timeLimit(.minutes(2))) struct CommandErrorTests {
    /// Arguments with names of the files of ``Files`` and the status that they end with.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var command: String
        var status: CInt

        init(_ status: CInt, _ command: String) {
            self.command = command
            self.status = status
        }

        var testDescription: String { "swiftlet \(command)" }
    }

    /// A folder of files that are wrong in one way each. In commands `@` stands for it, `MODEL` for a sound ONNX file, `BUNDLE` for a
    /// sound bundle and `FRAMES` for a folder of images.
    struct Files {
        let folder = TemporaryFolder()
        private let bundles: FlightBundles

        init() async throws {
            bundles = try await FlightBundles.shared
            let model = [UInt8](try Data(contentsOf: URL(filePath: Self.model)))
            let bundle = [UInt8](try Data(contentsOf: URL(filePath: bundles.board)))
            for name in ["empty", "images", "test", "models"] {
                try FileManager.default.createDirectory(atPath: folder(name), withIntermediateDirectories: true)
            }
            for (name, bytes) in [
                ("bad.onnx", Array("no network".utf8)), ("cut.onnx", Array(model.prefix(60_000))), ("void.onnx", []),
                ("bad.swiftlet", Array("no bundle".utf8)), ("cut.swiftlet", Array(bundle.dropLast(100))), ("void.swiftlet", []),
                ("bad.png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2]), ("bad.jpg", [0xFF, 0xD8, 0xFF, 0xE0, 0]),
                ("bad.npy", [0x93]), ("bad.txt", [0xFF, 0xFE]), ("bad.json", Array(#"{"input":"#.utf8)), ("bad.yaml", Array("worker: [a\n".utf8)),
                ("lost.yaml", Array("worker: a\nmodel: {bundle: none.swiftlet}\n".utf8)),
                ("worse.yaml", Array("worker: a\nmodel: {bundle: bad.swiftlet}\n".utf8)), ("images/a.png", Array("no image".utf8)),
                ("models/flight-board.onnx", Array("no network".utf8)), ("test/labels.tsv", Array("file\tsynset\tindex\na\n".utf8)),
                ("far.bin", [200] + Array(repeating: 0, count: 3072)), ("two.labels", Array("a\nb\n".utf8)),
            ] { _ = try folder.write(name, bytes) }
        }

        static let model = FlightBundles.configuration + "/models/flight-board.onnx"

        func arguments(_ command: String) -> [String] {
            command.split(separator: " ").map { word in
                switch word {
                case "MODEL": Self.model
                case "BUNDLE": bundles.board
                case "FRAMES": bundles.frames
                default: word.hasPrefix("@") ? folder(String(word.dropFirst())) : String(word)
                }
            }
        }
    }

    static let mistakes = [
        Mistake(66, "compile @none.onnx -o @x --precision fp32"), Mistake(65, "compile @bad.onnx -o @x --precision fp32"),
        Mistake(65, "compile @cut.onnx -o @x --precision fp32"), Mistake(65, "compile @void.onnx -o @x --precision fp32"),
        Mistake(73, "compile MODEL -o @none/x --precision fp32"), Mistake(66, "compile MODEL -o @x --calibration @none"),
        Mistake(65, "compile MODEL -o @x --calibration @empty"), Mistake(65, "compile MODEL -o @x --calibration @images"),
        Mistake(65, "compile MODEL -o @x --calibration @test"), Mistake(66, "compile MODEL -o @x --calibration FRAMES --preprocess @none.json"),
        Mistake(65, "compile MODEL -o @x --calibration FRAMES --preprocess @bad.json"),
        Mistake(66, "compile MODEL -o @x --calibration FRAMES --labels @none.txt"),
        Mistake(65, "compile MODEL -o @x --calibration FRAMES --labels @bad.txt"),
        Mistake(65, "compile MODEL -o @x --calibration FRAMES --labels @two.labels"),
        Mistake(65, "compile MODEL -o @x --calibration @far.bin"), Mistake(65, "evaluate BUNDLE --images @far.bin"),
        Mistake(66, "inspect @none"), Mistake(66, "inspect @no\u{1B}[31m\nsuch"), Mistake(65, "inspect @bad.swiftlet"), Mistake(65, "inspect @cut.swiftlet"), Mistake(66, "inspect @empty"),
        Mistake(66, "infer @none FRAMES"), Mistake(65, "infer @bad.swiftlet @bad.png"), Mistake(66, "infer BUNDLE @none.png"),
        Mistake(65, "infer BUNDLE @bad.png"), Mistake(65, "infer BUNDLE @bad.jpg"), Mistake(65, "infer BUNDLE @bad.npy"), Mistake(66, "infer BUNDLE @empty"),
        Mistake(66, "tensor MODEL --input @none.npy --output @x"), Mistake(65, "tensor MODEL --input @bad.npy --output @x"),
        Mistake(65, "tensor MODEL --input MODEL --output @x"),
        Mistake(66, "conform @none"), Mistake(65, "conform @empty"),
        Mistake(66, "evaluate @none --images FRAMES"), Mistake(65, "evaluate @bad.swiftlet --images FRAMES"),
        Mistake(66, "evaluate BUNDLE --images @none"), Mistake(65, "evaluate BUNDLE --images @empty"), Mistake(65, "evaluate BUNDLE --images @images"),
        Mistake(65, "evaluate BUNDLE --images FRAMES --labels @bad.txt"), Mistake(66, "evaluate BUNDLE --images FRAMES --labels @none.tsv"),
        Mistake(66, "evaluate BUNDLE --images FRAMES --reference @none.onnx"), Mistake(65, "evaluate BUNDLE --images FRAMES --reference @bad.onnx"),
        Mistake(66, "bench @none.onnx"), Mistake(66, "bench @none"), Mistake(65, "bench @bad.onnx"), Mistake(65, "bench @cut.onnx"),
        Mistake(65, "bench @cut.swiftlet"), Mistake(65, "bench BUNDLE --precision fp32"), Mistake(66, "bench BUNDLE --worker --input @none.npy"),
        Mistake(65, "bench BUNDLE --worker --input @bad.npy"), Mistake(66, "bench @none --kernels"), Mistake(66, "verify @none"), Mistake(65, "verify @bad.onnx"),
        Mistake(65, "verify @cut.swiftlet"),
        Mistake(78, "serve --config @none.yaml"), Mistake(78, "serve --config @bad.yaml"), Mistake(78, "serve --config @bad.txt"),
        Mistake(78, "serve --config @empty"), Mistake(66, "serve --config @lost.yaml"), Mistake(65, "serve --config @worse.yaml"),
        Mistake(64, "compile BUNDLE -o @x --precision fp32"),
        Mistake(73, "flight --frames 2 --seed 1 --raw @none/x"), Mistake(73, "flight --frames 2 --seed 1 --out @bad.txt/a"),
        Mistake(66, "demo --models @none"), Mistake(65, "demo --models @models"),
    ]

    @Test(arguments: mistakes) func aMistakeIsOneLineAndItsStatus(_ mistake: Mistake) async throws {
        let files = try await Files()
        let outcome = try await tool(files.arguments(mistake.command))
        #expect(outcome.ending == .exited(mistake.status), "\(outcome)")
        #expect(outcome.output.isEmpty, "\(outcome)")
        #expect(outcome.errors.count == 1 && outcome.errors[0].hasPrefix("swiftlet: "), "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: files.folder("x")))
    }

    @Test(arguments: [
        "nonsense", "compile", "compile MODEL", "compile MODEL -o @x", "compile MODEL -o @x --precision int4", "inspect", "infer BUNDLE",
        "infer BUNDLE @bad.png --threads 0", "tensor MODEL", "conform", "evaluate BUNDLE", "evaluate BUNDLE --images FRAMES --limit 0",
        "bench", "bench BUNDLE --runs 0", "bench BUNDLE --assert 5", "bench BUNDLE --kernels --assert -1", "bench BUNDLE --kernels --worker", "verify",
        "bench BUNDLE --threads 65", "bench MODEL --together 1", "bench MODEL --together 2 --kernels", "bench MODEL --together 2 --steps", "serve", "serve @lost.yaml", "flight --frames 0 --seed 1 --out @x",
        "flight --frames 2 --seed 1", "flight --frames 2 --seed -1 --out @x", "flight --frames 2 --seed 1 --flights 3 --out @x",
        "flight --frames 99999999999999999999 --seed 1 --out @x", "demo --seconds 1", "demo --rate nan", "demo --seconds inf",
    ])
    func aWrongCallIsAUsageError(_ command: String) async throws {
        let files = try await Files()
        let outcome = try await tool(files.arguments(command))
        #expect(outcome.ending == .exited(64), "\(outcome)")
        #expect(outcome.output.isEmpty && outcome.errors.first?.hasPrefix("Error: ") == true, "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: files.folder("x")))
    }

    @Test func anInstructionSetThatIsNotThereIsAUsageErrorAndAnEmptyOneIsNone() async throws {
        let files = try await Files()
        let unknown = try await tool(files.arguments("inspect BUNDLE"), environment: ["SWIFTLET_ISA": "avx3"])
        #expect(unknown.ending == .exited(64) && unknown.output.isEmpty && unknown.errors.count == 1, "\(unknown)")
        #expect(unknown.errors.first?.hasPrefix("swiftlet: SWIFTLET_ISA: ") == true, "\(unknown)")
        let usual = try await tool(files.arguments("inspect BUNDLE"))
        let empty = try await tool(files.arguments("inspect BUNDLE"), environment: ["SWIFTLET_ISA": ""])
        #expect(empty.ending == .exited(0) && empty.output == usual.output, "\(empty)")
        let plain = try await tool(files.arguments("inspect BUNDLE"), environment: ["SWIFTLET_ISA": "plain"])
        #expect(plain.ending == .exited(0) && plain.output != usual.output, "\(plain)")
    }

    @Test func everyProblemOfAWorkersConfigurationIsOnALineOfItsOwn() async throws {
        let folder = TemporaryFolder()
        let settings = try folder.write("cloud.yaml", "worker: A B\nmodel: {bundle: a}\nqueue: 0\nqueu: 4\n")
        let outcome = try await tool(["serve", "--config", settings])
        #expect(outcome.ending == .exited(78) && outcome.output.isEmpty && outcome.errors.count == 3, "\(outcome)")
    }

    /// Files damaged at random: whatever comes of it, the tool ends by itself.
    @Test(arguments: 0..<24) func aDamagedFileNeverTrapsTheTool(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let model = [UInt8](try Data(contentsOf: URL(filePath: Files.model)))
        let bundle = [UInt8](try Data(contentsOf: URL(filePath: bundles.board)))
        // The front of a bundle is its description, the rest are weights; in a model the structure is everywhere.
        let damaged = random.damaged(Array(bundle.prefix(4096))) + bundle.dropFirst(4096)
        let commands = [
            ["inspect", try folder.write("a.swiftlet", damaged)], ["bench", try folder.write("a.onnx", random.damaged(model)), "--runs", "1"],
        ]
        for command in commands {
            let outcome = try await tool(command)
            #expect([.exited(0), .exited(65)].contains(outcome.ending), "seed \(seed): \(outcome)")
            if outcome.ending != .exited(0) { #expect(outcome.output.isEmpty && outcome.errors.count == 1, "seed \(seed): \(outcome)") }
        }
    }

    @Test(arguments: [
        "compile MODEL -o @x --calibration FRAMES --json", "inspect BUNDLE --json", "infer BUNDLE %IMAGES --json",
        "evaluate BUNDLE --images FRAMES --reference MODEL --json", "bench BUNDLE --runs 3 --json", "bench MODEL --runs 3 --steps --json",
        "bench BUNDLE --kernels --json", "bench MODEL --kernels --json", "verify BUNDLE --json", "verify MODEL --json",
    ])
    func withJSONTheOutputIsOneObject(_ command: String) async throws {
        let files = try await Files()
        let frames = try await FlightBundles.shared.frames
        let images = try FileManager.default.contentsOfDirectory(atPath: frames).filter { $0.hasSuffix(".png") }.map { "\(frames)/\($0)" }
        let outcome = try await tool(files.arguments(command).flatMap { $0 == "%IMAGES" ? Array(images.prefix(3)) : [$0] })
        #expect(outcome.ending == .exited(0), "\(outcome)")
        #expect(outcome.output.count == 1, "\(outcome)")
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.joined(separator: "\n").utf8))
        #expect((object as? [String: Any])?.isEmpty == false, "\(outcome)")
    }

    @Test func conformSaysInJSONWhatFailed() async throws {
        let files = try await Files()
        try FileManager.default.moveItem(atPath: files.folder("bad.onnx"), toPath: files.folder("test/model.onnx"))
        let outcome = try await tool(["conform", files.folder("test"), "--json"])
        #expect(outcome.ending == .exited(1) && outcome.output.count == 1, "\(outcome)")
        #expect(try JSONSerialization.jsonObject(with: Data(outcome.output.joined().utf8)) is [String: Any])
    }
}
