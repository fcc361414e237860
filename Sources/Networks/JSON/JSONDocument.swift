// SPDX-License-Identifier: Apache-2.0

/// JSON text (RFC 8259), checked once and then read in place: what a value holds is made into strings and numbers only when it is asked for.
///
/// Any bytes may come in. Nesting is bounded, so that a hostile text can't exhaust the stack.
struct JSONDocument {
    enum Kind: UInt8 { case null, `false`, `true`, number, string, array, object }

    /// A value; of an object, keys and values alternate.
    struct Token {
        var kind: Kind
        /// The bytes of a number, or of a string between its quotes.
        var start: UInt32
        var end: UInt32
        /// The token behind this value and all that it holds.
        var next: UInt32
    }

    /// Why bytes aren't JSON.
    struct SyntaxError: Error, CustomStringConvertible {
        var offset: Int
        var expected: String
        var description: String { "byte \(offset): expected \(expected)" }
    }

    static let maximumDepth = 64

    let bytes: [UInt8]
    private(set) var tokens: [Token] = []

    init(_ text: [UInt8]) throws(SyntaxError) {
        bytes = text
        guard text.count < Int(UInt32.max) else { throw SyntaxError(offset: 0, expected: "less than 4 GiB") }
        tokens.reserveCapacity(text.count / 8)
        var scanner = JSONScanner(text)
        try scanner.value(&tokens, depth: 0)
        try scanner.end()
    }

    init(_ text: String) throws(SyntaxError) { try self.init(Array(text.utf8)) }

    /// The values of an array, or keys and values of an object, by the numbers of their tokens.
    func children(of token: Int) -> [Int] {
        var result: [Int] = []
        var child = token + 1
        while child < Int(tokens[token].next) {
            result.append(child)
            child = Int(tokens[child].next)
        }
        return result
    }

    /// The value under a key of an object. Of equal keys the last counts.
    func member(_ key: String, of object: Int) -> Int? {
        var found: Int?
        var child = object + 1
        while child < Int(tokens[object].next) {
            let value = Int(tokens[child].next)
            if holds(child, key) { found = value }
            child = Int(tokens[value].next)
        }
        return found
    }

    private func holds(_ token: Int, _ text: String) -> Bool {
        let range = Int(tokens[token].start)..<Int(tokens[token].end)
        let plain = bytes[range].elementsEqual(text.utf8)
        return plain || (bytes[range].contains(UInt8(ascii: "\\")) && string(token) == text)
    }

    /// The text of a string, its escapes resolved; what isn't UTF-8 is replaced.
    func string(_ token: Int) -> String {
        let raw = bytes[Int(tokens[token].start)..<Int(tokens[token].end)]
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        var units: [UInt16] = []
        var plain: [UInt8] = []
        func flush() {
            units += Array(String(decoding: plain, as: UTF8.self).utf16)
            plain.removeAll()
        }
        var index = raw.startIndex
        while index < raw.endIndex {
            guard raw[index] == UInt8(ascii: "\\") else {
                plain.append(raw[index])
                index += 1
                continue
            }
            let escape = raw[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "u"):
                flush()
                units.append(raw[index..<index + 4].reduce(0) { $0 << 4 | UInt16(JSONScanner.hexadecimal($1) ?? 0) })
                index += 4
            case UInt8(ascii: "b"): plain.append(8)
            case UInt8(ascii: "f"): plain.append(12)
            case UInt8(ascii: "n"): plain.append(10)
            case UInt8(ascii: "r"): plain.append(13)
            case UInt8(ascii: "t"): plain.append(9)
            default: plain.append(escape)
            }
        }
        flush()
        return String(decoding: units, as: UTF16.self)
    }

    /// The text of a number.
    func digits(_ token: Int) -> String {
        String(decoding: bytes[Int(tokens[token].start)..<Int(tokens[token].end)], as: UTF8.self)
    }

    /// A number without fraction and exponent, where it fits.
    func integer(_ token: Int) -> Int? {
        var magnitude = 0
        var digits = bytes[Int(tokens[token].start)..<Int(tokens[token].end)]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            // Towards the negative side, which reaches further.
            let (shifted, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = shifted.subtractingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !tooLarge, !overflow else { return nil }
            magnitude = sum
        }
        if isNegative { return magnitude }
        return magnitude == Int.min ? nil : -magnitude
    }
}
