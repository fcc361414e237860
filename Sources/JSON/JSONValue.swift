// SPDX-License-Identifier: Apache-2.0

/// One value of a document, to be taken apart by whoever knows what must be there: descriptions are read this way at every start, in a
/// fraction of the time that `Decodable` takes.
package struct JSONValue: Sendable {
    let document: JSONDocument
    let token: Int

    init(document: JSONDocument, token: Int) {
        self.document = document
        self.token = token
    }

    package var kind: JSONDocument.Kind { document.tokens[token].kind }

    /// The error that this value isn't what was expected.
    package func wrong(_ expected: String) -> JSONError {
        let found = switch kind {
        case .number: document.digits(token)
        case .string, .null, .true, .false, .array, .object: "\(kind)"
        }
        return JSONError(path: document.path(to: token), problem: "expected \(expected), found \(found)")
    }

    private func sibling(_ token: Int) -> JSONValue { JSONValue(document: document, token: token) }

    /// The text of a string.
    package func string() throws(JSONError) -> String {
        guard kind == .string else { throw wrong("a string") }
        return document.string(token)
    }

    package func boolean() throws(JSONError) -> Bool {
        guard kind == .true || kind == .false else { throw wrong("true or false") }
        return kind == .true
    }

    package func integer() throws(JSONError) -> Int {
        guard kind == .number, let (isNegative, magnitude) = document.integer(token) else { throw wrong("an integer") }
        guard let value = Int(exactly: magnitude) else { throw wrong("an integer of 64 bits") }
        return isNegative ? -value : value
    }

    /// A number; `"inf"`, `"-inf"` and `"nan"` stand for those that JSON can't write.
    package func double() throws(JSONError) -> Double { try real(Double.self) }

    /// As ``double()``.
    package func float() throws(JSONError) -> Float { try real(Float.self) }

    private func real<Real: BinaryFloatingPoint & LosslessStringConvertible>(_: Real.Type) throws(JSONError) -> Real {
        switch kind {
        case .string:
            switch document.string(token) {
            case "inf": return .infinity
            case "-inf": return -.infinity
            case "nan": return .nan
            default: throw wrong("a number")
            }
        case .number:
            guard let value = Real(document.digits(token)), value.isFinite else { throw wrong("a number that is not too large") }
            return value
        case .null, .true, .false, .array, .object: throw wrong("a number")
        }
    }

    /// The values of an array.
    package func elements() throws(JSONError) -> [JSONValue] {
        try map { $0 }
    }

    /// The values of an array of integers.
    package func integers() throws(JSONError) -> [Int] { try map { value throws(JSONError) in try value.integer() } }

    /// What `transform` makes of the values of an array.
    private func map<Result>(_ transform: (JSONValue) throws(JSONError) -> Result) throws(JSONError) -> [Result] {
        guard kind == .array else { throw wrong("an array") }
        let end = Int(document.tokens[token].next)
        var result: [Result] = []
        // Exact where no value holds others.
        result.reserveCapacity(end - token - 1)
        var child = token + 1
        while child < end {
            result.append(try transform(sibling(child)))
            child = Int(document.tokens[child].next)
        }
        return result
    }

    /// Keys and values of an object, in the order of the text.
    package func members() throws(JSONError) -> [(key: String, value: JSONValue)] {
        guard kind == .object else { throw wrong("an object") }
        var result: [(key: String, value: JSONValue)] = []
        var child = token + 1
        let end = Int(document.tokens[token].next)
        while child < end {
            result.append((document.string(child), sibling(child + 1)))
            child = Int(document.tokens[child + 1].next)
        }
        return result
    }

    /// The value under a key of an object; of equal keys the last counts.
    package func member(_ key: String) throws(JSONError) -> JSONValue {
        guard kind == .object else { throw wrong("an object") }
        guard let found = document.member(key, of: token) else { throw JSONError(path: document.path(to: token), problem: "'\(key)' is missing") }
        return sibling(found)
    }

    /// The same, where it may be missing or `null`.
    package func memberIfPresent(_ key: String) throws(JSONError) -> JSONValue? {
        guard kind == .object else { throw wrong("an object") }
        guard let found = document.member(key, of: token), document.tokens[found].kind != .null else { return nil }
        return sibling(found)
    }

    /// The case of an enumeration as `Encodable` writes it: an object with one member, called after the case, that holds the associated
    /// values by their labels, or by `_0`, `_1` and so on.
    package func enumerationCase() throws(JSONError) -> (name: String, values: JSONValue) {
        let members = try members()
        guard members.count == 1 else { throw wrong("one member") }
        return (members[0].key, members[0].value)
    }
}

/// What a text that is JSON doesn't hold.
package struct JSONError: Error, CustomStringConvertible {
    /// Keys and positions that lead there; empty for the whole.
    package var path: String
    package var problem: String

    package var description: String { problem + (path.isEmpty ? "" : " at \(path)") }
}
