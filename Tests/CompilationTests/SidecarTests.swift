// SPDX-License-Identifier: Apache-2.0
import Compilation
import Networks
import Tensors
import Testing

@Suite struct SidecarTests {
    private func read(_ json: String, shape: [Int] = [1, 3, 224, 224]) throws -> Sidecar {
        try Sidecar(json: Array(json.utf8), path: "net.json", inputShape: shape)
    }

    private func input(_ keys: String) -> String { #"{"input": {"channel_order": "RGB", \#(keys)}}"# }

    private let numbers = #""mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]"#

    @Test func aWholeSidecarIsRead() throws {
        let sidecar = try read(
            """
            {"name": "net", "classes": ["a", "b"], "opset": 13, "ops": {"Conv": 3},
             "input": {"name": "x", "shape": ["N", 3, 224, 224], "layout": "NCHW", "dtype": "float32", "channel_order": "BGR",
                       "scale": "1/255", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
                       "resize": {"mode": "shorter-side", "size": 256, "filter": "bilinear"}, "crop": {"mode": "center", "size": 224}},
             "output": {"name": "y", "activation": "none (logits)"}}
            """)
        #expect(
            sidecar.preprocessing
                == Preprocessing(
                    width: 224, height: 224, channelOrder: .bgr, resize: .shorterSide(256), scale: 1 / 255.0, mean: [0.485, 0.456, 0.406],
                    deviation: [0.229, 0.224, 0.225]))
        #expect(sidecar.labels == ["a", "b"])
        #expect(sidecar.outputKind == .logits)
    }

    @Test func scalesAreNumbersOrQuotients() throws {
        for (text, scale) in [(#""scale": "1""#, 1), (#""scale": 0.5"#, 0.5), (#""scale": "1/255""#, 1 / 255.0), (#""scale": "1", "scale_value": 0.25"#, 0.25)] {
            #expect(try read(input("\(text), \(numbers)")).preprocessing.scale == scale)
        }
        for text in [#""scale": "1/0""#, #""scale": "a""#, #""scale": -1"#, #""scale": [1]"#, #""x": 1"#] {
            #expect(throws: CompilationError.self, "\(text)") { try read(input("\(text), \(numbers)")) }
        }
    }

    @Test func resizingIsNoneWarpOrTheShorterSide() throws {
        for (text, resize) in [
            (#""none (32x32)""#, Preprocessing.Resize.none), (#"{"mode": "warp", "size": 96}"#, .warp),
            (#"{"mode": "shorter-side", "size": 250}"#, .shorterSide(250)), (#"{"mode": "none"}"#, .none),
        ] {
            #expect(try read(input(#""scale": 1, "resize": \#(text), \#(numbers)"#)).preprocessing.resize == resize)
        }
        for text in [#""stretch""#, #"{"mode": "stretch"}"#, #"{"mode": "shorter-side"}"#, #"{"mode": "shorter-side", "size": 0}"#, "7"] {
            #expect(throws: CompilationError.self, "\(text)") { try read(input(#""scale": 1, "resize": \#(text), \#(numbers)"#)) }
        }
    }

    @Test(arguments: [
        ("no JSON", "{"), ("no input", "{}"), ("an input that is a list", #"{"input": []}"#),
        ("an unknown order", #"{"input": {"channel_order": "RBG", "scale": 1, "mean": [0,0,0], "std": [1,1,1]}}"#),
        ("grey for a colour network", #"{"input": {"channel_order": "GRAY", "scale": 1, "mean": [0], "std": [1]}}"#),
        ("too few means", #"{"input": {"channel_order": "RGB", "scale": 1, "mean": [0], "std": [1,1,1]}}"#),
        ("a deviation of 0", #"{"input": {"channel_order": "RGB", "scale": 1, "mean": [0,0,0], "std": [1,0,1]}}"#),
        ("another size", #"{"input": {"channel_order": "RGB", "scale": 1, "mean": [0,0,0], "std": [1,1,1], "shape": ["N", 3, 96, 96]}}"#),
        ("another crop", #"{"input": {"channel_order": "RGB", "scale": 1, "mean": [0,0,0], "std": [1,1,1], "crop": {"mode": "center", "size": 96}}}"#),
        ("an unknown activation", #"{"input": {"channel_order": "RGB", "scale": 1, "mean": [0,0,0], "std": [1,1,1]}, "output": {"activation": "tanh"}}"#),
    ]) func whatIsWrongIsNamed(what: String, json: String) throws {
        let error = try #require(throws: CompilationError.self) { try read(json) }
        #expect(error.description.contains("net.json") && !error.description.contains("\n"), "\(what): \(error)")
    }

    @Test func labelsAreLines() throws {
        #expect(try LabelList.parse("a\nb c\n\n", path: "l") == ["a", "b c"])
        #expect(try LabelList.parse("n01440764 tench\r\nn01443537 goldfish", path: "l") == ["tench", "goldfish"])
        #expect(try LabelList.parse("n01440764 tench\nfish", path: "l") == ["n01440764 tench", "fish"])
        for text in ["", "\n", "a\n\nb"] { #expect(throws: CompilationError.self) { try LabelList.parse(text, path: "l") } }
    }
}
