// SPDX-License-Identifier: Apache-2.0
package import Images

extension YCbCr {
    /// - Parameter planes: `header.frameCount` bytes: luma, then Cb, then Cr.
    package func image(_ planes: [UInt8], header: Y4MHeader) -> Image {
        precondition(planes.count == header.frameCount, "the planes of one frame")
        let isGrey = header.sampling == .mono
        var pixels = [UInt8](repeating: 0, count: header.width * header.height * (isGrey ? 1 : 3))
        if isGrey {
            let greys = (0...255).map { grey(UInt8($0)) }
            for index in pixels.indices { pixels[index] = greys[Int(planes[index])] }
        } else {
            convert(planes, header, into: &pixels)
        }
        return Image(width: header.width, height: header.height, channels: isGrey ? 1 : 3, pixels: pixels)
    }

    private func convert(_ planes: [UInt8], _ header: Y4MHeader, into pixels: inout [UInt8]) {
        let planes = planes.span
        var pixels = pixels.mutableSpan
        let firstU = header.width * header.height
        let firstV = firstU + header.chromaWidth * header.chromaHeight
        for row in 0..<header.height {
            let chroma = (header.sampling == .half ? row / 2 : row) * header.chromaWidth
            let first = row * header.width
            convert(
                luma: planes.extracting(first..<first + header.width),
                chroma: (
                    planes.extracting(firstU + chroma..<firstU + chroma + header.chromaWidth),
                    planes.extracting(firstV + chroma..<firstV + chroma + header.chromaWidth)
                ), isHalved: header.sampling != .full, into: &pixels, at: 3 * first)
        }
    }
}
