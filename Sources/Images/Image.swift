// SPDX-License-Identifier: Apache-2.0

/// A picture of 8-bit samples: rows from the top, pixels from the left, the channels of a pixel side by side.
package struct Image: Hashable, Sendable {
    /// In pixels, at least 1.
    package let width: Int
    package let height: Int
    /// 3 (red, green, blue) or 1 (grey).
    package let channels: Int
    /// `width · height · channels` samples: sample `c` of pixel (x, y) is at `(y · width + x) · channels + c`.
    package let pixels: [UInt8]

    package init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && (channels == 3 || channels == 1), "an image has pixels of 1 or 3 channels")
        precondition(pixels.count == width * height * channels, "an image has width · height · channels samples")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// One colour everywhere.
    package init(width: Int, height: Int, channels: Int, filledWith sample: UInt8) {
        self.init(
            width: width, height: height, channels: channels, pixels: [UInt8](repeating: sample, count: width * height * channels))
    }

    package subscript(x x: Int, y y: Int, channel channel: Int) -> UInt8 { pixels[(y * width + x) * channels + channel] }
}
