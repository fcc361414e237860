// SPDX-License-Identifier: Apache-2.0

/// JSON text (RFC 8259), checked once and then read in place: what a value holds is made into strings and numbers only when it is asked for.
///
/// Any bytes may come in. Nesting is bounded, so that a hostile text can't exhaust the stack.
package final class JSONDocument: Sendable {
    package enum Kind: UInt8, Sendable { case null, `false`, `true`, number, string, array, object }

    /// A value; of an object, keys and values alternate.
    struct Token {
        var kind: Kind
        /// A string with a backslash.
        var hasEscapes = false
        /// The bytes of a number, or of a string between its quotes.
        var start: UInt32
        var end: UInt32
        /// The token behind this value and all that it holds.
        var next: UInt32

        var range: Range<Int> { Int(start)..<Int(end) }
    }

    /// Why bytes aren't JSON.
    package struct SyntaxError: Error, CustomStringConvertible {
        var offset: Int
        var expected: String
        package var description: String { "byte \(offset): expected \(expected)" }
    }

    package static let maximumDepth = 64

    let bytes: [UInt8]
    let tokens: [Token]

    package init(_ text: [UInt8]) throws(SyntaxError) {
        guard text.count < Int(UInt32.max) else { throw SyntaxError(offset: 0, expected: "less than 4 GiB") }
        var tokens: [Token] = []
        // Few texts have more of them; what stays unused costs no memory.
        tokens.reserveCapacity(text.count / 4)
        var scanner = JSONScanner(text)
        try scanner.value(&tokens, depth: 0)
        try scanner.end()
        bytes = text
        self.tokens = tokens
    }

    /// Text that must be UTF-8 throughout.
    package convenience init(validating text: [UInt8]) throws(SyntaxError) {
        do {
            _ = try UTF8Span(validating: text.span)
        } catch {
            throw SyntaxError(offset: 0, expected: "UTF-8")
        }
        try self.init(text)
    }

    package convenience init(_ text: String) throws(SyntaxError) { try self.init(Array(text.utf8)) }

    /// The whole value.
    package var root: JSONValue { JSONValue(document: self, token: 0) }

    /// The value under a key of an object. Of equal keys the last counts.
    func member(_ key: String, of object: Int) -> Int? {
        let wanted = key.utf8Span.span
        var found: Int?
        var child = object + 1
        let end = Int(tokens[object].next)
        while child < end {
            let token = tokens[child]
            let isWanted = token.hasEscapes ? string(child) == key : token.range.count == wanted.count && holds(token, wanted)
            if isWanted { found = child + 1 }
            child = Int(tokens[child + 1].next)
        }
        return found
    }

    /// - Precondition: `text` is as long as the token.
    private func holds(_ token: Token, _ text: Span<UInt8>) -> Bool {
        let first = token.range.lowerBound
        for index in text.indices where bytes[first + index] != text[index] { return false }
        return true
    }

    /// The text of a string, its escapes resolved; what isn't UTF-8 is replaced.
    func string(_ token: Int) -> String {
        let range = tokens[token].range
        guard tokens[token].hasEscapes else { return String(decoding: bytes[range], as: UTF8.self) }
        // Nothing is longer than its escape.
        return unsafe String(unsafeUninitializedCapacity: range.count) { text in
            var count = 0
            func append(_ byte: UInt8) {
                unsafe text[count] = byte
                count += 1
            }
            var index = range.lowerBound
            while index < range.upperBound {
                let byte = bytes[index]
                guard byte == UInt8(ascii: "\\") else {
                    append(byte)
                    index += 1
                    continue
                }
                let escape = bytes[index + 1]
                index += 2
                switch escape {
                case UInt8(ascii: "u"): for byte in String(scalar(&index, before: range.upperBound)).utf8 { append(byte) }
                case UInt8(ascii: "b"): append(8)
                case UInt8(ascii: "f"): append(12)
                case UInt8(ascii: "n"): append(10)
                case UInt8(ascii: "r"): append(13)
                case UInt8(ascii: "t"): append(9)
                default: append(escape)
                }
            }
            return count
        }
    }

    /// The character behind `\u`, of which there may be a second where the first is half of a pair. Half a pair alone is U+FFFD.
    private func scalar(_ index: inout Int, before end: Int) -> Unicode.Scalar {
        let first = unit(index)
        index += 4
        guard UTF16.isLeadSurrogate(first), index + 6 <= end, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
            return Unicode.Scalar(UInt32(first)) ?? "\u{FFFD}"
        }
        let second = unit(index + 2)
        guard UTF16.isTrailSurrogate(second) else { return "\u{FFFD}" }
        index += 6
        return Unicode.Scalar(0x10000 + ((UInt32(first) & 0x3FF) << 10) + (UInt32(second) & 0x3FF)) ?? "\u{FFFD}"
    }

    /// The value of four hexadecimal digits.
    private func unit(_ index: Int) -> UInt16 {
        bytes[index..<index + 4].reduce(0) { $0 << 4 | UInt16(JSONScanner.hexadecimal($1) ?? 0) }
    }

    /// The text of a number.
    func digits(_ token: Int) -> String { String(decoding: bytes[tokens[token].range], as: UTF8.self) }

    /// Sign and magnitude of a number without fraction and exponent, where 64 bits hold it.
    func integer(_ token: Int) -> (isNegative: Bool, magnitude: UInt64)? {
        var magnitude: UInt64 = 0
        var range = tokens[token].range
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        if isNegative { range = range.dropFirst() }
        for index in range {
            let byte = bytes[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (shifted, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = shifted.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !tooLarge, !overflow else { return nil }
            magnitude = sum
        }
        return (isNegative, magnitude)
    }

    /// Keys and positions that lead to a value: `nodes.3.name`.
    func path(to target: Int) -> String {
        var names: [String] = []
        var current = 0
        while current != target {
            let isObject = tokens[current].kind == .object
            var child = current + 1
            var position = 0
            // The one that reaches beyond the target holds it.
            while true {
                let value = isObject ? child + 1 : child
                guard Int(tokens[value].next) <= target else {
                    names.append(isObject ? string(child) : "\(position)")
                    current = value
                    break
                }
                child = Int(tokens[value].next)
                position += 1
            }
        }
        return names.joined(separator: ".")
    }
}
