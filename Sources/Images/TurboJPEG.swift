// SPDX-License-Identifier: Apache-2.0
internal import CTurboJPEG

/// One TurboJPEG instance: every call of the library, and every error, goes through here.
///
/// Only functions of the 2.x interface are called; libjpeg-turbo 3 has them too.
@safe
struct TurboJPEG: ~Copyable {
    enum Direction { case compressor, decompressor }

    struct Header {
        var width: Int
        var height: Int
        var isGrey: Bool
        var isCMYK: Bool
        var warning: String?
    }

    private let handle: tjhandle
    private let operation: String

    init(_ direction: Direction, operation: String) throws(ImageError) {
        let made = unsafe direction == .compressor ? tjInitCompress() : tjInitDecompress()
        guard let handle = unsafe made else {
            throw ImageError(.unsupported, operation, unsafe String(cString: tjGetErrorStr2(nil)))
        }
        unsafe self.handle = handle
        self.operation = operation
    }

    deinit { _ = unsafe tjDestroy(handle) }

    func header(_ bytes: Span<UInt8>) throws(ImageError) -> Header {
        var width: Int32 = 0
        var height: Int32 = 0
        var sampling: Int32 = 0
        var colour: Int32 = 0
        let status = unsafe bytes.withUnsafeBufferPointer {
            unsafe tjDecompressHeader3(handle, $0.baseAddress, UInt($0.count), &width, &height, &sampling, &colour)
        }
        let warning = try checked(status)
        return Header(
            width: Int(width), height: Int(height), isGrey: colour == Int32(TJCS_GRAY.rawValue),
            isCMYK: colour == Int32(TJCS_CMYK.rawValue) || colour == Int32(TJCS_YCCK.rawValue), warning: warning)
    }

    /// Fills `pixels`, `width` · `height` pixels of `format`, and returns the first warning.
    ///
    /// A progressive file may have at most 500 scans, and ``mostScanned`` pixels in all of them, so that a small file can't keep the decoder busy for long.
    func decompress(
        _ bytes: Span<UInt8>, width: Int, height: Int, format: TJPF, into pixels: inout [UInt8]
    ) throws(ImageError) -> String? {
        guard Self.scans(bytes) * width * height <= Self.mostScanned else {
            throw ImageError(.tooLarge, operation, "\(Self.scans(bytes)) scans of \(width)×\(height) pixels")
        }
        let status = unsafe bytes.withUnsafeBufferPointer { source in
            unsafe pixels.withUnsafeMutableBufferPointer { target in
                unsafe tjDecompress2(
                    handle, source.baseAddress, UInt(source.count), target.baseAddress, Int32(width), 0, Int32(height),
                    Int32(format.rawValue), TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT)
            }
        }
        return try checked(status)
    }

    /// 16 scans of the largest image.
    private static let mostScanned = 1 << 29

    /// How many begin, at most: what is compressed holds no such marker.
    private static func scans(_ bytes: Span<UInt8>) -> Int {
        var count = 0
        for index in bytes.indices.dropLast() where bytes[index] == 0xFF && bytes[index + 1] == 0xDA { count += 1 }
        return count
    }

    func compress(_ image: Image, quality: Int, sampling: TJSAMP) throws(ImageError) -> [UInt8] {
        let format = image.channels == 1 ? TJPF_GRAY : TJPF_RGB
        let capacity = tjBufSize(Int32(image.width), Int32(image.height), Int32(sampling.rawValue))
        guard capacity > 0, capacity < UInt(Int32.max) else { throw ImageError(.tooLarge, operation, "the image doesn't fit the encoder") }
        var status: Int32 = -1
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Int(capacity)) { buffer, count in
            var address = buffer.baseAddress
            var size = capacity
            status = unsafe image.pixels.withUnsafeBufferPointer { source in
                unsafe tjCompress2(
                    handle, source.baseAddress, Int32(image.width), 0, Int32(image.height), Int32(format.rawValue), &address, &size,
                    Int32(sampling.rawValue), Int32(quality), TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT)
            }
            count = status == 0 ? Int(size) : 0
        }
        _ = try checked(status)
        return bytes
    }

    /// Turns a status into an error, or into the text of a warning.
    private func checked(_ status: Int32) throws(ImageError) -> String? {
        guard status != 0 else { return nil }
        let text = unsafe String(cString: tjGetErrorStr2(handle))
        guard unsafe tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) else { throw ImageError(.damaged, operation, text) }
        return text
    }
}
