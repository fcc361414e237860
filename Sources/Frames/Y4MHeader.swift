// SPDX-License-Identifier: Apache-2.0
package import Images

/// The first line of a YUV4MPEG2 stream (yuv4mpeg(5) of mjpegtools): `YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL`.
package struct Y4MHeader: Hashable, Sendable {
    /// How the planes of a frame are sampled; 8 bits a sample.
    package enum Sampling: Hashable, Sendable {
        /// Colour at half the columns and half the rows: `420`, `420jpeg`, `420mpeg2`, `420paldv`, which differ in where the colour samples lie.
        case half
        /// Colour at half the columns: `422`.
        case halfColumns
        /// Colour everywhere: `444`.
        case full
        /// Luma only: `mono`.
        case mono
    }

    package var width: Int
    package var height: Int
    /// Frames a second; `nil` where the stream doesn't say.
    package var frameRate: Double?
    package var sampling: Sampling
    /// Whether samples use 0 … 255 (`XCOLORRANGE=FULL`) instead of 16 … 235 and 16 … 240.
    package var isFullRange = false

    package static let magic = "YUV4MPEG2"

    /// - Parameter line: without the line feed.
    package init(_ line: [UInt8], limits: ImageLimits = .standard) throws(FrameError) {
        func bad(_ cause: String) -> FrameError { FrameError(.badHeader, Self.operation, cause) }
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: true).map { String(decoding: $0, as: UTF8.self) }
        guard fields.first == Self.magic else { throw bad("the stream doesn't begin with \(Self.magic)") }
        var width: Int?
        var height: Int?
        sampling = .half
        for field in fields.dropFirst() {
            let value = String(field.dropFirst())
            switch field.first {
            case "W": width = try Self.side(value, "width")
            case "H": height = try Self.side(value, "height")
            case "F":
                let rate = try Self.ratio(value, "frame rate")
                frameRate = rate.numerator > 0 && rate.denominator > 0 ? Double(rate.numerator) / Double(rate.denominator) : nil
            case "I":
                guard ["?", "p", "t", "b", "m"].contains(value) else { throw bad("unknown interlacing 'I\(value)'") }
            case "A": _ = try Self.ratio(value, "pixel aspect")
            case "C": sampling = try Self.sampling(value)
            case "X":
                if value == "COLORRANGE=FULL" { isFullRange = true }
            default: throw bad("unknown field '\(field.prefix(40))'")
            }
        }
        guard let width, let height else { throw bad("the stream states no \(width == nil ? "width" : "height")") }
        do throws(ImageError) {
            try limits.check(width: width, height: height, operation: Self.operation)
        } catch {
            throw FrameError(.tooLarge, error.operation, error.cause)
        }
        self.width = width
        self.height = height
    }

    /// Size of the two colour planes.
    package var chromaWidth: Int {
        switch sampling {
        case .half, .halfColumns: (width + 1) / 2
        case .full: width
        case .mono: 0
        }
    }

    package var chromaHeight: Int {
        switch sampling {
        case .half: (height + 1) / 2
        case .halfColumns, .full: height
        case .mono: 0
        }
    }

    /// Bytes of a frame, without its own line.
    package var frameCount: Int { width * height + 2 * chromaWidth * chromaHeight }

    private static let operation = "read Y4M header"

    private static func side(_ text: String, _ what: String) throws(FrameError) -> Int {
        guard text.count <= 9, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let side = Int(text), side > 0 else {
            throw FrameError(.badHeader, operation, "the \(what) '\(text.prefix(40))' is no number from 1 on")
        }
        return side
    }

    private static func ratio(_ text: String, _ what: String) throws(FrameError) -> (numerator: Int, denominator: Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let digits = parts.allSatisfy { part in part.count <= 10 && part.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard parts.count == 2, digits, let numerator = Int(parts[0]), let denominator = Int(parts[1]) else {
            throw FrameError(.badHeader, operation, "the \(what) '\(text.prefix(40))' is no ratio such as 30:1")
        }
        return (numerator, denominator)
    }

    private static func sampling(_ text: String) throws(FrameError) -> Sampling {
        switch text {
        case "420", "420jpeg", "420mpeg2", "420paldv": .half
        case "422": .halfColumns
        case "444": .full
        case "mono": .mono
        default:
            throw FrameError(
                .unsupported, operation, "colour format 'C\(text.prefix(40))'; use 420, 420jpeg, 420mpeg2, 420paldv, 422, 444 or mono of 8 bits")
        }
    }
}
