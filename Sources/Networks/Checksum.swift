// SPDX-License-Identifier: Apache-2.0

/// A 64-bit checksum of byte sequences. Four lanes take 8 bytes each in turn: `lane = rotate(lane ^ word, 29) · factor`, modulo 2⁶⁴, with an
/// odd factor. Each step is reversible, so a change within one word always shows; any other change shows but for a chance of about 2⁻⁶⁴.
struct Checksum: CustomStringConvertible {
    private var state: UInt64 = 0x5357_4946_544C_4554
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mixed(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let x = lane ^ word
        return (x << 29 | x >> 35) &* factor
    }

    /// Adds one sequence: its length and its bytes, the last word filled up with zeros.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var lanes = (state, state &+ 1, state &+ 2, state &+ 3)
        var offset = 0
        while offset + 32 <= bytes.count {
            unsafe lanes.0 = Self.mixed(lanes.0, Self.word(bytes, offset))
            unsafe lanes.1 = Self.mixed(lanes.1, Self.word(bytes, offset + 8))
            unsafe lanes.2 = Self.mixed(lanes.2, Self.word(bytes, offset + 16))
            unsafe lanes.3 = Self.mixed(lanes.3, Self.word(bytes, offset + 24))
            offset += 32
        }
        state = Self.mixed(Self.mixed(Self.mixed(lanes.0, lanes.1), lanes.2), lanes.3)
        while offset < bytes.count {
            var word: UInt64 = 0
            for index in offset..<min(offset + 8, bytes.count) { unsafe word |= UInt64(bytes[index]) << UInt64(8 * (index - offset)) }
            state = Self.mixed(state, word)
            offset += 8
        }
        state = Self.mixed(state, UInt64(bytes.count))
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    var description: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
