// SPDX-License-Identifier: Apache-2.0

/// What binary decisions go through: an encoder writes the given bit, a decoder ignores it and reads one. One model serves both.
protocol BinaryCoder {
    /// - Parameters:
    ///   - bit: 0 or 1.
    ///   - probability: that the bit is 1, in 65,536ths; 1 … 65,535.
    /// - Returns: the bit that was written or read.
    mutating func code(_ bit: UInt32, probability: UInt32) -> UInt32

    /// Whether it read past the end of what there is: everything since is noise.
    var isExhausted: Bool { get }
}

/// Arithmetic coding of bits on an interval of 32-bit integers, whose leading bytes are written as soon as both ends share them
/// (Howard and Vitter, "Arithmetic coding for data compression", Proc. IEEE 82(6), 1994). Ends with 4 bytes.
struct RangeEncoder: BinaryCoder {
    private var low: UInt32 = 0
    private var high: UInt32 = .max
    private(set) var bytes: [UInt8]

    /// Appends to `bytes`.
    init(appendingTo bytes: consuming [UInt8]) { self.bytes = bytes }

    var isExhausted: Bool { false }

    @inline(__always)
    mutating func code(_ bit: UInt32, probability: UInt32) -> UInt32 {
        let middle = low &+ UInt32(truncatingIfNeeded: (UInt64(high &- low) &* UInt64(probability)) >> 16)
        if bit != 0 { high = middle } else { low = middle &+ 1 }
        while (low ^ high) & 0xFF00_0000 == 0 {
            bytes.append(UInt8(truncatingIfNeeded: high >> 24))
            low <<= 8
            high = high << 8 | 0xFF
        }
        return bit
    }

    mutating func finish() {
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: low >> shift)) }
    }
}

/// The inverse of ``RangeEncoder``. Past the end it reads zeros, and says so.
struct RangeDecoder: BinaryCoder {
    private var low: UInt32 = 0
    private var high: UInt32 = .max
    private var value: UInt32 = 0
    private let bytes: [UInt8]
    /// What was read so far, counted from the beginning of `bytes`; beyond their end when it is exhausted.
    private(set) var position: Int

    /// - Parameter start: where the coded bytes begin; they reach to the end.
    init(_ bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        position = start
        for _ in 0..<4 { value = value << 8 | next() }
    }

    var isExhausted: Bool { position > bytes.count }

    private mutating func next() -> UInt32 {
        let byte: UInt32 = position < bytes.count ? UInt32(bytes[position]) : 0
        position += 1
        return byte
    }

    @inline(__always)
    mutating func code(_: UInt32, probability: UInt32) -> UInt32 {
        let middle = low &+ UInt32(truncatingIfNeeded: (UInt64(high &- low) &* UInt64(probability)) >> 16)
        let bit: UInt32 = value <= middle ? 1 : 0
        if bit != 0 { high = middle } else { low = middle &+ 1 }
        while (low ^ high) & 0xFF00_0000 == 0 {
            low <<= 8
            high = high << 8 | 0xFF
            value = value << 8 | next()
        }
        return bit
    }
}
