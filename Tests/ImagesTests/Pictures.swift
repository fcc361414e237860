// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Images

/// Pictures by formula: the same numbers can be made by any other program.
enum Pictures {
    /// Sample `c` of pixel (x, y) is `(37 x + 91 y + 53 c + 7 x y) mod 256`.
    static func pattern(width: Int, height: Int, channels: Int = 3) -> Image {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<channels { pixels.append(UInt8((37 * x + 91 * y + 53 * channel + 7 * x * y) % 256)) }
            }
        }
        return Image(width: width, height: height, channels: channels, pixels: pixels)
    }

    /// A slow ramp: red along the rows, green down the columns, blue against both.
    static func ramp(width: Int, height: Int) -> Image {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                pixels += [UInt8(255 * x / width), UInt8(255 * y / height), UInt8(255 - (127 * x / width + 127 * y / height))]
            }
        }
        return Image(width: width, height: height, channels: 3, pixels: pixels)
    }

    static func largestDifference(_ left: Image, _ right: Image) -> Int {
        zip(left.pixels, right.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    static func bytes(base64 text: String) -> [UInt8] { Data(base64Encoded: text).map(Array.init) ?? [] }

    /// FNV-1a of 64 bits over the samples.
    static func fingerprint(_ image: Image) -> UInt64 {
        image.pixels.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
