// SPDX-License-Identifier: Apache-2.0
internal import JSON

/// The JSON of the protocol: one object, bounded in bytes and depth, with the version in `v`; unknown fields are ignored.
enum JSONMessage {
    /// The minor version that this program writes.
    static let version = 1
    /// How deep objects and arrays may nest.
    static let maximumDepth = 8

    static func encode(_ value: some Encodable, subject: String) throws(WireError) -> [UInt8] {
        do {
            return try JSONWriter.encode(value)
        } catch {
            throw WireError(.invalidField, subject, "can't be written as JSON: \(error)")
        }
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: ArraySlice<UInt8>, limit: Int, subject: String
    ) throws(WireError) -> Value {
        guard bytes.count <= limit else {
            throw WireError(.tooLarge, subject, "\(bytes.count) bytes of JSON, at most \(limit) are allowed")
        }
        guard depth(of: bytes) <= maximumDepth else {
            throw WireError(.tooLarge, subject, "JSON nested deeper than \(maximumDepth)")
        }
        do {
            let document = try JSONDocument(validating: Array(bytes))
            let header = try JSONReader.decode(Version.self, from: document)
            guard header.v == version else {
                throw WireError(.version, subject, "version \(header.v); this program speaks \(version)")
            }
            return try JSONReader.decode(type, from: document)
        } catch let error as WireError {
            throw error
        } catch let error as DecodingError {
            throw WireError(.malformed, subject, cause(of: error))
        } catch {
            throw WireError(.malformed, subject, "not JSON")
        }
    }

    private struct Version: Decodable {
        var v: Int
    }

    /// The deepest nesting of braces and brackets outside strings; also of bytes that aren't JSON.
    static func depth(of bytes: ArraySlice<UInt8>) -> Int {
        var depth = 0
        var deepest = 0
        var inString = false
        var escaped = false
        for byte in bytes {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return deepest
    }

    private static func cause(of error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.isEmpty ? "the object" : "'" + context.codingPath.map(\.stringValue).joined(separator: ".") + "'"
        }
        return switch error {
        case .keyNotFound(let key, _): "no field '\(key.stringValue)'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(path(context)) has another type"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty: "\(path(context)) has no valid value"
        default: "not JSON"
        }
    }
}

/// Checks a field's value.
func require(_ condition: Bool, _ subject: String, _ cause: @autoclosure () -> String) throws(WireError) {
    guard condition else { throw WireError(.invalidField, subject, cause()) }
}

/// A field's value in its own form.
func field<Value>(_ value: Value?, _ subject: String, _ cause: @autoclosure () -> String) throws(WireError) -> Value {
    guard let value else { throw WireError(.invalidField, subject, cause()) }
    return value
}

extension Duration {
    /// Whole milliseconds, rounded down; 0 for less than none.
    package var milliseconds: Int {
        let (seconds, attoseconds) = components
        return seconds < 0 || attoseconds < 0 ? 0 : Int(clamping: seconds.multipliedReportingOverflow(by: 1000).overflow
            ? .max : seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
