// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import JSON
import TestSupport
import Testing

/// The writer gives, byte by byte, what Foundation's encoder gives with sorted keys and plain slashes.
@Suite struct JSONWriterTests {
    private func expected(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func written(_ value: some Encodable) throws -> String {
        String(decoding: try JSONWriter.encode(value, nonFinite: .text), as: UTF8.self)
    }

    @Test func numbersAreWrittenAsFoundationWritesThem() throws {
        var random = SeededGenerator(seed: 3)
        var doubles = [0, -0.0, 1, -1, 0.1, 1e15, 1e16, 1e17, 123_456_789.125, 1e-4, 1e-5, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi, 1 / 3.0]
        doubles += (0..<2000).map { _ in Double(bitPattern: random.next()) }
        #expect(try written(doubles) == expected(doubles))
        let floats = doubles.map(Float.init)
        #expect(try written(floats) == expected(floats))
        #expect(try written([Int64.min, .max, 0, -7]) == "[-9223372036854775808,9223372036854775807,0,-7]")
        #expect(try written([UInt64.max]) == "[18446744073709551615]")
        #expect(try written([Int8.min, .max]) == "[-128,127]")
        #expect(try written([true, false]) == "[true,false]")
    }

    @Test func everyCharacterIsEscapedAsFoundationDoes() throws {
        let controls = (0..<0x180).compactMap(Unicode.Scalar.init).map { String($0) }
        for text in controls + ["", "/", "\"\\", "é😀\u{2028}\u{FFFF}", "a\u{0}b"] {
            #expect(try written([text]) == expected([text]), "\(text.unicodeScalars.map(\.value))")
            #expect(try written([text: text]) == expected([text: text]))
        }
    }

    @Test func whatJSONHasNoNumberForIsRefusedOrText() throws {
        struct Sample: Encodable { var inner = ["x": Double.nan] }
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(throws: EncodingError.self) { try JSONWriter.encode([value]) }
            #expect(throws: EncodingError.self) { try JSONWriter.encode([Float(value)]) }
        }
        #expect(try written([Double.infinity, -.infinity, .nan, -.nan]) == #"["inf","-inf","nan","nan"]"#)
        let error = #expect(throws: EncodingError.self) { try JSONWriter.encode(Sample()) }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["inner", "x"])
    }

    /// Every way in which a type may write itself.
    private struct Shapes: Encodable {
        enum Choice: Encodable { case bare, one(Int), labelled(low: Float, high: Float?), nested([Choice]) }
        enum Word: String, Encodable { case first, second }

        final class Parent: Encodable { var depth = 3 }

        struct ByHand: Encodable {
            enum Key: String, CodingKey { case list, map, parent, parentHere }
            func encode(to encoder: any Encoder) throws {
                var map = encoder.container(keyedBy: Key.self)
                var list = map.nestedUnkeyedContainer(forKey: .list)
                try list.encodeNil()
                try list.encode(list.count)
                var inner = list.nestedContainer(keyedBy: Key.self)
                try inner.encodeNil(forKey: .map)
                var deeper = list.nestedUnkeyedContainer()
                try deeper.encode("x")
                var nested = map.nestedContainer(keyedBy: Key.self, forKey: .map)
                try nested.encode(1.5, forKey: .list)
                try Parent().encode(to: map.superEncoder())
                try Parent().encode(to: map.superEncoder(forKey: .parentHere))
                try Parent().encode(to: list.superEncoder())
            }
        }

        var zeta = 1
        var alpha: Int?
        var beta: String? = "b"
        var Beta = UInt16(2)
        var choices: [Choice] = [.bare, .one(-1), .labelled(low: -.infinity, high: nil), .labelled(low: 0, high: 6), .nested([.bare, .nested([])])]
        var words = [Word.second, .first]
        var map: [String: [Int?]] = ["b": [1, nil], "a": [], "B": [3], "ä": [4], "a.b": [5], "a b": [6]]
        var numbers = [3: "three", 1: "one"]
        var empty: [String: Int] = [:]
        var byHand = ByHand()
    }

    @Test func everyShapeIsWrittenAsFoundationWritesIt() throws {
        #expect(try written(Shapes()) == expected(Shapes()))
        #expect(try written("alone") == expected("alone"))
        #expect(try written(Int?.none) == expected(Int?.none))
    }
}
