// SPDX-License-Identifier: Apache-2.0

/// Small signed integers of 2, 3 or 4 bits, without gaps between them.
///
/// Number `i` plus `2ᵇ⁻¹` stands in bits `i · b ..< (i + 1) · b` of the bytes, counted from the lowest bit of the first byte; what is left of the last byte is 0.
package struct BitPackedWeights: Sendable {
    /// Bits of one number.
    package enum Width: Int, CaseIterable, Hashable, Sendable {
        case two = 2
        case three = 3
        case four = 4

        /// The numbers that have room: `−2ᵇ⁻¹ … 2ᵇ⁻¹ − 1`.
        package var range: ClosedRange<Int8> { Int8(-offset)...Int8(offset - 1) }

        fileprivate var offset: Int { 1 << (rawValue - 1) }

        /// Bytes of `count` numbers; `nil` where that overflows.
        package func bytes(for count: Int) -> Int? {
            let (groups, rest) = count.quotientAndRemainder(dividingBy: 8)
            let (whole, overflow) = groups.multipliedReportingOverflow(by: rawValue)
            return overflow || count < 0 ? nil : whole + (rest * rawValue + 7) / 8
        }

        /// The fewest bits that hold all of `numbers`; `nil` where 4 are too few.
        package init?(holding numbers: Span<Int8>) {
            var (least, greatest) = (Int8(0), Int8(0))
            for index in numbers.indices {
                least = min(least, numbers[index])
                greatest = max(greatest, numbers[index])
            }
            guard let width = Self.allCases.first(where: { $0.range.contains(least) && $0.range.contains(greatest) }) else { return nil }
            self = width
        }
    }

    package let width: Width
    /// How many numbers.
    package let count: Int
    /// The packed bytes.
    package let storage: TensorStorage

    /// Takes packed bytes as they are; `nil` where `count` numbers need another number of them.
    package init?(width: Width, count: Int, storage: TensorStorage) {
        guard width.bytes(for: count) == storage.count else { return nil }
        self.width = width
        self.count = count
        self.storage = storage
    }

    /// - Precondition: each number is in the range of `width`.
    package init(_ numbers: Span<Int8>, width: Width) {
        self.width = width
        count = numbers.count
        guard let bytes = width.bytes(for: numbers.count) else { preconditionFailure("more numbers than memory holds") }
        storage = unsafe TensorStorage(count: bytes) { packed in
            for group in 0..<(numbers.count + 7) / 8 {
                var word: UInt32 = 0
                for index in group * 8..<min(group * 8 + 8, numbers.count) {
                    precondition(width.range.contains(numbers[index]), "a number of more bits")
                    word |= UInt32(Int(numbers[index]) + width.offset) << UInt32((index - group * 8) * width.rawValue)
                }
                for position in group * width.rawValue..<min((group + 1) * width.rawValue, bytes) {
                    unsafe packed[position] = UInt8(truncatingIfNeeded: word >> UInt32((position - group * width.rawValue) * 8))
                }
            }
        }
    }

    /// Writes the numbers, a byte each.
    ///
    /// - Precondition: `numbers` holds `count` bytes.
    func unpack(into numbers: UnsafeMutableRawBufferPointer) {
        precondition(numbers.count == count)
        let (bits, offset) = (width.rawValue, width.offset)
        let mask = UInt32(1) << UInt32(bits) - 1
        unsafe storage.withUnsafeBytes { packed in
            for group in 0..<(count + 7) / 8 {
                var word: UInt32 = 0
                for position in group * bits..<min((group + 1) * bits, packed.count) {
                    unsafe word |= UInt32(packed[position]) << UInt32((position - group * bits) * 8)
                }
                for index in group * 8..<min(group * 8 + 8, count) {
                    unsafe numbers[index] = UInt8(truncatingIfNeeded: Int(word & mask) - offset)
                    word >>= UInt32(bits)
                }
            }
        }
    }
}
