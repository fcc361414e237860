// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Copies the elements of one geometry to the places of another of the same shape: every transposition, change of layout,
/// slice, split and concatenation that can't be avoided.
struct StridedCopy: Sendable {
    private struct Axis: Sendable {
        var count: Int
        /// In bytes.
        var source: Int
        var destination: Int
    }

    private let elementSize: Int
    private let axes: [Axis]
    private let sourceStart: Int
    private let destinationStart: Int
    private let sourceBytes: Int
    private let destinationBytes: Int
    private let isEmpty: Bool

    /// - Precondition: the shapes are equal; `elementSize` is 1, 2, 4 or 8; the places of `destination` are distinct.
    init(from source: Geometry, to destination: Geometry, elementSize: Int) {
        precondition(source.shape == destination.shape, "a copy between different shapes")
        self.elementSize = elementSize
        isEmpty = source.count == 0
        sourceStart = source.offset * elementSize
        destinationStart = destination.offset * elementSize
        sourceBytes = ((source.extent?.upperBound ?? -1) + 1) * elementSize
        destinationBytes = ((destination.extent?.upperBound ?? -1) + 1) * elementSize
        precondition((source.extent?.lowerBound ?? 0) >= 0 && (destination.extent?.lowerBound ?? 0) >= 0, "a copy before a buffer")
        let order = source.shape.indices.filter { source.shape[$0] != 1 }
            .sorted { abs(destination.strides[$0]) > abs(destination.strides[$1]) }
        var merged: [Axis] = []
        for axis in order {
            let next = Axis(
                count: source.shape[axis], source: source.strides[axis] * elementSize,
                destination: destination.strides[axis] * elementSize)
            if let last = merged.last, last.source == next.source * next.count, last.destination == next.destination * next.count {
                merged[merged.count - 1] = Axis(count: last.count * next.count, source: next.source, destination: next.destination)
            } else {
                merged.append(next)
            }
        }
        while merged.count < 2 { merged.insert(Axis(count: 1, source: 0, destination: 0), at: 0) }
        axes = merged
    }

    /// Of what is copied.
    var bytes: Int { isEmpty ? 0 : axes.reduce(elementSize) { $0 * $1.count } }

    /// Copies some of so many shares of about the same size; by default all.
    ///
    /// - Precondition: both buffers reach as far as the geometries do.
    func run(from source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer, shares: Range<Int> = 0..<1, of count: Int = 1) {
        precondition(source.count >= sourceBytes && destination.count >= destinationBytes, "a copy beyond a buffer")
        guard !isEmpty, let from = source.baseAddress, let to = destination.baseAddress else { return }
        let outermost = axes[0].count
        let range = shares.lowerBound * outermost / count..<shares.upperBound * outermost / count
        unsafe copy(axis: 0, range, from: from + sourceStart, to: to + destinationStart)
    }

    private func copy(axis: Int, _ range: Range<Int>, from: UnsafeRawPointer, to: UnsafeMutableRawPointer) {
        let outer = axes[axis]
        let (source, destination) = unsafe (from + range.lowerBound * outer.source, to + range.lowerBound * outer.destination)
        if axis + 2 == axes.count {
            let part = Axis(count: range.count, source: outer.source, destination: outer.destination)
            unsafe copyPlane(part, axes[axis + 1], from: source, to: destination)
        } else {
            for index in 0..<range.count {
                unsafe copy(
                    axis: axis + 1, 0..<axes[axis + 1].count, from: source + index * outer.source, to: destination + index * outer.destination)
            }
        }
    }

    private func copyPlane(_ outer: Axis, _ inner: Axis, from: UnsafeRawPointer, to: UnsafeMutableRawPointer) {
        if inner.source == elementSize && inner.destination == elementSize {
            for row in 0..<outer.count {
                unsafe memcpy(to + row * outer.destination, from + row * outer.source, inner.count * elementSize)
            }
            return
        }
        if elementSize == 1, inner.count == 2, inner.destination == 1, outer.destination == 2, outer.source == 1 {
            unsafe interleave(from, from + inner.source, to: to, count: outer.count)
            return
        }
        if elementSize == 4, inner.count == 3, inner.destination == 4, outer.destination == 12, outer.source == 4 {
            unsafe interleave(from, from + inner.source, from + 2 * inner.source, to: to, count: outer.count)
            return
        }
        switch elementSize {
        case 1: unsafe copyElements(UInt8.self, outer, inner, from: from, to: to)
        case 2: unsafe copyElements(UInt16.self, outer, inner, from: from, to: to)
        case 4: unsafe copyElements(UInt32.self, outer, inner, from: from, to: to)
        default: unsafe copyElements(UInt64.self, outer, inner, from: from, to: to)
        }
    }

    @inline(__always)
    private func copyElements<Element: BitwiseCopyable>(
        _: Element.Type, _ outer: Axis, _ inner: Axis, from: UnsafeRawPointer, to: UnsafeMutableRawPointer
    ) {
        for row in 0..<outer.count {
            var source = unsafe from + row * outer.source
            var destination = unsafe to + row * outer.destination
            for _ in 0..<inner.count {
                unsafe destination.storeBytes(of: source.load(as: Element.self), as: Element.self)
                unsafe source += inner.source
                unsafe destination += inner.destination
            }
        }
    }

    /// The elements of two rows in turn, as the channel shuffle of two groups puts them: a loop for vectors.
    private func interleave(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, to: UnsafeMutableRawPointer, count: Int) {
        let (a, b) = unsafe (a.assumingMemoryBound(to: UInt8.self), b.assumingMemoryBound(to: UInt8.self))
        let pairs = unsafe to.assumingMemoryBound(to: UInt8.self)
        for index in 0..<count {
            unsafe pairs[2 &* index] = a[index]
            unsafe pairs[2 &* index &+ 1] = b[index]
        }
    }

    /// The elements of three rows in turn, as the colours of a float image come in.
    private func interleave(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeRawPointer, to: UnsafeMutableRawPointer, count: Int) {
        let (a, b) = unsafe (a.assumingMemoryBound(to: UInt32.self), b.assumingMemoryBound(to: UInt32.self))
        let c = unsafe c.assumingMemoryBound(to: UInt32.self)
        let triples = unsafe to.assumingMemoryBound(to: UInt32.self)
        for index in 0..<count {
            unsafe triples[3 &* index] = a[index]
            unsafe triples[3 &* index &+ 1] = b[index]
            unsafe triples[3 &* index &+ 2] = c[index]
        }
    }
}
