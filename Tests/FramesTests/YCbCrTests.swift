// SPDX-License-Identifier: Apache-2.0
import Frames
import Images
import Testing

struct YCbCrTests {
    /// The formula of BT.601 in floating point.
    private static func definition(_ y: Int, _ cb: Int, _ cr: Int, full: Bool) -> [Double] {
        let luma = full ? Double(y) : Double(y - 16) * 255 / 219
        let scale = full ? 1 : 255.0 / 224
        let (u, v) = (Double(cb - 128) * scale, Double(cr - 128) * scale)
        return [luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u].map { min(max($0.rounded(), 0), 255) }
    }

    @Test(arguments: [false, true]) func integersAreWithinOneOfTheFormula(full: Bool) throws {
        let header = try Y4MHeader(Array("YUV4MPEG2 W1 H1 C444".utf8))
        let conversion = YCbCr(isFullRange: full)
        for y in stride(from: 0, through: 255, by: 5) {
            for cb in stride(from: 0, through: 255, by: 15) {
                for cr in stride(from: 0, through: 255, by: 15) {
                    let image = conversion.image([UInt8(y), UInt8(cb), UInt8(cr)], header: header)
                    let expected = Self.definition(y, cb, cr, full: full)
                    #expect((0..<3).allSatisfy { abs(Double(image.pixels[$0]) - expected[$0]) <= 1 }, "\(y) \(cb) \(cr)")
                }
            }
        }
    }

    @Test func blackWhiteAndGreyAreExact() throws {
        let header = try Y4MHeader(Array("YUV4MPEG2 W3 H1 C444".utf8))
        let limited = YCbCr(isFullRange: false).image([16, 235, 126, 128, 128, 128, 128, 128, 128], header: header)
        #expect(limited.pixels == [0, 0, 0, 255, 255, 255, 128, 128, 128])
        let mono = try Y4MHeader(Array("YUV4MPEG2 W3 H1 Cmono".utf8))
        #expect(YCbCr(isFullRange: false).image([16, 235, 126], header: mono) == Image(width: 3, height: 1, channels: 1, pixels: [0, 255, 128]))
        #expect(YCbCr(isFullRange: true).image([0, 255, 77], header: mono).pixels == [0, 255, 77])
    }

    /// Every pixel takes the colour of the sample that covers it, also in the last odd column and row.
    @Test(arguments: [("420", 2, 2), ("422", 2, 1), ("444", 1, 1)])
    func colourPlanesCoverOddSizes(name: String, columnStep: Int, rowStep: Int) throws {
        let header = try Y4MHeader(Array("YUV4MPEG2 W5 H3 C\(name) XCOLORRANGE=FULL".utf8))
        let chromaCount = header.chromaWidth * header.chromaHeight
        var planes = [UInt8](100..<115)
        for sample in 0..<chromaCount { planes.append(UInt8(60 + 9 * sample)) }
        for sample in 0..<chromaCount { planes.append(UInt8(190 - 8 * sample)) }
        let image = YCbCr(isFullRange: true).image(planes, header: header)
        for y in 0..<3 {
            for x in 0..<5 {
                let sample = y / rowStep * header.chromaWidth + x / columnStep
                let expected = Self.definition(
                    Int(planes[y * 5 + x]), Int(planes[15 + sample]), Int(planes[15 + chromaCount + sample]), full: true)
                for channel in 0..<3 {
                    #expect(abs(Double(image[x: x, y: y, channel: channel]) - expected[channel]) <= 1, "(\(x), \(y)) \(channel)")
                }
            }
        }
    }
}
