// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Settings
import TestSupport
import Testing

struct BoardSettingsTests {
    private func problems(_ text: String) -> [String] {
        do {
            _ = try BoardSettings.parse(Array(text.utf8), file: "board.yaml")
            return []
        } catch {
            return error.lines
        }
    }

    @Test func everyKeyArrives() throws {
        let text = """
            name: Board 5
            measured: {by: somebody, on: 2026-11-21}
            power: 4.5 W
            speed: 12 GMAC/s
            packing-slowdown: 2.5
            variation: 1.2
            networks:
              resnet20: 3.5 ms
            """
        let board = try BoardSettings.parse(Array(text.utf8), file: "board.yaml")
        var expected = BoardSettings(name: "Board 5", power: 4.5, speed: 12, packingSlowdown: 2.5)
        (expected.measured, expected.variation, expected.networks) = (.init(by: "somebody", on: "2026-11-21"), 1.2, ["resnet20": 0.0035])
        #expect(board == expected)
        #expect(board.time(of: "resnet20", multiplyAccumulates: 1) == 0.0035)
        #expect(board.time(of: "another", multiplyAccumulates: 24_000_000_000) == 2)
    }

    @Test func mistakesAreNamedWithTheirLines() {
        #expect(
            problems("name: b\nmeasured: {by: me, on: yesterday}\npower: 3\nspeeds: 2 GMAC/s\nnetworks:\n  a: fast\n") == [
                "board.yaml:1:1: speed: missing: expected 0.001 … 100000 GMAC/s",
                "board.yaml:1:1: packing-slowdown: missing: expected 0.01 … 1000",
                "board.yaml:2:24: measured.on: expected a date as 2026-11-21, found 'yesterday'",
                "board.yaml:3:8: power: expected 0 … 1000 W, found '3'",
                "board.yaml:4:1: speeds: unknown key, did you mean 'speed'?",
                "board.yaml:6:6: networks.a: expected 1 us … 1 h, found 'fast'",
            ])
        for date in ["2026-13-01", "2026-1-01", "2026-01-32", "26-01-010", "-026-01-01"] {
            #expect(problems("name: b\nmeasured: {by: me, on: \(date)}\npower: 3 W\nspeed: 2 GMAC/s\npacking-slowdown: 2\n").count == 1, "\(date)")
        }
    }

    @Test func filesOfTheFolderLoadDocumentTheirKeysAndSayWhetherTheyAreMeasured() throws {
        let folder = ConfigFolderTests.folder + "/../Board"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
        #expect(!files.isEmpty)
        for file in files {
            let board = try BoardSettings.load("\(folder)/\(file)")
            #expect((board.measured == nil) == file.hasPrefix("assumed-"), "\(file)")
            let text = ConfigFolderTests.uncommented(String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\(file)")), as: UTF8.self))
            let documented = ConfigFolderTests.documentedKeys(text)
            for key in try BoardSettings.keys(in: Array(text.utf8), file: file) {
                let line = try #require(documented.first { $0.key == key.key }, "\(file): \(key.key)")
                #expect(line.comment.hasSuffix(". \(key.text)"), "\(file): \(line.comment)")
            }
        }
    }
}
