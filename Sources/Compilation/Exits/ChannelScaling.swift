// SPDX-License-Identifier: Apache-2.0

/// What brings the channels of features to a like size before a head learns from them: `(x − offset) · scale`. It becomes part of the head's first layer.
struct ChannelScaling: Hashable {
    var offsets: [Float]
    var scales: [Float]

    /// Of a channel over a typical one.
    private static let mostGain = 8.0

    /// To a mean of 0 and a variance of 1, so far as some images tell. A head with convolutions has no offsets: its border of zeros has to stay what it is.
    ///
    /// - Parameter images: each `[pixels, channels]`.
    init(of images: [[Float]], channels: Int, isCentred: Bool) {
        var sums = [Double](repeating: 0, count: channels)
        var squares = sums
        var count = 0
        for image in images {
            for (index, number) in image.enumerated() {
                sums[index % channels] += Double(number)
                squares[index % channels] += Double(number) * Double(number)
            }
            count += image.count / channels
        }
        let means = isCentred ? sums.map { $0 / Double(max(count, 1)) } : sums.map { _ in 0 }
        let deviations = zip(squares, means).map { square, mean in max(square / Double(max(count, 1)) - mean * mean, 0).squareRoot() }
        let typical = deviations.reduce(0, +) / Double(max(channels, 1))
        offsets = means.map { Float($0) }
        // A channel that hardly ever says anything isn't to be shouted: all channels share the 8 bits of one scale, in which it would be heard as noise.
        scales = deviations.map { Float(1 / max($0, typical / Self.mostGain, .leastNormalMagnitude)) }.map { $0.isFinite ? $0 : 0 }
    }

    /// - Parameters:
    ///   - images: `[pixels, channels]` from `first` on.
    ///   - count: of the elements; whole pixels.
    func apply(to images: inout [Float], from first: Int, count: Int) {
        precondition(first >= 0 && first + count <= images.count && count % scales.count == 0)
        unsafe images.withUnsafeMutableBufferPointer { images in
            for pixel in stride(from: first, to: first + count, by: scales.count) {
                for channel in scales.indices { unsafe images[pixel + channel] = (images[pixel + channel] - offsets[channel]) * scales[channel] }
            }
        }
    }
}
