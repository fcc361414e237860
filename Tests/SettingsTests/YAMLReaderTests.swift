// SPDX-License-Identifier: Apache-2.0
import Settings
import TestSupport
import Testing

struct YAMLReaderTests {
    static func read(_ text: String) throws(SettingsError) -> YAMLNode { try YAMLReader.read(Array(text.utf8), file: "f.yaml") }

    static func problems(_ text: String) -> [String] { problems(Array(text.utf8)) }

    static func problems(_ bytes: [UInt8]) -> [String] {
        do {
            _ = try YAMLReader.read(bytes, file: "f.yaml")
            return []
        } catch {
            return error.lines
        }
    }

    @Test func everyValueKnowsItsPlace() throws {
        let node = try Self.read("a: 1\nä:\n  - x\n  - 'y'\n")
        guard case .mapping(let entries) = node.content else { throw Unexpected() }
        #expect(entries.map(\.key) == ["a", "ä"])
        #expect(entries[0].value == YAMLNode(.scalar("1", isPlain: true), at: Position(line: 1, column: 4)))
        #expect(entries[1].position == Position(line: 2, column: 1))
        guard case .sequence(let elements) = entries[1].value.content else { throw Unexpected() }
        #expect(elements[0] == YAMLNode(.scalar("x", isPlain: true), at: Position(line: 3, column: 5)))
        #expect(elements[1] == YAMLNode(.scalar("y", isPlain: false), at: Position(line: 4, column: 5)))
    }

    @Test func anEmptyTextHasNoKeys() throws {
        for text in ["", "\n\n", "# only a comment\n"] { #expect(try Self.read(text).content == .mapping([])) }
    }

    @Test func onlyPlainNothingIsNothing() throws {
        guard case .mapping(let entries) = try Self.read("a:\nb: ~\nc: null\nd: ''\ne: x\n").content else { throw Unexpected() }
        #expect(entries.map(\.value.isNull) == [true, true, true, false, false])
    }

    @Test func aliasesStandForTheirAnchors() throws {
        guard case .mapping(let entries) = try Self.read("a: &x {k: 1}\nb: *x\n").content else { throw Unexpected() }
        #expect(entries[0].value == entries[1].value)
    }

    @Test func allDuplicateKeysAreNamed() {
        #expect(
            Self.problems("a: 1\nb: {c: 1, c: 2}\na: 3\n") == [
                "f.yaml:2:11: c: appears twice, first in line 2", "f.yaml:3:1: a: appears twice, first in line 1",
            ])
    }

    @Test func whatTheFormatRefusesIsSaidWithItsPlace() {
        #expect(Self.problems("a: [1, 2\nb: 3\n").first?.hasPrefix("f.yaml:2:") == true)
        #expect(Self.problems("a: *nobody\n") == ["f.yaml:1:4: no anchor named 'nobody'"])
        #expect(Self.problems("a: &x [*x]\n") == ["f.yaml:1:8: the anchor 'x' contains itself"])
        #expect(Self.problems("a: !!str 1\n") == ["f.yaml:1:4: tags ('!…') are not supported"])
        #expect(Self.problems("[1, 2]: 3\n") == ["f.yaml:1:1: expected a key"])
        #expect(Self.problems("a: 1\n---\nb: 2\n") == ["f.yaml:2:1: expected one document, found a second"])
        #expect(Self.problems(Array("a: 1\nbc: ".utf8) + [0xC3, 0x28]) == ["f.yaml:2:5: not valid UTF-8"])
        #expect(Self.problems(Array("a: ".utf8) + [0]).first?.contains("control characters") == true)
    }

    @Test func theLimitsHold() {
        let depth = YAMLReader.maximumDepth
        func nested(_ levels: Int) -> String { String(repeating: "[", count: levels - 1) + "x" + String(repeating: "]", count: levels - 1) }
        #expect(Self.problems(nested(depth)).isEmpty)
        #expect(Self.problems(nested(depth + 1)).first?.contains("nested deeper") == true)
        #expect(Self.problems(nested(100_000)).first?.contains("nested deeper") == true)
        // An alias adds the levels of what it stands for.
        #expect(Self.problems("a: &x \(nested(depth - 2))\nb: [*x]\n").isEmpty)
        #expect(Self.problems("a: &x \(nested(depth - 1))\nb: [*x]\n").first?.contains("nested deeper") == true)
        let long = "[" + String(repeating: "1,", count: YAMLReader.maximumNodes - 1) + "]"
        #expect(Self.problems(long).isEmpty)
        #expect(Self.problems("[1," + long.dropFirst()).first?.contains("more than") == true)
        #expect(Self.problems(String(repeating: "#", count: YAMLReader.maximumBytes)).isEmpty)
        #expect(Self.problems(String(repeating: "#", count: YAMLReader.maximumBytes + 1)).first?.contains("more than") == true)
    }

    @Test func aBillionLaughsAreTooMany() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(Self.problems(text).first?.contains("aliases counted") == true)
    }

    struct Unexpected: Error {}
}
