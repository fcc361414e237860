// SPDX-License-Identifier: Apache-2.0
internal import CTurboJPEG

/// JPEG both ways, by libjpeg-turbo's TurboJPEG interface.
package enum JPEG {
    /// How much of the colour's resolution an encoder keeps.
    package enum Chroma: Hashable, Sendable {
        /// All of it (4:4:4).
        case full
        /// Half of it along the rows (4:2:2).
        case half
        /// Half of it along rows and columns (4:2:0).
        case quarter
    }

    /// Decodes a baseline or progressive JPEG of 8 bits, turned upright as its Exif orientation says.
    ///
    /// A grey file gives one channel; CMYK and YCCK files, taken as inverted in Adobe's way, give three. Data that ends too soon is an error, not an
    /// image with a grey rest.
    package static func decode(
        _ bytes: Span<UInt8>, name: String = "JPEG", limits: ImageLimits = .standard
    ) throws(ImageError) -> DecodedImage {
        let operation = "decode \(name)"
        let turbo = try TurboJPEG(.decompressor, operation: operation)
        let header = try turbo.header(bytes)
        try limits.check(width: header.width, height: header.height, operation: operation)
        let format: TJPF = header.isCMYK ? TJPF_CMYK : header.isGrey ? TJPF_GRAY : TJPF_RGB
        let channels = header.isCMYK ? 4 : header.isGrey ? 1 : 3
        var pixels = [UInt8](repeating: 0, count: header.width * header.height * channels)
        let warning = try turbo.decompress(bytes, width: header.width, height: header.height, format: format, into: &pixels)
        let markers = JPEGMarkers(bytes)
        if let warning, !markers.reachesEnd {
            throw ImageError(.truncated, operation, "the file ends before the image does, after \(bytes.count) bytes (\(warning))")
        }
        if header.isCMYK { pixels = rgb(fromInvertedCMYK: pixels) }
        let image = Image(width: header.width, height: header.height, channels: header.isGrey ? 1 : 3, pixels: pixels)
        return DecodedImage(image: image.turnedUpright(from: markers.orientation), format: .jpeg, warning: warning ?? header.warning)
    }

    package static func decode(
        _ bytes: [UInt8], name: String = "JPEG", limits: ImageLimits = .standard
    ) throws(ImageError) -> DecodedImage {
        try decode(bytes.span, name: name, limits: limits)
    }

    /// Encodes with the tables of the standard scaled to `quality`, 1 … 100, with the accurate integer transform.
    ///
    /// - Parameter chroma: of no effect on a grey image.
    package static func encode(_ image: Image, quality: Int, chroma: Chroma = .quarter) throws(ImageError) -> [UInt8] {
        precondition((1...100).contains(quality), "JPEG's quality is 1 … 100")
        let operation = "encode JPEG"
        guard image.width <= 65_500, image.height <= 65_500 else {
            throw ImageError(.tooLarge, operation, "\(image.width)×\(image.height) pixels; the format ends at 65500 a side")
        }
        let sampling: TJSAMP =
            if image.channels == 1 {
                TJSAMP_GRAY
            } else {
                switch chroma {
                case .full: TJSAMP_444
                case .half: TJSAMP_422
                case .quarter: TJSAMP_420
                }
            }
        return try TurboJPEG(.compressor, operation: operation).compress(image, quality: quality, sampling: sampling)
    }

    /// Adobe's files store 255 − ink; `out = paper − paper · ink / 255`, where paper is 255 − black.
    private static func rgb(fromInvertedCMYK pixels: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: pixels.count / 4 * 3)
        for pixel in 0..<pixels.count / 4 {
            let paper = Int(pixels[4 * pixel + 3])
            for channel in 0..<3 {
                let product = (255 - Int(pixels[4 * pixel + channel])) * paper + 128
                result[3 * pixel + channel] = UInt8(paper - (product + product >> 8) >> 8)
            }
        }
        return result
    }
}
