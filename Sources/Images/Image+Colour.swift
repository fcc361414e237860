// SPDX-License-Identifier: Apache-2.0

extension Image {
    /// Luma of ITU-R BT.601, `(19595 r + 38470 g + 7471 b + 2¹⁵) >> 16`, as Pillow's conversion to mode L; a grey image as it is.
    package var grey: Image {
        guard channels == 3 else { return self }
        var result = [UInt8](repeating: 0, count: width * height)
        Self.writeGrey(pixels, into: &result)
        return Image(width: width, height: height, channels: 1, pixels: result)
    }

    /// Three equal channels from one; a colour image as it is.
    package var colour: Image {
        guard channels == 1 else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(3 * pixels.count)
        for sample in pixels {
            result.append(sample)
            result.append(sample)
            result.append(sample)
        }
        return Image(width: width, height: height, channels: 3, pixels: result)
    }

    static func writeGrey(_ colours: [UInt8], into grey: inout [UInt8]) {
        let colours = colours.span
        var target = grey.mutableSpan
        for pixel in target.indices {
            let red = Int32(colours[3 * pixel]) &* 19_595
            let green = Int32(colours[3 * pixel + 1]) &* 38_470
            let blue = Int32(colours[3 * pixel + 2]) &* 7471
            target[pixel] = UInt8(truncatingIfNeeded: (red &+ green &+ blue &+ 0x8000) >> 16)
        }
    }
}
