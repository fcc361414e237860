// SPDX-License-Identifier: Apache-2.0
internal import Inference
internal import Networks
internal import Tensors

/// What crosses a network at some depths for the images that heads learn from, channels last.
///
/// Kept in 8 bits with the range of each image, of as many images as fit into a limit; what crosses for the others is computed anew whenever it is read.
final class FeatureCache {
    /// An image in one of its views.
    struct Item: Hashable {
        var image: Int
        var view: Int
    }

    private struct Kept {
        /// Among the codes.
        var position: Int
        var least: Float
        var step: Float
    }

    private let executor: Executor
    private let depths: [ExitDepth]
    private let images: ExitImages
    /// One a depth.
    private var kept: [Item: [Kept]] = [:]
    private var codes: [UInt8] = []
    private var features: [Float]

    /// - Parameters:
    ///   - executor: loaded for cuts at the depths' positions.
    ///   - depths: with rising positions.
    init(_ executor: Executor, depths: [ExitDepth], images: ExitImages) {
        (self.executor, self.depths, self.images) = (executor, depths, images)
        features = Array(repeating: 0, count: depths.map(\.count).max() ?? 0)
    }

    /// Computes items, in order, until `limit` bytes are kept.
    func fill(_ items: [Item], limit: Int, progress: (Int, Int) -> Void) throws {
        let bytes = depths.reduce(0) { $0 + $1.count }
        let count = min(items.count, limit / max(bytes, 1))
        codes = []
        codes.reserveCapacity(count * bytes)
        for (index, item) in items.prefix(count).enumerated() {
            try begin(item)
            var position = 0
            kept[item] = try depths.map { depth in
                try compute(depth, of: item, from: position)
                position = depth.position
                return keep(depth.count)
            }
            progress(index + 1, count)
        }
    }

    private func keep(_ count: Int) -> Kept {
        var (least, most) = (Float.infinity, -Float.infinity)
        for index in 0..<count { (least, most) = (min(least, features[index]), max(most, features[index])) }
        let step = max((most - least) / 255, .leastNormalMagnitude)
        let position = codes.count
        for index in 0..<count { codes.append(UInt8(min(((features[index] - least) / step).rounded(), 255))) }
        return Kept(position: position, least: least, step: step)
    }

    /// Puts an item's features `[h, w, c]` at a depth into `target`, from `first` on.
    func read(_ item: Item, at depth: Int, into target: inout [Float], from first: Int) throws {
        let count = depths[depth].count
        precondition(first >= 0 && first + count <= target.count)
        guard let place = kept[item]?[depth] else {
            try begin(item)
            try compute(depths[depth], of: item, from: 0)
            for index in 0..<count { target[first + index] = features[index] }
            return
        }
        unsafe codes.withUnsafeBufferPointer { codes in
            unsafe target.withUnsafeMutableBufferPointer { target in
                for index in 0..<count { unsafe target[first + index] = place.least + place.step * Float(codes[place.position + index]) }
            }
        }
    }

    private func begin(_ item: Item) throws {
        let pixels = images.pixels(of: item.image, view: item.view)
        try executor.begin(pixels: pixels.span)
    }

    /// Goes on to a depth and puts what crosses there into ``features``.
    private func compute(_ depth: ExitDepth, of item: Item, from position: Int) throws {
        try executor.run(segment: position..<depth.position)
        let crossing = try executor.crossingTensors(at: depth.position)
        let area = depth.height * depth.width
        crossing[0].withElements(of: Float.self) { numbers in
            for channel in 0..<depth.channels {
                for pixel in 0..<area { features[pixel * depth.channels + channel] = numbers[channel * area + pixel] }
            }
        }
        guard features[..<depth.count].allSatisfy(\.isFinite) else {
            throw CompilationError("a head after \(depth.position) nodes", "what it would read isn't a finite number for image \(item.image)")
        }
    }
}
