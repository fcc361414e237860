// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// An image as it is sent.
package struct EncodedImage: Hashable, Sendable {
    package var format: ImageFormat
    package var width: Int
    package var height: Int
    package var bytes: [UInt8]
}

extension UploadForm {
    /// Resizes and encodes.
    ///
    /// - Precondition: the form has no ``contradiction``.
    package func encode(_ image: Image) throws(ImageError) -> EncodedImage {
        let sized = sized(image)
        switch encoding {
        case .jpeg(let quality, let fullColour):
            let bytes = try JPEG.encode(sized, quality: quality, chroma: fullColour ? .full : .quarter)
            return EncodedImage(format: .jpeg, width: sized.width, height: sized.height, bytes: bytes)
        case .png:
            return EncodedImage(format: .png, width: sized.width, height: sized.height, bytes: try PNG.encode(sized))
        }
    }

    private func sized(_ image: Image) -> Image {
        switch size {
        case .original: return image
        case .shorterSide(let side): return Self.reduced(image, to: side)
        case .square(let side):
            let reduced = Self.reduced(image, to: side)
            let square = min(reduced.width, reduced.height)
            return reduced.centreCropped(width: square, height: square)
        case .exactly(let width, let height):
            return image.width < width || image.height < height ? image : image.resized(width: width, height: height)
        }
    }

    /// The longer side is cut off to an integer, as the preprocessing does, so that it finds nothing left to resize.
    private static func reduced(_ image: Image, to side: Int) -> Image {
        guard min(image.width, image.height) > side else { return image }
        return image.width <= image.height
            ? image.resized(width: side, height: side * image.height / image.width) : image.resized(width: side * image.width / image.height, height: side)
    }
}
