// SPDX-License-Identifier: Apache-2.0

/// What decisions and symbols go through: an encoder writes the given one, a decoder ignores it and reads one. One model serves both.
protocol RangeCoder {
    /// - Parameters:
    ///   - bit: 0 or 1.
    ///   - probability: that the bit is 1, in 65,536ths; 1 … 65,535.
    /// - Returns: the bit that was written or read.
    mutating func code(bit: UInt32, probability: UInt32) -> UInt32

    /// - Parameters:
    ///   - symbol: 0 … 15.
    ///   - cumulative: the probabilities of each symbol and all before it, in 32,768ths: 1 or more, rising up to 32,768, and there from the
    ///     last symbol on.
    /// - Returns: the symbol that was written or read.
    mutating func code(symbol: Int, _ cumulative: SIMD16<UInt16>) -> Int

    /// Whether it read past the end of what there is: everything since is noise.
    var isExhausted: Bool { get }
}

/// An interval of integers is divided as the probabilities are, and what is coded says which part is next; its leading bytes are written as
/// soon as it is shorter than 2^24 (G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a digitised message", 1979).
/// Of the last four bytes the last three are ``tail``, and aren't written.
struct RangeEncoder: RangeCoder {
    /// Not 0: what is cut off shall read as something else than many times what is likely.
    static let tail: UInt8 = 0x5A

    /// The beginning of the interval, below 2^33: a carry into what is written already is bit 32.
    private var low: UInt64 = 0
    private var range: UInt32 = .max
    private(set) var bytes: [UInt8]

    /// Appends to `bytes`, of which there is at least one.
    init(appendingTo bytes: consuming [UInt8]) { self.bytes = bytes }

    var isExhausted: Bool { false }

    @inline(__always)
    mutating func code(bit: UInt32, probability: UInt32) -> UInt32 {
        let part = UInt32(truncatingIfNeeded: (UInt64(range) &* UInt64(probability)) &>> 16)
        if bit != 0 {
            range = part
        } else {
            low &+= UInt64(part)
            range &-= part
        }
        while range < 1 << 24 { writeByte() }
        return bit
    }

    @inline(__always)
    mutating func code(symbol: Int, _ cumulative: SIMD16<UInt16>) -> Int {
        let part = range &>> 15
        let before = symbol > 0 ? UInt32(cumulative[symbol &- 1]) : 0
        low &+= UInt64(part &* before)
        range = part &* (UInt32(cumulative[symbol]) &- before)
        while range < 1 << 24 { writeByte() }
        return symbol
    }

    private mutating func writeByte() {
        carry()
        bytes.append(UInt8(truncatingIfNeeded: low &>> 24))
        low = (low & 0xFF_FFFF) &<< 8
        range &<<= 8
    }

    @inline(__always)
    private mutating func carry() {
        guard low &>> 32 != 0 else { return }
        var position = bytes.count - 1
        while bytes[position] == 0xFF {
            bytes[position] = 0
            position -= 1
        }
        bytes[position] += 1
        low &= 0xFFFF_FFFF
    }

    mutating func finish() {
        low &+= (0x5A_5A5A &- low) & 0xFF_FFFF
        carry()
        bytes.append(UInt8(truncatingIfNeeded: low &>> 24))
    }
}

/// The inverse of ``RangeEncoder``. Past the end it reads ``RangeEncoder/tail``, and says when more than the three that aren't written are needed.
struct RangeDecoder: RangeCoder {
    /// Where in the interval the coded number lies.
    private var offset: UInt32 = 0
    private var range: UInt32 = .max
    private let bytes: [UInt8]
    private var next: Int

    /// - Parameter start: where the coded bytes begin; they reach to the end.
    init(_ bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        next = start
        for _ in 0..<4 { readByte() }
        range = .max
    }

    /// Where what was read ends; beyond the end of `bytes` when it is exhausted.
    var position: Int { next - 3 }

    var isExhausted: Bool { position > bytes.count }

    /// After the last symbol: whether what was read is the number that an encoder ends with, the first in the interval whose lower three
    /// bytes are the tail. Bytes that were cut off or damaged seldom leave it.
    var isAtEnd: Bool { offset < 1 << 24 && !isExhausted }

    private mutating func readByte() {
        let byte: UInt32 = next < bytes.count ? UInt32(bytes[next]) : UInt32(RangeEncoder.tail)
        next += 1
        offset = offset &<< 8 | byte
        range &<<= 8
    }

    @inline(__always)
    mutating func code(bit _: UInt32, probability: UInt32) -> UInt32 {
        let part = UInt32(truncatingIfNeeded: (UInt64(range) &* UInt64(probability)) &>> 16)
        let bit: UInt32 = offset < part ? 1 : 0
        if bit != 0 {
            range = part
        } else {
            offset &-= part
            range &-= part
        }
        while range < 1 << 24 { readByte() }
        return bit
    }

    @inline(__always)
    mutating func code(symbol _: Int, _ cumulative: SIMD16<UInt16>) -> Int {
        let part = range &>> 15
        // What lies behind the last part, where the division left a rest, belongs to no symbol: damage.
        let place = UInt16(truncatingIfNeeded: min(offset / part, 32_767))
        // Bit 15 of the difference: 1 where what ends there, at 1 … 32,768, is at most `place`.
        let symbol = Int(((cumulative &- (place &+ 1)) &>> 15).sumOfBits)
        let before = symbol > 0 ? UInt32(cumulative[symbol &- 1]) : 0
        offset &-= part &* before
        range = part &* (UInt32(cumulative[symbol]) &- before)
        while range < 1 << 24 { readByte() }
        return symbol
    }
}

extension SIMD16<UInt16> {
    /// The sum of lanes that are 0 or 1. What the library offers is a loop over the lanes.
    @inline(__always)
    fileprivate var sumOfBits: UInt64 {
        let eight = lowHalf &+ highHalf
        let four = eight.lowHalf &+ eight.highHalf
        return unsafe (unsafeBitCast(four, to: UInt64.self) &* 0x0001_0001_0001_0001) &>> 48
    }
}
