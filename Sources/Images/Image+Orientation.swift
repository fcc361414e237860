// SPDX-License-Identifier: Apache-2.0

extension Image {
    /// Undoes the way a camera was held, as Exif numbers it: 2 and 4 are mirrored, 3 is upside down, 5 … 8 lie on their side.
    func turnedUpright(from orientation: Int) -> Image {
        guard (2...8).contains(orientation) else { return self }
        let swapsSides = orientation >= 5
        let uprightWidth = swapsSides ? height : width
        let uprightHeight = swapsSides ? width : height
        let fromRight = [2, 3, 7, 8].contains(orientation)
        let fromBottom = [3, 4, 6, 7].contains(orientation)
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count)
        for y in 0..<uprightHeight {
            for x in 0..<uprightWidth {
                let column = swapsSides ? y : x
                let row = swapsSides ? x : y
                let start = ((fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column)) * channels
                result += pixels[start..<start + channels]
            }
        }
        return Image(width: uprightWidth, height: uprightHeight, channels: channels, pixels: result)
    }
}
