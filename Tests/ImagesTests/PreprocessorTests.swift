// SPDX-License-Identifier: Apache-2.0
import Images
import Tensors
import Testing

struct PreprocessorTests {
    struct Golden {
        let image: (width: Int, height: Int)
        let shorterSide: Int
        let input: (width: Int, height: Int)
        let rgb: UInt64
        let bgr: UInt64
        let grey: UInt64
    }

    /// Fingerprints of Pillow 12's resize, with the size of torchvision's `Resize` and the offsets of its `CenterCrop`.
    private static let goldens = [
        Golden(
            image: (227, 227), shorterSide: 256, input: (224, 224), rgb: 0x7B02_A51F_599D_8A1E, bgr: 0xB0D8_D87D_C842_A2A6,
            grey: 0x879C_3088_FD1D_A271),
        Golden(
            image: (640, 480), shorterSide: 256, input: (224, 224), rgb: 0xEE41_8971_D19C_F09F, bgr: 0x0DD2_C4FC_3628_CA8B,
            grey: 0xC987_6421_E3E8_F210),
        Golden(
            image: (333, 500), shorterSide: 183, input: (160, 160), rgb: 0x5A0D_16C5_57E8_D1DE, bgr: 0xA68C_C0FD_F554_5886,
            grey: 0xCFAB_88DA_0FA0_21EB),
        Golden(
            image: (45, 37), shorterSide: 21, input: (16, 16), rgb: 0xAB92_64CF_1918_A7DB, bgr: 0xB5D3_3E50_8362_37A7,
            grey: 0x3057_7A80_9E27_895B),
        Golden(
            image: (37, 46), shorterSide: 20, input: (17, 17), rgb: 0x9E18_AD92_9720_FC07, bgr: 0xF5E1_8455_814D_4DE3,
            grey: 0x49E2_734A_D49A_1238),
        Golden(
            image: (30, 20), shorterSide: 20, input: (24, 24), rgb: 0x23DC_944C_7515_9BE5, bgr: 0xA89B_DDDA_378C_CBF5,
            grey: 0xCEAC_5E24_0D0A_3944),
        Golden(
            image: (50, 3), shorterSide: 12, input: (10, 12), rgb: 0x4E5A_4988_3793_CF71, bgr: 0x4D74_AD45_DC2C_EBA1,
            grey: 0xC18D_20C1_714A_009D),
    ]

    private static func preprocessor(
        _ width: Int, _ height: Int, _ order: Preprocessing.ChannelOrder, _ resize: Preprocessing.Resize
    ) -> Preprocessor {
        let channels = order == .gray ? 1 : 3
        return Preprocessor(
            Preprocessing(
                width: width, height: height, channelOrder: order, resize: resize, mean: [Double](repeating: 0, count: channels),
                deviation: [Double](repeating: 1, count: channels)))
    }

    @Test(arguments: goldens) func resizesAndCropsAsTorchvisionDoes(golden: Golden) {
        let image = Pictures.pattern(width: golden.image.width, height: golden.image.height)
        for (order, expected) in [(Preprocessing.ChannelOrder.rgb, golden.rgb), (.bgr, golden.bgr), (.gray, golden.grey)] {
            var preprocessor = Self.preprocessor(golden.input.width, golden.input.height, order, .shorterSide(golden.shorterSide))
            for _ in 0..<2 {
                preprocessor.prepare(image)
                let result = Image(
                    width: golden.input.width, height: golden.input.height, channels: order == .gray ? 1 : 3, pixels: preprocessor.pixels)
                #expect(Pictures.fingerprint(result) == expected, "\(order)")
            }
        }
    }

    @Test(arguments: [Preprocessing.Resize.none, .warp]) func warpsToTheNetworksSize(resize: Preprocessing.Resize) {
        var preprocessor = Self.preprocessor(8, 6, .rgb, resize)
        let image = Pictures.pattern(width: 17, height: 13)
        preprocessor.prepare(image)
        #expect(preprocessor.pixels == image.resized(width: 8, height: 6).pixels)
        let exact = Pictures.pattern(width: 8, height: 6)
        preprocessor.prepare(exact)
        #expect(preprocessor.pixels == exact.pixels)
    }

    @Test func aGreyImageFillsEveryChannel() {
        var preprocessor = Self.preprocessor(4, 4, .bgr, .warp)
        let grey = Pictures.pattern(width: 9, height: 9, channels: 1)
        preprocessor.prepare(grey)
        #expect(preprocessor.pixels == grey.resized(width: 4, height: 4).colour.pixels)
    }

    /// A crop that is padded leaves nothing of the image before it.
    @Test func anImageOfAnotherSizeLeavesNothingBehind() {
        var preprocessor = Self.preprocessor(24, 24, .rgb, .shorterSide(20))
        var fresh = preprocessor
        preprocessor.prepare(Image(width: 24, height: 48, channels: 3, filledWith: 255))
        let image = Pictures.pattern(width: 30, height: 20)
        preprocessor.prepare(image)
        fresh.prepare(image)
        #expect(preprocessor.pixels == fresh.pixels)
        preprocessor.prepare(Pictures.pattern(width: 30, height: 20, channels: 1))
        fresh.prepare(Pictures.pattern(width: 30, height: 20, channels: 1))
        #expect(preprocessor.pixels == fresh.pixels)
    }

    @Test func theThinnestImageIsCheap() {
        var preprocessor = Self.preprocessor(224, 224, .rgb, .shorterSide(256))
        preprocessor.prepare(Pictures.pattern(width: 1, height: 16_384))
        preprocessor.prepare(Pictures.pattern(width: 16_384, height: 1))
        #expect(preprocessor.pixels.count == 224 * 224 * 3)
    }

    @Test(arguments: [Preprocessing.ChannelOrder.rgb, .bgr, .gray], 1...9 as ClosedRange<Int>)
    func theMirrorImageIsThatOfEachRow(order: Preprocessing.ChannelOrder, width: Int) {
        var preprocessor = Self.preprocessor(width, 5, order, .warp)
        preprocessor.prepare(Pictures.pattern(width: 13, height: 11))
        let channels = order == .gray ? 1 : 3
        let before = preprocessor.pixels
        preprocessor.mirror()
        for row in 0..<5 {
            for column in 0..<width {
                for channel in 0..<channels {
                    let mirrored = before[(row * width + width - 1 - column) * channels + channel]
                    #expect(preprocessor.pixels[(row * width + column) * channels + channel] == mirrored)
                }
            }
        }
        preprocessor.mirror()
        #expect(preprocessor.pixels == before)
    }

    /// Where a crop is padded, its left and right border may differ by a pixel.
    @Test(arguments: [18, 19, 20, 24, 25] as [Int]) func aMirrorImageLeavesNothingBehind(side: Int) {
        var preprocessor = Self.preprocessor(24, 24, .rgb, .shorterSide(side))
        var fresh = preprocessor
        preprocessor.prepare(Image(width: 24, height: 24, channels: 3, filledWith: 255))
        preprocessor.mirror()
        let image = Pictures.pattern(width: 24, height: 24)
        preprocessor.prepare(image)
        fresh.prepare(image)
        #expect(preprocessor.pixels == fresh.pixels)
    }
}
