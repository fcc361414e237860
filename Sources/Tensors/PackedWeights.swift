// SPDX-License-Identifier: Apache-2.0

/// Weights `[o, i, kh, kw]` of a convolution in one group, in the order in which most kernels read them, so that a mapped file needs no packing: blocks of
/// four bytes, which are four int8 numbers or one float32 number. `[⌈o / 16⌉][kh][⌈kw · i / n⌉][16][n]` with n numbers a block, element `(o, i, y, x)` at panel
/// o / 16, row y, block k / n, column o mod 16, lane k mod n, where `k = x · inputs + i`. What no weight fills is 0.
package struct PackedWeights: Sendable {
    /// `int8` or `float32`.
    package let type: ElementType
    /// `[o, i, kh, kw]`.
    package let shape: [Int]
    /// The packed bytes.
    package let storage: TensorStorage

    private static let columns = 16
    private static let blockBytes = 4

    /// Takes packed bytes as they are; `nil` where `type` has no packed form or `shape` needs another number of bytes.
    package init?(type: ElementType, shape: [Int], storage: TensorStorage) {
        // No more weights than bytes: nothing overflows behind this.
        guard Self.packs(type), shape.count == 4, shape.allSatisfy({ $0 > 0 }), let count = shape.checkedElementCount, count <= storage.count,
            Self.packedShape(of: shape, type).elementCount * type.size == storage.count
        else { return nil }
        self.type = type
        self.shape = shape
        self.storage = storage
    }

    /// Packs weights.
    ///
    /// - Precondition: int8 or float32, rank 4, no size is 0.
    package init(_ weights: Tensor) {
        let (type, shape) = (weights.type, weights.shape)
        precondition(Self.packs(type) && shape.count == 4 && shape.allSatisfy { $0 > 0 })
        self.type = type
        self.shape = shape
        storage = unsafe TensorStorage(count: Self.packedShape(of: shape, type).elementCount * type.size) { packed in
            unsafe packed.initializeMemory(as: UInt8.self, repeating: 0)
            unsafe weights.storage.withUnsafeBytes { canonical in
                Self.walk(shape, lanes: Self.lanes(type)) { from, to in unsafe packed.copyElement(to, from: canonical, from, type) }
            }
        }
    }

    private static func packs(_ type: ElementType) -> Bool { type == .int8 || type == .float32 }
    private static func lanes(_ type: ElementType) -> Int { blockBytes / type.size }

    /// The shape under which the packed numbers stand in a file.
    package var packedShape: [Int] { Self.packedShape(of: shape, type) }

    private static func packedShape(of shape: [Int], _ type: ElementType) -> [Int] {
        let lanes = lanes(type)
        return [(shape[0] + columns - 1) / columns, shape[2], (shape[3] * shape[1] + lanes - 1) / lanes, columns, lanes]
    }

    /// Writes the weights in canonical order.
    ///
    /// - Precondition: `canonical` holds as many bytes as the weights.
    func unpack(into canonical: UnsafeMutableRawBufferPointer) {
        precondition(canonical.count == shape.elementCount * type.size)
        unsafe storage.withUnsafeBytes { packed in
            if shape[2] == 1 && shape[3] == 1 {
                unsafe unpackPoints(packed, into: canonical)
            } else {
                Self.walk(shape, lanes: Self.lanes(type)) { to, from in unsafe canonical.copyElement(to, from: packed, from, type) }
            }
        }
    }

    /// 1×1: the lanes of a block are neighbours on both sides.
    private func unpackPoints(_ packed: UnsafeRawBufferPointer, into canonical: UnsafeMutableRawBufferPointer) {
        let rowBytes = shape[1] * type.size
        let blocks = (rowBytes + Self.blockBytes - 1) / Self.blockBytes
        let step = Self.columns * Self.blockBytes
        for output in 0..<shape[0] {
            var from = (output / Self.columns * blocks * Self.columns + output % Self.columns) * Self.blockBytes
            var to = output * rowBytes
            let end = to + rowBytes
            while to + Self.blockBytes <= end {
                unsafe canonical.storeBytes(of: packed.loadUnaligned(fromByteOffset: from, as: UInt32.self), toByteOffset: to, as: UInt32.self)
                from += step
                to += Self.blockBytes
            }
            for byte in 0..<end - to { unsafe canonical[to + byte] = packed[from + byte] }
        }
    }

    /// Calls `body` with the positions of each weight in canonical and in packed order.
    @inline(__always)
    private static func walk(_ shape: [Int], lanes: Int, _ body: (_ canonical: Int, _ packed: Int) -> Void) {
        let (outputs, inputs, height, width) = (shape[0], shape[1], shape[2], shape[3])
        let blocks = (width * inputs + lanes - 1) / lanes
        for output in 0..<outputs {
            for y in 0..<height {
                let row = ((output / columns * height + y) * blocks * columns + output % columns) * lanes
                var k = 0
                for x in 0..<width {
                    var canonical = (output * inputs * height + y) * width + x
                    for _ in 0..<inputs {
                        body(canonical, row &+ k / lanes &* (columns * lanes) &+ k % lanes)
                        canonical &+= height &* width
                        k &+= 1
                    }
                }
            }
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// One number of 1 or 4 bytes, by its position among such numbers.
    @inline(__always)
    fileprivate func copyElement(_ position: Int, from source: UnsafeRawBufferPointer, _ sourcePosition: Int, _ type: ElementType) {
        if type.size == 1 {
            unsafe self[position] = source[sourcePosition]
        } else {
            unsafe storeBytes(of: source.load(fromByteOffset: 4 * sourcePosition, as: UInt32.self), toByteOffset: 4 * position, as: UInt32.self)
        }
    }
}
