// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import JSON
import TestSupport
import Testing

/// What is read from messages: the same as Foundation's decoder reads.
@Suite struct JSONReaderTests {
    private struct Sample: Codable, Equatable {
        struct Part: Codable, Equatable { var number: Double; var small: Int8? }
        enum Word: String, Codable { case first, second }
        var text: String
        var count: UInt64
        var part: Part?
        var list: [Part]
        var word: Word
        var flag: Bool
        var ratio: Float
    }

    private func read<Value: Decodable>(_: Value.Type, _ text: some Collection<UInt8>) throws -> Value {
        try JSONReader.decode(Value.self, from: JSONDocument(validating: Array(text)))
    }

    private static let sample = #"""
        {"text":"a\u00e9\ud83d\ude00\n\"/", "count":18446744073709551615, "part":{"number":-1.5e3,"small":-128}, "more":{"x":[[]]},
         "list":[{"number":3},{"number":0.1,"small":null}], "word":"second", "flag":true, "ratio":1e-3}
        """#

    @Test func aMessageIsReadAsFoundationReadsIt() throws {
        #expect(try read(Sample.self, Self.sample.utf8) == JSONDecoder().decode(Sample.self, from: Data(Self.sample.utf8)))
    }

    /// Where both read a changed text, they read the same; what one refuses, the other refuses too, but for what is said here.
    @Test func changedMessagesAreReadOrRefusedAsFoundationDoes() throws {
        var random = SeededGenerator(seed: 5)
        let bytes = Array(Self.sample.utf8)
        var refused = 0
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let position = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[position] = UInt8.random(in: 32...126, using: &random)
                case 1: changed.remove(at: position)
                default: changed.insert(bytes[Int.random(in: bytes.indices, using: &random)], at: position)
                }
            }
            let theirs = try? JSONDecoder().decode(Sample.self, from: Data(changed))
            let ours = try? read(Sample.self, changed)
            let text = String(decoding: changed, as: UTF8.self)
            if let theirs, let ours { #expect(ours == theirs, "\(text)") }
            // Half a surrogate pair is replaced here and refused there; a number in other digits is whatever its type says.
            if theirs == nil, ours != nil { #expect(text.contains("\\u"), "\(text)") }
            // Foundation also takes what is no JSON: a comma before a bracket, `-.5`, a minus alone.
            if ours == nil, theirs != nil { #expect(throws: JSONDocument.SyntaxError.self, "\(text)") { try JSONDocument(changed) } }
            if ours == nil { refused += 1 }
        }
        #expect(refused > 10_000)
    }

    @Test(arguments: ["1.0", "1e2", "-0", "12E-1", "1.5", "256", "-1", "1e400", "9223372036854775808", "\"1\"", "null", "true", "[]"])
    func integersAreReadWhereTheyFit(_ text: String) {
        let bytes = "[\(text)]".utf8
        #expect((try? read([UInt8].self, bytes)) == (try? JSONDecoder().decode([UInt8].self, from: Data(bytes))))
        #expect((try? read([Int].self, bytes)) == (try? JSONDecoder().decode([Int].self, from: Data(bytes))))
        #expect((try? read([UInt64].self, bytes)) == (try? JSONDecoder().decode([UInt64].self, from: Data(bytes))))
    }

    @Test(arguments: ["\"inf\"", "\"nan\"", "1e999", "NaN", "Infinity", "-", "1.", ".5", "01", "+1", "0x1"])
    func whatIsNoNumberIsRefused(_ text: String) {
        #expect(throws: (any Error).self) { try read([Double].self, "[\(text)]".utf8) }
    }

    @Test func bytesThatAreNotUTF8AreRefused() throws {
        for bad in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
            let bytes = Array("[\"".utf8) + bad + Array("\"]".utf8)
            #expect(throws: JSONDocument.SyntaxError.self) { try read([String].self, bytes) }
            // Descriptions have a digest: there a replaced character is enough.
            #expect(try JSONDocument(bytes).root.elements()[0].string().contains("\u{FFFD}"))
        }
    }

    @Test func errorsSayWhere() {
        let error = #expect(throws: DecodingError.self) { try read(Sample.self, Self.sample.replacing("0.1", with: "\"0.1\"").utf8) }
        guard case .typeMismatch(_, let context) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["list", "1", "number"])
    }
}
