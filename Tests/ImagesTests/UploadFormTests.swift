// SPDX-License-Identifier: Apache-2.0
import Images
import Tensors
import TestSupport
import Testing

struct UploadFormTests {
    static func noise(_ width: Int, _ height: Int, seed: UInt64, channels: Int = 3) -> Image {
        var random = SeededGenerator(seed: seed)
        return Image(
            width: width, height: height, channels: channels, pixels: (0..<width * height * channels).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    @Test func theFullModelSeesTheSamePixelsOfAnImageOfItsOwnSize() throws {
        let preprocessing = Preprocessing(width: 20, height: 20, resize: .shorterSide(24), mean: [0, 0, 0], deviation: [1, 1, 1])
        let warped = Preprocessing(width: 20, height: 16, resize: .warp, mean: [0, 0, 0], deviation: [1, 1, 1])
        let cases: [(Preprocessing, UploadForm.Size)] = [
            (preprocessing, .original), (preprocessing, .shorterSide(24)), (preprocessing, .square(24)), (warped, .exactly(width: 20, height: 16)),
        ]
        for (width, height) in [(60, 48), (48, 60), (24, 24), (24, 100), (25, 24), (90, 30)] {
            let image = Self.noise(width, height, seed: UInt64(width * 1000 + height))
            for (preprocessing, size) in cases {
                var direct = Preprocessor(preprocessing)
                direct.prepare(image)
                let sent = try UploadForm(size: size, encoding: .png).encode(image)
                let received = try Image.decode(sent.bytes)
                #expect(received.format == sent.format && received.image.width == sent.width && received.image.height == sent.height)
                var far = Preprocessor(preprocessing)
                far.prepare(received.image)
                #expect(far.pixels == direct.pixels, "\(width)×\(height) as \(size)")
            }
        }
    }

    @Test func aSmallerImageIsNotEnlarged() throws {
        let image = Self.noise(10, 30, seed: 1)
        for size in [UploadForm.Size.shorterSide(10), .shorterSide(400), .exactly(width: 11, height: 20)] {
            let sent = try UploadForm(size: size, encoding: .png).encode(image)
            #expect(sent.width == 10 && sent.height == 30)
        }
        let square = try UploadForm(size: .square(400), encoding: .png).encode(image)
        #expect(square.width == 10 && square.height == 10)
    }

    @Test func aLowerQualityCostsLess() throws {
        let image = Self.noise(64, 64, seed: 2)
        var last = Int.max
        for quality in [100, 90, 50, 10, 1] {
            let sent = try UploadForm(encoding: .jpeg(quality: quality, fullColour: false)).encode(image)
            #expect(sent.format == .jpeg && sent.bytes.count < last)
            last = sent.bytes.count
        }
        let full = try UploadForm(encoding: .jpeg(quality: 90, fullColour: true)).encode(image)
        let half = try UploadForm.standard.encode(image)
        #expect(full.bytes.count > half.bytes.count)
        #expect(try UploadForm(encoding: .jpeg(quality: 90, fullColour: true)).encode(Self.noise(9, 9, seed: 3, channels: 1)).width == 9)
    }

    @Test func whatCannotBeIsSaid() {
        #expect(UploadForm.standard.contradiction == nil)
        for form in [
            UploadForm(encoding: .jpeg(quality: 0, fullColour: false)), UploadForm(encoding: .jpeg(quality: 101, fullColour: true)),
            UploadForm(size: .square(0), encoding: .png), UploadForm(size: .shorterSide(-3), encoding: .png), UploadForm(size: .exactly(width: 5, height: 99_999), encoding: .png),
        ] { #expect(form.contradiction != nil, "\(form)") }
    }
}
