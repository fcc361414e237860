// SPDX-License-Identifier: Apache-2.0

/// The compressed formats that are read and written.
package enum ImageFormat: String, Hashable, Sendable {
    case jpeg, png

    /// Recognises a format by the first bytes of the data, never by a file's name.
    package init?(sniffing bytes: Span<UInt8>) {
        if Self.begins(bytes, with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if Self.begins(bytes, with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else {
            return nil
        }
    }

    /// Whether a file of this name is taken for an image when a folder is searched.
    package static func isImageName(_ name: String) -> Bool {
        guard !name.hasPrefix(".") else { return false }
        let lower = name.lowercased()
        return lower.hasSuffix(".jpg") || lower.hasSuffix(".jpeg") || lower.hasSuffix(".png")
    }

    private static func begins(_ bytes: Span<UInt8>, with magic: [UInt8]) -> Bool {
        bytes.count >= magic.count && magic.indices.allSatisfy { bytes[$0] == magic[$0] }
    }
}

/// What a decoder made of a file.
package struct DecodedImage: Hashable, Sendable {
    package var image: Image
    package var format: ImageFormat
    /// The first complaint of the decoder that did not keep it from delivering all rows; pixels may be wrong. `nil` for a sound file.
    package var warning: String?
}

extension Image {
    /// Decodes JPEG or PNG, whichever the first bytes say.
    ///
    /// - Parameter name: names the data in errors: a file name or a topic.
    package static func decode(
        _ bytes: Span<UInt8>, name: String = "image", limits: ImageLimits = .standard
    ) throws(ImageError) -> DecodedImage {
        switch ImageFormat(sniffing: bytes) {
        case .jpeg: try JPEG.decode(bytes, name: name, limits: limits)
        case .png: try PNG.decode(bytes, name: name, limits: limits)
        case nil:
            throw ImageError(
                .unknownFormat, "decode \(name)", bytes.isEmpty ? "there are no bytes" : "the first bytes are neither JPEG's nor PNG's")
        }
    }

    package static func decode(
        _ bytes: [UInt8], name: String = "image", limits: ImageLimits = .standard
    ) throws(ImageError) -> DecodedImage {
        try decode(bytes.span, name: name, limits: limits)
    }

    /// Reads and decodes a JPEG or PNG file.
    package static func decode(file path: String, limits: ImageLimits = .standard) throws(ImageError) -> DecodedImage {
        let bytes = try FileBytes.read(path)
        return try decode(bytes, name: path, limits: limits)
    }
}
