// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

/// The order in which a kernel wants the elements of a value.
package enum Layout: Hashable, Sendable {
    /// Logical order, the last axis innermost.
    case rowMajor
    /// `[n, c, spatial…]` stored as `[n, spatial…, c]`. The same as row-major below rank 3.
    case channelsLast
}

/// Where the elements of a value lie in a slot: element `[i, j, …]` at `offset + i · strides[0] + j · strides[1] + …`, in elements.
///
/// Reshaping, transposing and slicing make another geometry of the same slot; nothing is copied until a kernel needs another order.
package struct Geometry: Hashable, Sendable {
    package private(set) var shape: [Int]
    package private(set) var strides: [Int]
    package private(set) var offset: Int

    package init(shape: [Int], layout: Layout) {
        self.shape = shape
        offset = 0
        strides = Array(repeating: 0, count: shape.count)
        var stride = 1
        for axis in Self.storageOrder(rank: shape.count, layout).reversed() {
            strides[axis] = stride
            stride *= shape[axis]
        }
    }

    package var count: Int { shape.elementCount }

    /// Elements from one pixel to the next where images lie channels-last, at whatever start, with gaps between pixels at most; otherwise `nil`.
    package var pixelStep: Int? {
        guard shape.count >= 3, count > 0, shape[1] == 1 || strides[1] == 1 else { return nil }
        let axes = ((2..<shape.count).reversed() + [0]).filter { shape[$0] != 1 }
        guard let innermost = axes.first else { return shape[1] }
        let step = strides[innermost]
        var pixels = 1
        for axis in axes {
            guard strides[axis] == step * pixels else { return nil }
            pixels *= shape[axis]
        }
        return step >= shape[1] ? step : nil
    }

    /// The elements lie without gaps from the start of the slot, in the order of `layout`.
    package func isContiguous(_ layout: Layout) -> Bool {
        guard offset == 0 else { return false }
        let wanted = Geometry(shape: shape, layout: layout)
        return shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == wanted.strides[$0] } || count == 0
    }

    /// The elements lie without gaps from the start of the slot, in whatever order of axes.
    package var isDense: Bool {
        guard offset == 0, count > 0 else { return false }
        var stride = 1
        for axis in shape.indices.filter({ shape[$0] != 1 }).sorted(by: { strides[$0] < strides[$1] }) {
            guard strides[axis] == stride else { return false }
            stride *= shape[axis]
        }
        return true
    }

    /// - Precondition: `permutation` is one of the axes.
    package func transposed(_ permutation: [Int]) -> Geometry {
        var result = self
        result.shape = permutation.map { shape[$0] }
        result.strides = permutation.map { strides[$0] }
        return result
    }

    /// - Precondition: each range lies inside its axis.
    package func sliced(_ ranges: [SliceRange]) -> Geometry {
        var result = self
        for range in ranges where range.count > 0 {
            result.offset += range.start * strides[range.axis]
            result.strides[range.axis] = strides[range.axis] * range.step
        }
        for range in ranges { result.shape[range.axis] = range.count }
        return result
    }

    /// `shape` as numpy broadcasts to it: repeated axes get stride 0. `nil` where that isn't possible.
    package func broadcast(to target: [Int]) -> Geometry? {
        let missing = target.count - shape.count
        guard missing >= 0 else { return nil }
        var result = self
        result.shape = target
        result.strides = Array(repeating: 0, count: target.count)
        for axis in shape.indices where shape[axis] == target[missing + axis] {
            result.strides[missing + axis] = shape[axis] == 1 ? 0 : strides[axis]
        }
        for axis in shape.indices where shape[axis] != target[missing + axis] && shape[axis] != 1 { return nil }
        return result
    }

    /// The same elements in logical order under another shape, without moving them; `nil` where strides can't express it.
    ///
    /// - Precondition: `target` has as many elements.
    package func reshaped(_ target: [Int]) -> Geometry? {
        guard target != shape else { return self }
        guard count > 0 else { return Geometry(shape: target, layout: .rowMajor) }
        let old = shape.indices.filter { shape[$0] != 1 }
        let new = target.indices.filter { target[$0] != 1 }
        var result = self
        result.shape = target
        result.strides = Array(repeating: 0, count: target.count)
        var from = 0
        var to = 0
        while from < old.count && to < new.count {
            var fromEnd = from + 1
            var toEnd = to + 1
            var oldCount = shape[old[from]]
            var newCount = target[new[to]]
            while oldCount != newCount {
                if oldCount < newCount {
                    oldCount *= shape[old[fromEnd]]
                    fromEnd += 1
                } else {
                    newCount *= target[new[toEnd]]
                    toEnd += 1
                }
            }
            for index in from..<(fromEnd - 1) where strides[old[index]] != strides[old[index + 1]] * shape[old[index + 1]] {
                return nil
            }
            var stride = strides[old[fromEnd - 1]]
            for index in (to..<toEnd).reversed() {
                result.strides[new[index]] = stride
                stride *= target[new[index]]
            }
            from = fromEnd
            to = toEnd
        }
        return result
    }

    /// The first and the last position that an element has; `nil` where there are none.
    package var extent: ClosedRange<Int>? {
        guard count > 0 else { return nil }
        var low = offset
        var high = offset
        for axis in shape.indices {
            let reach = (shape[axis] - 1) * strides[axis]
            if reach < 0 { low += reach } else { high += reach }
        }
        return low...high
    }

    private static func storageOrder(rank: Int, _ layout: Layout) -> [Int] {
        guard layout == .channelsLast, rank > 2 else { return Array(0..<rank) }
        return [0] + Array(2..<rank) + [1]
    }
}
