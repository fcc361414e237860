// SPDX-License-Identifier: Apache-2.0

/// How large an image from outside may be. Checked on the header, before any memory is reserved for pixels.
package struct ImageLimits: Hashable, Sendable {
    /// Of width and of height, in pixels.
    package var maximumSide: Int
    /// Of width · height.
    package var maximumPixels: Int

    package init(maximumSide: Int = 16_384, maximumPixels: Int = 1 << 25) {
        self.maximumSide = maximumSide
        self.maximumPixels = maximumPixels
    }

    package static let standard = ImageLimits()

    /// Throws when `width` × `height` is empty or beyond the limits.
    package func check(width: Int, height: Int, operation: String) throws(ImageError) {
        guard width > 0, height > 0 else { throw ImageError(.damaged, operation, "the image has no pixels (\(width)×\(height))") }
        guard width <= maximumSide, height <= maximumSide, width <= maximumPixels / height else {
            throw ImageError(
                .tooLarge, operation,
                "\(width)×\(height) pixels; the limits are \(maximumSide) a side and \(maximumPixels) in all")
        }
    }
}
