// SPDX-License-Identifier: Apache-2.0

/// int8 weights `[o, i, kh, kw]` of a convolution in one group, in the order in which most kernels read them, so that a mapped file needs no
/// packing: `[⌈o / 16⌉][kh][⌈kw · i / 4⌉][16][4]`, element `(o, i, y, x)` at panel o / 16, row y, block k / 4, column o mod 16, lane k mod 4, where
/// `k = x · inputs + i`. What no weight fills is 0.
package struct PackedWeights: Sendable {
    /// `[o, i, kh, kw]`.
    package let shape: [Int]
    /// The packed bytes.
    package let storage: TensorStorage

    private static let columns = 16
    private static let lanes = 4

    /// Takes packed bytes as they are; `nil` where `shape` needs another number of them.
    package init?(shape: [Int], storage: TensorStorage) {
        // No more weights than bytes: nothing overflows behind this.
        guard shape.count == 4, shape.allSatisfy({ $0 > 0 }), let count = shape.checkedElementCount, count <= storage.count,
            Self.packedShape(of: shape).elementCount == storage.count
        else { return nil }
        self.shape = shape
        self.storage = storage
    }

    /// Packs int8 weights.
    ///
    /// - Precondition: rank 4, no size is 0.
    package init(_ weights: Tensor) {
        let shape = weights.shape
        precondition(weights.type == .int8 && shape.count == 4 && shape.allSatisfy { $0 > 0 })
        self.shape = shape
        storage = unsafe TensorStorage(count: Self.packedShape(of: shape).elementCount) { packed in
            unsafe packed.initializeMemory(as: UInt8.self, repeating: 0)
            unsafe weights.storage.withUnsafeBytes { canonical in
                Self.walk(shape) { from, to in unsafe packed[to] = canonical[from] }
            }
        }
    }

    /// The shape under which the packed bytes stand in a file.
    package var packedShape: [Int] { Self.packedShape(of: shape) }

    private static func packedShape(of shape: [Int]) -> [Int] {
        [(shape[0] + columns - 1) / columns, shape[2], (shape[3] * shape[1] + lanes - 1) / lanes, columns, lanes]
    }

    /// Writes the weights in canonical order.
    ///
    /// - Precondition: `canonical` holds as many bytes as `shape` has elements.
    func unpack(into canonical: UnsafeMutableRawBufferPointer) {
        precondition(canonical.count == shape.elementCount)
        unsafe storage.withUnsafeBytes { packed in
            if shape[2] == 1 && shape[3] == 1 {
                unsafe unpackPoints(packed, into: canonical)
            } else {
                Self.walk(shape) { to, from in unsafe canonical[to] = packed[from] }
            }
        }
    }

    /// 1×1: the lanes of a block are neighbours on both sides.
    private func unpackPoints(_ packed: UnsafeRawBufferPointer, into canonical: UnsafeMutableRawBufferPointer) {
        let inputs = shape[1]
        let blocks = (inputs + Self.lanes - 1) / Self.lanes
        let step = Self.columns * Self.lanes
        for output in 0..<shape[0] {
            var from = (output / Self.columns * blocks * Self.columns + output % Self.columns) * Self.lanes
            var to = output * inputs
            let end = to + inputs
            while to + Self.lanes <= end {
                unsafe canonical.storeBytes(of: packed.loadUnaligned(fromByteOffset: from, as: UInt32.self), toByteOffset: to, as: UInt32.self)
                from += step
                to += Self.lanes
            }
            for lane in 0..<end - to { unsafe canonical[to + lane] = packed[from + lane] }
        }
    }

    /// Calls `body` with the positions of each weight in canonical and in packed order.
    @inline(__always)
    private static func walk(_ shape: [Int], _ body: (_ canonical: Int, _ packed: Int) -> Void) {
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
