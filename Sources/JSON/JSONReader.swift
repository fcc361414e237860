// SPDX-License-Identifier: Apache-2.0

/// Decodes a type from JSON, for messages.
package enum JSONReader {
    /// - Throws: a `DecodingError`.
    package static func decode<Value: Decodable>(_: Value.Type, from document: JSONDocument) throws -> Value {
        try Value(from: JSONElement(document: document, token: 0, codingPath: []))
    }
}

/// One value of a document, as its decoder.
private struct JSONElement: Decoder {
    let document: JSONDocument
    let token: Int
    let codingPath: [any CodingKey]

    var userInfo: [CodingUserInfoKey: Any] { [:] }
    var kind: JSONDocument.Kind { document.tokens[token].kind }

    func container<Key: CodingKey>(keyedBy _: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard kind == .object else { throw mismatch([String: Any].self, "an object") }
        return KeyedDecodingContainer(JSONObject<Key>(element: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard kind == .array else { throw mismatch([Any].self, "an array") }
        return JSONArray(element: self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: "expected \(expected), found \(kind)")
        return kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func child(_ token: Int, _ key: some CodingKey) -> JSONElement {
        JSONElement(document: document, token: token, codingPath: codingPath + [key])
    }

    private func unfit(_ type: Any.Type) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: "\(document.digits(token)) is no \(type)"))
    }

    /// A whole number may be written with fraction or exponent: 3.0, 1e2.
    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        guard kind == .number else { throw mismatch(type, "an integer") }
        if let (isNegative, magnitude) = document.integer(token) {
            // Towards the negative side, which reaches further.
            let value = isNegative ? Integer(exactly: -Int128(magnitude)) : Integer(exactly: magnitude)
            guard let value else { throw unfit(type) }
            return value
        }
        guard let value = Double(document.digits(token)).flatMap(Integer.init(exactly:)) else { throw unfit(type) }
        return value
    }

    func real<Real: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Real.Type) throws -> Real {
        guard kind == .number else { throw mismatch(type, "a number") }
        guard let value = Real(document.digits(token)), value.isFinite else { throw unfit(type) }
        return value
    }
}

extension JSONElement: SingleValueDecodingContainer {
    func decodeNil() -> Bool { kind == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard kind == .true || kind == .false else { throw mismatch(type, "true or false") }
        return kind == .true
    }

    func decode(_ type: String.Type) throws -> String {
        guard kind == .string else { throw mismatch(type, "a string") }
        return document.string(token)
    }

    func decode(_ type: Double.Type) throws -> Double { try real(type) }
    func decode(_ type: Float.Type) throws -> Float { try real(type) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
    func decode<Value: Decodable>(_: Value.Type) throws -> Value { try Value(from: self) }
}

/// A position in an array, as a key.
private struct JSONIndex: CodingKey {
    var index: Int
    var intValue: Int? { index }
    var stringValue: String { "\(index)" }
    init(_ index: Int) { self.index = index }
    init?(intValue: Int) { index = intValue }
    init?(stringValue: String) { nil }
}

private struct JSONObject<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let element: JSONElement

    var codingPath: [any CodingKey] { element.codingPath }

    var allKeys: [Key] {
        let document = element.document
        var keys: [Key] = []
        var child = element.token + 1
        while child < Int(document.tokens[element.token].next) {
            if let key = Key(stringValue: document.string(child)) { keys.append(key) }
            child = Int(document.tokens[child + 1].next)
        }
        return keys
    }

    func contains(_ key: Key) -> Bool { element.document.member(key.stringValue, of: element.token) != nil }

    private func value(_ key: Key) throws -> JSONElement {
        guard let token = element.document.member(key.stringValue, of: element.token) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "'\(key.stringValue)' is missing"))
        }
        return element.child(token, key)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try value(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try value(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try value(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try value(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try value(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try value(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try value(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try value(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try value(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try value(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try value(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try value(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try value(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try value(key).decode(type) }
    func decode<Value: Decodable>(_: Value.Type, forKey key: Key) throws -> Value { try Value(from: value(key)) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try value(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try value(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { element }
    func superDecoder(forKey key: Key) throws -> any Decoder { try value(key) }
}

private struct JSONArray: UnkeyedDecodingContainer {
    let element: JSONElement
    private let elements: [Int]
    private(set) var currentIndex = 0

    init(element: JSONElement) {
        self.element = element
        let document = element.document
        var elements: [Int] = []
        var child = element.token + 1
        while child < Int(document.tokens[element.token].next) {
            elements.append(child)
            child = Int(document.tokens[child].next)
        }
        self.elements = elements
    }

    var codingPath: [any CodingKey] { element.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    private mutating func next(_ type: Any.Type) throws -> JSONElement {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(type, .init(codingPath: codingPath, debugDescription: "the array has \(elements.count) elements"))
        }
        defer { currentIndex += 1 }
        return element.child(elements[currentIndex], JSONIndex(currentIndex))
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, element.document.tokens[elements[currentIndex]].kind == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next(type).decode(type) }
    mutating func decode(_ type: String.Type) throws -> String { try next(type).decode(type) }
    mutating func decode(_ type: Double.Type) throws -> Double { try next(type).decode(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try next(type).decode(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try next(type).decode(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next(type).decode(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next(type).decode(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next(type).decode(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next(type).decode(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next(type).decode(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next(type).decode(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next(type).decode(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next(type).decode(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next(type).decode(type) }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: next(type)) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try next(type).container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next([Any].self).unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next((any Decoder).self) }
}
