// SPDX-License-Identifier: Apache-2.0
internal import CPNG

/// PNG both ways, by libpng's simplified interface (libpng manual, section V), in which no error leaves the library by a long jump.
package enum PNG {
    /// Decodes any PNG to 8 bits a sample in the sRGB transfer function; transparency is dropped, not blended.
    ///
    /// A grey file gives one channel, every other three.
    package static func decode(
        _ bytes: Span<UInt8>, name: String = "PNG", limits: ImageLimits = .standard
    ) throws(ImageError) -> DecodedImage {
        let operation = "decode \(name)"
        var control = unsafe png_image()
        unsafe control.version = png_uint_32(PNG_IMAGE_VERSION)
        defer { unsafe png_image_free(&control) }
        // The data stays in place until finish_read: the library keeps its address between the two calls.
        let outcome: Result<DecodedImage, ImageError> = unsafe bytes.withUnsafeBytes { source in
            guard unsafe png_image_begin_read_from_memory(&control, source.baseAddress, source.count) != 0 else {
                return .failure(unsafe error(control, operation, bytes))
            }
            let width = unsafe Int(control.width)
            let height = unsafe Int(control.height)
            do throws(ImageError) {
                try limits.check(width: width, height: height, operation: operation)
            } catch {
                return .failure(error)
            }
            let wanted = png_uint_32(PNG_FORMAT_FLAG_COLOR) | png_uint_32(PNG_FORMAT_FLAG_ALPHA)
            unsafe control.format &= wanted
            unsafe control.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
            let colours = unsafe control.format & png_uint_32(PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1
            let stored = unsafe colours + (control.format & png_uint_32(PNG_FORMAT_FLAG_ALPHA) != 0 ? 1 : 0)
            var samples = [UInt8](repeating: 0, count: width * height * stored)
            let status = unsafe samples.withUnsafeMutableBytes {
                unsafe png_image_finish_read(&control, nil, $0.baseAddress, png_int_32(width * stored), nil)
            }
            guard status != 0 else { return .failure(unsafe error(control, operation, bytes)) }
            if stored != colours { samples = dropLast(of: stored, samples) }
            let warned = unsafe control.warning_or_error & png_uint_32(PNG_IMAGE_WARNING) != 0
            return .success(
                DecodedImage(
                    image: Image(width: width, height: height, channels: colours, pixels: samples), format: .png,
                    warning: warned ? unsafe text(control) : nil))
        }
        return try outcome.get()
    }

    package static func decode(
        _ bytes: [UInt8], name: String = "PNG", limits: ImageLimits = .standard
    ) throws(ImageError) -> DecodedImage {
        try decode(bytes.span, name: name, limits: limits)
    }

    /// Encodes 8 bits a sample, grey or RGB, lossless.
    package static func encode(_ image: Image) throws(ImageError) -> [UInt8] {
        let operation = "encode PNG"
        var control = unsafe png_image()
        unsafe control.version = png_uint_32(PNG_IMAGE_VERSION)
        unsafe control.width = png_uint_32(image.width)
        unsafe control.height = png_uint_32(image.height)
        unsafe control.format = image.channels == 3 ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0
        defer { unsafe png_image_free(&control) }
        var status: Int32 = 0
        // Deflate stores what it can't compress in blocks of at most 16 kB with 5 bytes each; a row has one byte of filter.
        let bound = image.pixels.count + image.height + (image.pixels.count + image.height) / 1024 + 4096
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            var size = png_alloc_size_t(bound)
            status = unsafe image.pixels.withUnsafeBytes { source in
                unsafe png_image_write_to_memory(&control, buffer.baseAddress, &size, 0, source.baseAddress, 0, nil)
            }
            count = status != 0 ? Int(size) : 0
        }
        guard status != 0 else { throw ImageError(.unsupported, operation, unsafe text(control)) }
        return bytes
    }

    private static func dropLast(of stored: Int, _ samples: [UInt8]) -> [UInt8] {
        var kept = [UInt8]()
        kept.reserveCapacity(samples.count / stored * (stored - 1))
        for start in stride(from: 0, to: samples.count, by: stored) { kept += samples[start..<start + stored - 1] }
        return kept
    }

    private static func error(_ control: png_image, _ operation: String, _ bytes: Span<UInt8>) -> ImageError {
        let message = unsafe text(control)
        guard reachesEnd(bytes) else {
            return ImageError(.truncated, operation, "the file ends before the image does, after \(bytes.count) bytes (\(message))")
        }
        return ImageError(.damaged, operation, message)
    }

    private static func text(_ control: png_image) -> String {
        let message = unsafe control.message
        return unsafe withUnsafeBytes(of: message) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Whether the chunks lead to the end of the data or beyond an `IEND` (PNG specification, section 5.3).
    private static func reachesEnd(_ bytes: Span<UInt8>) -> Bool {
        var position = 8
        while position + 12 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[position + $1]) }
            if bytes[position + 4] == 0x49, bytes[position + 5] == 0x45, bytes[position + 6] == 0x4E, bytes[position + 7] == 0x44 {
                return true
            }
            position += 12 + length
        }
        return false
    }
}
