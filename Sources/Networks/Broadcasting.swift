// SPDX-License-Identifier: Apache-2.0

extension [Int] {
    /// The shape of an element-wise result, by numpy's rule: shapes are aligned at their last axis, an axis of size 1 stretches.
    /// `nil` where they don't fit.
    package func broadcast(with other: [Int]) -> [Int]? {
        let rank = Swift.max(count, other.count)
        var result: [Int] = []
        for axis in 0..<rank {
            let a = axis < rank - count ? 1 : self[axis - (rank - count)]
            let b = axis < rank - other.count ? 1 : other[axis - (rank - other.count)]
            guard a == b || a == 1 || b == 1 else { return nil }
            result.append(a == 1 ? b : a)
        }
        return result
    }

    /// Whether a tensor of this shape stretches to exactly `shape`.
    package func broadcasts(to shape: [Int]) -> Bool { broadcast(with: shape) == shape }
}
