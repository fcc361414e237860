// SPDX-License-Identifier: Apache-2.0

/// Copies pieces of other slots to their places in one slot.
struct CopyStep: Step {
    struct Piece: Sendable {
        var source: Slot
        var copy: StridedCopy
    }

    var pieces: [Piece]
    var destination: Slot
    /// Written to the whole destination before; `nil` where the pieces cover it.
    var fill: Fill?

    /// One element, repeated.
    struct Fill: Sendable {
        var bits: UInt64
        var size: Int
    }

    /// Units are as many equal shares of each piece. What is filled first isn't divided: the pieces come behind it.
    var partition: Partition
    static let shares = 64

    var parts: Int { partition.parts }
    var nanoseconds: Double { partition.nanoseconds }

    func run(parts range: Range<Int>, in memory: Memory, worker: Int) {
        let shares = partition.units(range, image: 0)
        unsafe memory.withUnsafeBytes(of: destination) { target in
            if let fill {
                switch fill.size {
                case 1: unsafe target.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: fill.bits))
                case 2: unsafe target.initializeMemory(as: UInt16.self, repeating: UInt16(truncatingIfNeeded: fill.bits))
                case 4: unsafe target.initializeMemory(as: UInt32.self, repeating: UInt32(truncatingIfNeeded: fill.bits))
                default: unsafe target.initializeMemory(as: UInt64.self, repeating: fill.bits)
                }
            }
            for piece in pieces {
                unsafe memory.withUnsafeBytes(of: piece.source) {
                    unsafe piece.copy.run(from: UnsafeRawBufferPointer($0), to: target, shares: shares, of: partition.units)
                }
            }
        }
    }
}
