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

    /// Rows are converted in vectors: each length has its own rest.
    @Test(arguments: ["420", "422", "444"], [false, true]) func everyWidthEqualsTheIntegerFormula(name: String, full: Bool) throws {
        func fixed(_ factor: Double) -> Int { Int((factor * 65_536).rounded()) }
        let chromaScale = full ? 1 : 255.0 / 224
        func cut(_ sum: Int) -> UInt8 { UInt8(min(max((sum + 0x8000) >> 16, 0), 255)) }
        var state: UInt32 = 7
        for width in Array(1...40) + [127, 128, 129, 255, 256, 257, 300] {
            let header = try Y4MHeader(Array("YUV4MPEG2 W\(width) H3 C\(name)".utf8))
            let planes = (0..<header.frameCount).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(state >> 24)
            }
            let image = YCbCr(isFullRange: full).image(planes, header: header)
            let chromaCount = header.chromaWidth * header.chromaHeight
            var expected: [UInt8] = []
            for row in 0..<3 {
                for column in 0..<width {
                    let sample = (name == "420" ? row / 2 : row) * header.chromaWidth + (name == "444" ? column : column / 2)
                    let y = (Int(planes[row * width + column]) - (full ? 0 : 16)) * fixed(full ? 1 : 255.0 / 219)
                    let u = Int(planes[3 * width + sample]) - 128
                    let v = Int(planes[3 * width + chromaCount + sample]) - 128
                    expected.append(cut(y + v * fixed(1.402 * chromaScale)))
                    expected.append(cut(y - u * fixed(0.344136 * chromaScale) - v * fixed(0.714136 * chromaScale)))
                    expected.append(cut(y + u * fixed(1.772 * chromaScale)))
                }
            }
            #expect(image.pixels == expected, "\(width) wide")
        }
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
