// SPDX-License-Identifier: Apache-2.0

/// Walks over JSON text once and notes where its values are.
struct JSONScanner {
    typealias SyntaxError = JSONDocument.SyntaxError
    typealias Token = JSONDocument.Token

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next byte that isn't white space; 0 at the end.
    private mutating func next() -> UInt8 {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return 0
    }

    private func wrong(_ expected: String) -> SyntaxError { SyntaxError(offset: position, expected: expected) }

    mutating func end() throws(SyntaxError) {
        _ = next()
        guard position == bytes.count else { throw wrong("the end") }
    }

    mutating func value(_ tokens: inout [Token], depth: Int) throws(SyntaxError) {
        guard depth < JSONDocument.maximumDepth else { throw wrong("at most \(JSONDocument.maximumDepth) levels") }
        switch next() {
        case UInt8(ascii: "{"): try object(&tokens, depth: depth)
        case UInt8(ascii: "["): try array(&tokens, depth: depth)
        case UInt8(ascii: "\""): try string(&tokens)
        case UInt8(ascii: "t"): try word("true", .true, &tokens)
        case UInt8(ascii: "f"): try word("false", .false, &tokens)
        case UInt8(ascii: "n"): try word("null", .null, &tokens)
        default: try number(&tokens)
        }
    }

    private func append(_ kind: JSONDocument.Kind, from start: Int, to end: Int, hasEscapes: Bool = false, _ tokens: inout [Token]) {
        tokens.append(Token(kind: kind, hasEscapes: hasEscapes, start: UInt32(start), end: UInt32(end), next: UInt32(tokens.count + 1)))
    }

    private mutating func object(_ tokens: inout [Token], depth: Int) throws(SyntaxError) {
        let own = tokens.count
        append(.object, from: position, to: position, &tokens)
        position += 1
        if next() == UInt8(ascii: "}") {
            position += 1
        } else {
            while true {
                guard next() == UInt8(ascii: "\"") else { throw wrong("a key") }
                try string(&tokens)
                guard next() == UInt8(ascii: ":") else { throw wrong("':'") }
                position += 1
                try value(&tokens, depth: depth + 1)
                let byte = next()
                guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") else { throw wrong("',' or '}'") }
                position += 1
                if byte == UInt8(ascii: "}") { break }
            }
        }
        tokens[own].next = UInt32(tokens.count)
    }

    private mutating func array(_ tokens: inout [Token], depth: Int) throws(SyntaxError) {
        let own = tokens.count
        append(.array, from: position, to: position, &tokens)
        position += 1
        if next() == UInt8(ascii: "]") {
            position += 1
        } else {
            while true {
                try value(&tokens, depth: depth + 1)
                let byte = next()
                guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") else { throw wrong("',' or ']'") }
                position += 1
                if byte == UInt8(ascii: "]") { break }
            }
        }
        tokens[own].next = UInt32(tokens.count)
    }

    private mutating func string(_ tokens: inout [Token]) throws(SyntaxError) {
        position += 1
        let start = position
        var hasEscapes = false
        while true {
            position = endOfPlainCharacters(from: position)
            guard position < bytes.count else { throw wrong("the end of a string") }
            let byte = bytes[position]
            guard byte >= 0x20 else { throw wrong("no control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\"") {
                append(.string, from: start, to: position - 1, hasEscapes: hasEscapes, &tokens)
                return
            }
            hasEscapes = true
            try escape()
        }
    }

    /// Where the next quote, backslash or control character is.
    private func endOfPlainCharacters(from start: Int) -> Int {
        let bytes = bytes.span
        var index = start
        while index < bytes.count, bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\") { index += 1 }
        return index
    }

    private mutating func escape() throws(SyntaxError) {
        guard position < bytes.count else { throw wrong("an escape") }
        switch bytes[position] {
        case UInt8(ascii: "u"):
            guard position + 4 < bytes.count, bytes[position + 1...position + 4].allSatisfy({ Self.hexadecimal($0) != nil }) else {
                throw wrong("four hexadecimal digits")
            }
            position += 5
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        default: throw wrong("an escape")
        }
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private mutating func word(_ text: String, _ kind: JSONDocument.Kind, _ tokens: inout [Token]) throws(SyntaxError) {
        let end = position + text.utf8.count
        guard end <= bytes.count, bytes[position..<end].elementsEqual(text.utf8) else { throw wrong("'\(text)'") }
        append(kind, from: position, to: end, &tokens)
        position = end
    }

    private mutating func number(_ tokens: inout [Token]) throws(SyntaxError) {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if current == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        append(.number, from: start, to: position, &tokens)
    }

    private var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func digits() throws(SyntaxError) {
        let start = position
        while current >= UInt8(ascii: "0"), current <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw wrong("a value") }
    }
}
