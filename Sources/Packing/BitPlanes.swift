// SPDX-License-Identifier: Apache-2.0

/// Codes with bits of equal significance side by side: plane by plane from the highest bit, each of `⌈count / 8⌉` bytes, code `8i + j` in bit
/// j of byte i; what is left of the last byte is 0.
package enum BitPlanes {
    package static func byteCount(of count: Int, bits: Int) -> Int { (count + 7) / 8 * bits }

    package static func shuffle(_ codes: [UInt8], bits: Int) -> [UInt8] {
        let columns = (codes.count + 7) / 8
        var planes = [UInt8](repeating: 0, count: columns * bits)
        for column in 0..<columns {
            var block: UInt64 = 0
            for index in 0..<min(8, codes.count - column * 8) { block |= UInt64(codes[column * 8 + index]) << UInt64(8 * index) }
            block = transpose(block)
            for plane in 0..<bits { planes[plane * columns + column] = UInt8(truncatingIfNeeded: block >> UInt64(8 * (bits - 1 - plane))) }
        }
        return planes
    }

    /// - Precondition: `planes` has ``byteCount(of:bits:)`` bytes.
    package static func unshuffle(_ planes: [UInt8], count: Int, bits: Int) -> [UInt8] {
        precondition(planes.count == byteCount(of: count, bits: bits))
        let columns = (count + 7) / 8
        var codes = [UInt8](repeating: 0, count: count)
        for column in 0..<columns {
            var block: UInt64 = 0
            for plane in 0..<bits { block |= UInt64(planes[plane * columns + column]) << UInt64(8 * (bits - 1 - plane)) }
            block = transpose(block)
            for index in 0..<min(8, count - column * 8) { codes[column * 8 + index] = UInt8(truncatingIfNeeded: block >> UInt64(8 * index)) }
        }
        return codes
    }

    /// Bit j of byte i becomes bit i of byte j (Warren, "Hacker's Delight", 7-3).
    @inline(__always)
    private static func transpose(_ block: UInt64) -> UInt64 {
        var x = block
        var swap = (x ^ x >> 7) & 0x00AA_00AA_00AA_00AA
        x = x ^ swap ^ swap << 7
        swap = (x ^ x >> 14) & 0x0000_CCCC_0000_CCCC
        x = x ^ swap ^ swap << 14
        swap = (x ^ x >> 28) & 0x0000_0000_F0F0_F0F0
        return x ^ swap ^ swap << 28
    }
}
