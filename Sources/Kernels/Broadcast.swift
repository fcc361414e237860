// SPDX-License-Identifier: Apache-2.0
internal import CKernels
internal import Tensors

/// The loops that broadcast two tensors against each other, and how many elements each side reaches over.
struct Broadcast {
    let loops: broadcast
    let aCount: Int
    let bCount: Int
    let outputCount: Int

    /// - Parameter aStep, bStep, outputStep: as for ``QuantizedBinary``.
    /// - Precondition: the shapes broadcast, aren't empty and alternate at most seven times between axes that are and aren't repeated;
    ///   steps are at least as large as the last axis.
    init(_ a: [Int], _ b: [Int], aStep: Int?, bStep: Int?, outputStep: Int?) {
        precondition(a.allSatisfy { $0 > 0 } && b.allSatisfy { $0 > 0 }, "an empty tensor")
        let rank = max(a.count, b.count)
        let first = Array(repeating: 1, count: rank - a.count) + a
        let second = Array(repeating: 1, count: rank - b.count) + b
        let output = zip(first, second).map { max($0, $1) }
        func count(_ shape: [Int], _ step: Int?) -> Int {
            let rows = PixelRows(channels: shape.last ?? 1, step: step)
            return rows.elements(pixels: shape.dropLast().reduce(1, *))
        }
        (aCount, bCount, outputCount) = (count(first, aStep), count(second, bStep), count(output, outputStep))
        var loops = broadcast()
        let fits = unsafe broadcast_make(
            &loops, rank, first, second, broadcast_steps(a: aStep ?? 0, b: bStep ?? 0, output: outputStep ?? 0))
        precondition(fits, "the shapes \(a) and \(b) don't broadcast")
        self.loops = loops
    }
}
