// SPDX-License-Identifier: Apache-2.0
import Images
import Testing

struct ImageGeometryTests {
    /// Pillow 12's `resize(…, BILINEAR)` of the same pictures.
    @Test func resizesAsPillowDoes() {
        let reduced = Pictures.pattern(width: 5, height: 4).resized(width: 3, height: 2)
        #expect(reduced.pixels == [83, 120, 153, 121, 141, 133, 116, 122, 175, 121, 127, 117, 119, 139, 148, 157, 132, 137])
        let enlarged = Pictures.pattern(width: 2, height: 2, channels: 1).resized(width: 3, height: 3)
        #expect(enlarged.pixels == [0, 19, 37, 46, 66, 86, 91, 113, 135])
    }

    struct Golden {
        let from: (width: Int, height: Int)
        let to: (width: Int, height: Int)
        let channels: Int
        let fingerprint: UInt64
    }

    /// Fingerprints of Pillow 12's results: reduction, enlargement, one axis only, odd factors, a single row or column.
    @Test(arguments: [
        Golden(from: (17, 13), to: (8, 6), channels: 3, fingerprint: 0xD267_93AE_1728_5296),
        Golden(from: (64, 48), to: (32, 24), channels: 3, fingerprint: 0x1D9D_3ABD_8C94_DDE8),
        Golden(from: (227, 227), to: (256, 256), channels: 3, fingerprint: 0xC1B3_8ECA_3433_2570),
        Golden(from: (640, 480), to: (224, 224), channels: 3, fingerprint: 0x8FFB_0FA6_B299_CCCD),
        Golden(from: (33, 7), to: (100, 3), channels: 3, fingerprint: 0xD03D_C48E_77D5_3C44),
        Golden(from: (100, 1), to: (7, 9), channels: 3, fingerprint: 0xB57E_24B7_F830_8BE3),
        Golden(from: (1, 64), to: (5, 5), channels: 3, fingerprint: 0xBFB1_425D_E532_B5B6),
        Golden(from: (3000, 2), to: (3, 2), channels: 3, fingerprint: 0x5C77_92F7_9292_78D5),
        Golden(from: (61, 47), to: (61, 20), channels: 3, fingerprint: 0xF253_08BB_BE8B_6543),
        Golden(from: (61, 47), to: (20, 47), channels: 3, fingerprint: 0x4BA4_5BE5_5171_251B),
        Golden(from: (50, 40), to: (13, 51), channels: 1, fingerprint: 0xCE4C_6356_A2C4_D384),
    ])
    func resizesAnySizeAsPillowDoes(golden: Golden) {
        let image = Pictures.pattern(width: golden.from.width, height: golden.from.height, channels: golden.channels)
        #expect(Pictures.fingerprint(image.resized(width: golden.to.width, height: golden.to.height)) == golden.fingerprint)
    }

    @Test func aSizeOfItsOwnChangesNothing() {
        let image = Pictures.pattern(width: 7, height: 5)
        #expect(image.resized(width: 7, height: 5) == image)
    }

    @Test func cropsEveryRectangle() {
        let image = Pictures.pattern(width: 5, height: 4)
        for left in 0..<5 {
            for top in 0..<4 {
                for width in 1...5 - left {
                    for height in 1...4 - top {
                        let crop = image.cropped(x: left, y: top, width: width, height: height)
                        #expect(crop.width == width && crop.height == height)
                        #expect(crop[x: width - 1, y: height - 1, channel: 2] == image[x: left + width - 1, y: top + height - 1, channel: 2])
                        #expect(crop[x: 0, y: 0, channel: 0] == image[x: left, y: top, channel: 0])
                    }
                }
            }
        }
    }

    /// (8 − 5) / 2 and (7 − 2) / 2 lie half way between two pixels: the even one is taken.
    @Test func theMiddleRoundsHalfToEven() {
        let image = Pictures.pattern(width: 8, height: 7)
        #expect(image.centreCropped(width: 5, height: 2) == image.cropped(x: 2, y: 2, width: 5, height: 2))
        #expect(image.centreCropped(width: 8, height: 7) == image)
    }

    @Test func theMiddleOfASmallImageIsSurroundedByBlack() {
        let image = Image(width: 2, height: 2, channels: 1, filledWith: 9)
        #expect(image.centreCropped(width: 5, height: 1).pixels == [0, 9, 9, 0, 0])
    }

    @Test func aLetterboxShowsTheWholeImage() {
        let wide = Image(width: 20, height: 10, channels: 1, filledWith: 200)
        let boxed = wide.letterboxed(width: 8, height: 8, filledWith: 7)
        #expect((0..<8).map { boxed[x: 3, y: $0, channel: 0] } == [7, 7, 200, 200, 200, 200, 7, 7])
        #expect((0..<8).map { boxed[x: $0, y: 3, channel: 0] } == [UInt8](repeating: 200, count: 8))
    }

    /// Pillow 12's `convert("L")`.
    @Test func turnsGreyAsPillowDoes() {
        #expect(Pictures.pattern(width: 5, height: 2).grey.pixels == [43, 80, 117, 154, 191, 134, 178, 193, 87, 54])
        let grey = Pictures.pattern(width: 3, height: 3, channels: 1)
        #expect(grey.grey == grey)
        #expect(grey.colour.channels == 3 && grey.colour.grey == grey)
    }
}
