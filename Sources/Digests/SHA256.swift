// SPDX-License-Identifier: Apache-2.0
internal import CSHA256

/// The SHA-256 digest of a byte sequence (FIPS 180-4).
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    package init(of message: Span<UInt8>) {
        bytes = unsafe message.withUnsafeBytes { unsafe Self.digest(of: $0) }
    }

    package init(of message: [UInt8]) { self.init(of: message.span) }

    package init(of text: String) { self.init(of: Array(text.utf8)) }

    /// Lower-case hexadecimal, 64 characters.
    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Digests memory that the caller keeps valid during the call.
    package init(ofBytes message: UnsafeRawBufferPointer) { bytes = unsafe Self.digest(of: message) }

    private static func digest(of message: UnsafeRawBufferPointer) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        unsafe sha256(message.baseAddress, message.count, &result)
        return result
    }
}
