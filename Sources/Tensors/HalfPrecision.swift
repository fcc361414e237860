// SPDX-License-Identifier: Apache-2.0

extension Float {
    /// The value of an IEEE 754 binary16 number, exactly. Swift's own `Float16` is missing on x86-64 Linux before Swift 6.3.
    package init(halfBits bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            let magnitude = Float(fraction) * 0x1p-24
            self = sign == 0 ? magnitude : -magnitude
        case 0x1F:
            self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default:
            self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }

    /// The nearest IEEE 754 binary16 number, ties to even; beyond its range, infinity.
    package var halfBits: UInt16 {
        let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
        let magnitude = self.magnitude
        if isNaN { return sign | 0x7E00 }
        if magnitude >= 65520 { return sign | 0x7C00 }
        if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
        let rounded = magnitude.bitPattern + 0x0FFF + (magnitude.bitPattern >> 13 & 1)
        return sign | UInt16(truncatingIfNeeded: (rounded >> 13) - 112 << 10)
    }
}
