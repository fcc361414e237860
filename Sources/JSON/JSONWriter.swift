// SPDX-License-Identifier: Apache-2.0

/// Encodes values as JSON text on one line: keys sorted by their bytes, `/` as it is, numbers as short as they read back exactly.
package enum JSONWriter {
    /// What becomes of numbers that JSON can't write.
    package enum NonFinite: Sendable {
        /// They are an error.
        case refused
        /// They become `"inf"`, `"-inf"` and `"nan"`.
        case text
    }

    /// - Throws: an `EncodingError`.
    package static func encode(_ value: some Encodable, nonFinite: NonFinite = .refused) throws -> [UInt8] {
        let node = JSONNode()
        try value.encode(to: JSONNodeEncoder(node: node, codingPath: [], nonFinite: nonFinite))
        var text: [UInt8] = []
        node.write(to: &text)
        return text
    }
}

/// A value in the making.
private final class JSONNode {
    enum Content {
        case null
        /// Text as it will stand.
        case literal(String)
        case string(String)
        case array([JSONNode])
        case object([String: JSONNode])
    }

    var content = Content.null

    func member(_ key: String) -> JSONNode {
        let node = JSONNode()
        var members: [String: JSONNode] = [:]
        if case .object(let present) = content { members = present }
        // So that the dictionary has one owner, and isn't copied.
        content = .null
        members[key] = node
        content = .object(members)
        return node
    }

    func element() -> JSONNode {
        let node = JSONNode()
        var elements: [JSONNode] = []
        if case .array(let present) = content { elements = present }
        content = .null
        elements.append(node)
        content = .array(elements)
        return node
    }

    var count: Int {
        if case .array(let elements) = content { elements.count } else { 0 }
    }

    func write(to text: inout [UInt8]) {
        switch content {
        case .null: text += "null".utf8
        case .literal(let literal): text += literal.utf8
        case .string(let string): Self.write(string, to: &text)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                element.write(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let members):
            text.append(UInt8(ascii: "{"))
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, (key, value)) in sorted.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                Self.write(key, to: &text)
                text.append(UInt8(ascii: ":"))
                value.write(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ string: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): text += "\\\"".utf8
            case UInt8(ascii: "\\"): text += "\\\\".utf8
            case 8: text += "\\b".utf8
            case 9: text += "\\t".utf8
            case 10: text += "\\n".utf8
            case 12: text += "\\f".utf8
            case 13: text += "\\r".utf8
            case 0..<32:
                text += (byte < 16 ? "\\u000" : "\\u00").utf8
                text += String(byte, radix: 16).utf8
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}

/// The encoder of one value.
private struct JSONNodeEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey]
    let nonFinite: JSONWriter.NonFinite

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy _: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = node.content {} else { node.content = .object([:]) }
        return KeyedEncodingContainer(JSONObjectEncoder<Key>(owner: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = node.content {} else { node.content = .array([]) }
        return JSONArrayEncoder(owner: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func child(_ node: JSONNode, _ keys: [any CodingKey] = []) -> JSONNodeEncoder {
        JSONNodeEncoder(node: node, codingPath: codingPath + keys, nonFinite: nonFinite)
    }

    private func real(_ value: some BinaryFloatingPoint & CustomStringConvertible) throws {
        guard value.isFinite else {
            guard nonFinite == .text else {
                throw EncodingError.invalidValue(value, .init(codingPath: codingPath, debugDescription: "JSON has no number for \(value)"))
            }
            node.content = .string(value.isNaN ? "nan" : value < 0 ? "-inf" : "inf")
            return
        }
        let text = value.description
        node.content = .literal(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
}

extension JSONNodeEncoder: SingleValueEncodingContainer {
    func encodeNil() { node.content = .null }
    func encode(_ value: Bool) { node.content = .literal(value ? "true" : "false") }
    func encode(_ value: String) { node.content = .string(value) }
    func encode(_ value: Double) throws { try real(value) }
    func encode(_ value: Float) throws { try real(value) }
    func encode(_ value: Int) { node.content = .literal("\(value)") }
    func encode(_ value: Int8) { node.content = .literal("\(value)") }
    func encode(_ value: Int16) { node.content = .literal("\(value)") }
    func encode(_ value: Int32) { node.content = .literal("\(value)") }
    func encode(_ value: Int64) { node.content = .literal("\(value)") }
    func encode(_ value: UInt) { node.content = .literal("\(value)") }
    func encode(_ value: UInt8) { node.content = .literal("\(value)") }
    func encode(_ value: UInt16) { node.content = .literal("\(value)") }
    func encode(_ value: UInt32) { node.content = .literal("\(value)") }
    func encode(_ value: UInt64) { node.content = .literal("\(value)") }
    func encode<Value: Encodable>(_ value: Value) throws { try value.encode(to: self) }
}

private struct JSONObjectEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let owner: JSONNodeEncoder

    var codingPath: [any CodingKey] { owner.codingPath }

    private func value(_ key: Key) -> JSONNodeEncoder { owner.child(owner.node.member(key.stringValue), [key]) }

    func encodeNil(forKey key: Key) { value(key).encodeNil() }
    func encode(_ element: Bool, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: String, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: Double, forKey key: Key) throws { try value(key).encode(element) }
    func encode(_ element: Float, forKey key: Key) throws { try value(key).encode(element) }
    func encode(_ element: Int, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: Int8, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: Int16, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: Int32, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: Int64, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: UInt, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: UInt8, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: UInt16, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: UInt32, forKey key: Key) { value(key).encode(element) }
    func encode(_ element: UInt64, forKey key: Key) { value(key).encode(element) }
    func encode<Value: Encodable>(_ element: Value, forKey key: Key) throws { try value(key).encode(element) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        value(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { value(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { owner.child(owner.node.member("super")) }
    func superEncoder(forKey key: Key) -> any Encoder { value(key) }
}

private struct JSONArrayEncoder: UnkeyedEncodingContainer {
    let owner: JSONNodeEncoder

    var codingPath: [any CodingKey] { owner.codingPath }
    var count: Int { owner.node.count }

    private func next() -> JSONNodeEncoder { owner.child(owner.node.element()) }

    func encodeNil() { next().encodeNil() }
    func encode(_ element: Bool) { next().encode(element) }
    func encode(_ element: String) { next().encode(element) }
    func encode(_ element: Double) throws { try next().encode(element) }
    func encode(_ element: Float) throws { try next().encode(element) }
    func encode(_ element: Int) { next().encode(element) }
    func encode(_ element: Int8) { next().encode(element) }
    func encode(_ element: Int16) { next().encode(element) }
    func encode(_ element: Int32) { next().encode(element) }
    func encode(_ element: Int64) { next().encode(element) }
    func encode(_ element: UInt) { next().encode(element) }
    func encode(_ element: UInt8) { next().encode(element) }
    func encode(_ element: UInt16) { next().encode(element) }
    func encode(_ element: UInt32) { next().encode(element) }
    func encode(_ element: UInt64) { next().encode(element) }
    func encode<Value: Encodable>(_ element: Value) throws { try next().encode(element) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> { next().container(keyedBy: type) }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }
    func superEncoder() -> any Encoder { next() }
}
