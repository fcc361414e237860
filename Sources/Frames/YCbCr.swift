// SPDX-License-Identifier: Apache-2.0
package import Images

/// Luma and colour difference of ITU-R BT.601 to RGB in integers of 2⁻¹⁶, rounded and cut to 0 … 255.
///
/// With `y = (Y − 16) · 255/219` and colour differences of `255/224` (full range: as they are),
/// `R = y + 1.402 V`, `G = y − 0.344136 U − 0.714136 V`, `B = y + 1.772 U`, where U = Cb − 128 and V = Cr − 128.
/// The colour of a subsampled plane is that of the sample that covers the pixel, not interpolated.
package struct YCbCr: Sendable {
    private let luma: Int32
    private let lumaOffset: Int32
    private let redFromV: Int32
    private let greenFromU: Int32
    private let greenFromV: Int32
    private let blueFromU: Int32

    package init(isFullRange: Bool) {
        let lumaScale = isFullRange ? 1 : 255.0 / 219
        let chromaScale = isFullRange ? 1 : 255.0 / 224
        func fixed(_ factor: Double) -> Int32 { Int32((factor * 65_536).rounded()) }
        luma = fixed(lumaScale)
        lumaOffset = isFullRange ? 0 : 16
        redFromV = fixed(1.402 * chromaScale)
        greenFromU = fixed(0.344136 * chromaScale)
        greenFromV = fixed(0.714136 * chromaScale)
        blueFromU = fixed(1.772 * chromaScale)
    }

    /// - Parameter planes: `header.frameCount` bytes: luma, then Cb, then Cr.
    package func image(_ planes: [UInt8], header: Y4MHeader) -> Image {
        precondition(planes.count == header.frameCount, "the planes of one frame")
        let isGrey = header.sampling == .mono
        var pixels = [UInt8](repeating: 0, count: header.width * header.height * (isGrey ? 1 : 3))
        if isGrey {
            for index in pixels.indices { pixels[index] = Self.clamped((Int32(planes[index]) - lumaOffset) &* luma) }
        } else {
            convert(planes, header, into: &pixels)
        }
        return Image(width: header.width, height: header.height, channels: isGrey ? 1 : 3, pixels: pixels)
    }

    private func convert(_ planes: [UInt8], _ header: Y4MHeader, into pixels: inout [UInt8]) {
        let from = planes.span
        var to = pixels.mutableSpan
        let columnShift = header.sampling == .full ? 0 : 1
        let rowShift = header.sampling == .half ? 1 : 0
        let firstU = header.width * header.height
        let firstV = firstU + header.chromaWidth * header.chromaHeight
        for row in 0..<header.height {
            let chromaRow = (row >> rowShift) * header.chromaWidth
            for column in 0..<header.width {
                let pixel = row * header.width + column
                let chroma = chromaRow + column >> columnShift
                let y = (Int32(from[pixel]) - lumaOffset) &* luma
                let u = Int32(from[firstU + chroma]) - 128
                let v = Int32(from[firstV + chroma]) - 128
                to[3 * pixel] = Self.clamped(y &+ v &* redFromV)
                to[3 * pixel + 1] = Self.clamped(y &- u &* greenFromU &- v &* greenFromV)
                to[3 * pixel + 2] = Self.clamped(y &+ u &* blueFromU)
            }
        }
    }

    private static func clamped(_ value: Int32) -> UInt8 { UInt8(truncatingIfNeeded: min(max((value &+ 0x8000) >> 16, 0), 255)) }
}
