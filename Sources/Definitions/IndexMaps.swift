// SPDX-License-Identifier: Apache-2.0

extension [Int] {
    /// Distance between neighbours along each axis of a row-major array of this shape.
    var strides: [Int] {
        var strides = self
        var stride = 1
        for axis in indices.reversed() {
            strides[axis] = stride
            stride *= self[axis]
        }
        return strides
    }

    /// For each position of this shape, in row-major order, `Σ index[axis] · strides[axis]`.
    func positions(strides: [Int]) -> [Int] {
        var result = [0]
        for axis in indices {
            result = result.flatMap { base in (0..<self[axis]).map { base + $0 * strides[axis] } }
        }
        return result
    }

    /// For each position of `shape`, the position in an array of this shape that stretches to it.
    func positions(broadcastTo shape: [Int]) -> [Int] {
        let missing = shape.count - count
        let own = strides
        return shape.positions(strides: shape.indices.map { $0 < missing || self[$0 - missing] == 1 ? 0 : own[$0 - missing] })
    }

    /// For each position of an array whose axis *a* takes the indices `sources[a]` of this shape, its position here;
    /// −1 where an index is −1.
    func positions(selecting sources: [[Int]]) -> [Int] {
        var result = [0]
        for (axis, stride) in strides.enumerated() {
            result = result.flatMap { base in sources[axis].map { base < 0 || $0 < 0 ? -1 : base + $0 * stride } }
        }
        return result
    }

    /// The axes before and after `axis` as one each: an array of this shape is one of `[outer, self[axis], inner]`.
    func split(at axis: Int) -> (outer: Int, inner: Int) { (self[..<axis].reduce(1, *), self[(axis + 1)...].reduce(1, *)) }
}
