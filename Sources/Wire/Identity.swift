// SPDX-License-Identifier: Apache-2.0

/// The 16 bytes that name a request in its reply, MQTT correlation data and logs.
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> RequestID {
        RequestID(high: generator.next(), low: generator.next())
    }

    /// Big-endian.
    package var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 % 8))) }
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String { hexadecimal(bytes) }

    /// `nil` where `text` isn't 32 lower-case hexadecimal digits.
    package init?(_ text: String) {
        guard let bytes = octets(hexadecimal: text, count: 16) else { return nil }
        self.init(bytes: bytes)
    }

    /// `nil` where there aren't 16 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        func word(_ part: ArraySlice<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: word(bytes[..<8]), low: word(bytes[8...]))
    }
}

/// A SHA-256 digest as it travels: 64 lower-case hexadecimal digits. Names a task (the list of labels) or a model's weights.
package struct DigestText: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// `nil` where `text` isn't 64 lower-case hexadecimal digits.
    package init?(_ text: String) {
        guard octets(hexadecimal: text, count: 32) != nil else { return nil }
        description = text
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

private func octets(hexadecimal text: String, count: Int) -> [UInt8]? {
    guard text.utf8.count == 2 * count else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var high: UInt8?
    for digit in text.utf8 {
        let value: UInt8
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
        default: return nil
        }
        if let first = high {
            result.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return result
}
