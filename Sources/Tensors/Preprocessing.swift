// SPDX-License-Identifier: Apache-2.0

/// How the pixels of an image become the values of a network's input:
/// resize, crop, order the channels, then `value = (pixel · scale − mean[channel]) / deviation[channel]`.
package struct Preprocessing: Hashable, Sendable, Codable {
    package enum ChannelOrder: String, Hashable, Sendable, Codable { case rgb = "RGB", bgr = "BGR", gray = "GRAY" }

    package enum Resize: Hashable, Sendable, Codable {
        /// The image must have the network's size already, or is warped to it.
        case none
        /// The shorter side becomes `size`, the other keeps the aspect ratio.
        case shorterSide(Int)
        /// Both sides become the network's, whatever the aspect ratio.
        case warp
    }

    /// The network's input, in pixels.
    package var width: Int
    package var height: Int
    package var channelOrder: ChannelOrder
    /// Filter: bilinear, widened by the factor of reduction (antialiased).
    package var resize: Resize
    /// Factor of the 8-bit pixel, 1/255 or 1 as a rule.
    package var scale: Double
    /// One a channel, in the units of `pixel · scale`.
    package var mean: [Double]
    package var deviation: [Double]

    package init(
        width: Int, height: Int, channelOrder: ChannelOrder = .rgb, resize: Resize = .none, scale: Double = 1 / 255.0,
        mean: [Double], deviation: [Double]
    ) {
        self.width = width
        self.height = height
        self.channelOrder = channelOrder
        self.resize = resize
        self.scale = scale
        self.mean = mean
        self.deviation = deviation
    }

    package var channels: Int { channelOrder == .gray ? 1 : 3 }
    /// Of the pixels that a network's input is made of: rows of pixels of channels.
    package var imageShape: [Int] { [height, width, channels] }
    /// Of a network's input.
    package var inputShape: [Int] { [1, channels, height, width] }

    /// The network's input for each value of an 8-bit pixel of `channel`: 256 values, computed in double and rounded to float32 once.
    package func table(channel: Int) -> [Float] {
        (0..<256).map { Float((Double($0) * scale - mean[channel]) / deviation[channel]) }
    }

    /// Turns an input's pixels `[height, width, channels]` into those of its mirror image, left for right, in place.
    package func mirror(_ pixels: inout MutableSpan<UInt8>) {
        precondition(pixels.count == width * height * channels, "\(pixels.count) bytes for \(width) x \(height) pixels of \(channels) channels")
        for row in 0..<height {
            var left = row * width * channels
            var right = left + (width - 1) * channels
            while left < right {
                for channel in 0..<channels { pixels.swapAt(left + channel, right + channel) }
                left += channels
                right -= channels
            }
        }
    }
}
