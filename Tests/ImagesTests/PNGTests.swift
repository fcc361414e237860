// SPDX-License-Identifier: Apache-2.0
import Images
import TestSupport
import Testing

struct PNGTests {
    @Test(arguments: [1, 3])
    func keepsEverySampleOfEverySmallSize(channels: Int) throws {
        for width in 1...9 {
            for height in 1...9 {
                let image = Pictures.pattern(width: width, height: height, channels: channels)
                let decoded = try Image.decode(PNG.encode(image))
                #expect(decoded.image == image)
                #expect(decoded.format == .png && decoded.warning == nil)
            }
        }
    }

    @Test func keepsNoiseThatDoesNotCompress() throws {
        var generator = SeededGenerator(seed: 7)
        let noise = Image(
            width: 300, height: 200, channels: 3, pixels: (0..<180_000).map { _ in UInt8.random(in: 0...255, using: &generator) })
        #expect(try PNG.decode(PNG.encode(noise)).image == noise)
    }

    /// Files written by Pillow 13, and the pixels it reads back from them.
    @Test func readsTransparencyPalettesAndOtherDepths() throws {
        let transparent = try PNG.decode(Pictures.bytes(base64: Self.transparent)).image
        #expect(transparent.width == 6 && transparent.height == 4 && transparent.channels == 3)
        #expect(Array(transparent.pixels[..<12]) == [10, 20, 30, 200, 100, 50, 74, 186, 182, 111, 239, 193])
        let palette = try PNG.decode(Pictures.bytes(base64: Self.palette)).image
        #expect(Array(palette.pixels[..<12]) == [37, 94, 138, 27, 132, 138, 43, 197, 119, 147, 212, 155])
        let deep = try PNG.decode(Pictures.bytes(base64: Self.sixteenBits)).image
        #expect(deep.pixels == (0..<12).map { UInt8((Double($0) * 5000 / 257).rounded()) })
        let greyTransparent = try PNG.decode(Pictures.bytes(base64: Self.greyTransparent)).image
        #expect(greyTransparent.channels == 1)
        #expect(Array(greyTransparent.pixels[..<6]) == [65, 109, 152, 195, 89, 132])
        let oneBit = try PNG.decode(Pictures.bytes(base64: Self.oneBit)).image
        #expect(Array(oneBit.pixels[..<12]) == [0, 255, 0, 255, 0, 255, 0, 255, 255, 0, 255, 0])
    }

    @Test func everyCutShortFileIsAnError() throws {
        let bytes = try PNG.encode(Pictures.pattern(width: 20, height: 20))
        for count in 0..<bytes.count - 20 {
            let cut = Array(bytes[..<count])
            let error = #expect(throws: ImageError.self) { try Image.decode(cut) }
            #expect(error?.code == (count < 8 ? .unknownFormat : .truncated), "\(count) bytes")
        }
    }

    @Test func aBrokenChecksumIsAnError() throws {
        var bytes = try PNG.encode(Pictures.pattern(width: 20, height: 20))
        bytes[bytes.count - 20] ^= 1
        let error = #expect(throws: ImageError.self) { try PNG.decode(bytes, name: "a.png") }
        #expect(error?.code == .damaged && error?.operation == "decode a.png")
    }

    @Test func sizesBeyondTheLimitsAreRefused() throws {
        let bytes = try PNG.encode(Pictures.pattern(width: 101, height: 10))
        let error = #expect(throws: ImageError.self) {
            try PNG.decode(bytes, limits: ImageLimits(maximumSide: 1000, maximumPixels: 1009))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test(arguments: [4, 5, 6])
    func damagedBytesNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let originals = [
            try PNG.encode(Pictures.pattern(width: 13, height: 11)), Pictures.bytes(base64: Self.palette),
            Pictures.bytes(base64: Self.transparent), Pictures.bytes(base64: Self.sixteenBits), Pictures.bytes(base64: Self.oneBit),
        ]
        let limits = ImageLimits(maximumSide: 4096, maximumPixels: 1 << 18)
        var outcomes = (images: 0, errors: 0)
        for round in 0..<1000 {
            let bytes = generator.damaged(originals[round % originals.count])
            do {
                let decoded = try PNG.decode(bytes, limits: limits)
                outcomes.images += 1
                #expect(decoded.image.width * decoded.image.height <= limits.maximumPixels)
            } catch {
                outcomes.errors += 1
                #expect(!error.cause.isEmpty)
            }
        }
        #expect(outcomes.images > 0 && outcomes.errors > 0, "seed \(seed): \(outcomes)")
    }

    private static let transparent = """
        iVBORw0KGgoAAAANSUhEUgAAAAYAAAAECAYAAACtBE5DAAAAQUlEQVR4nGPkEpFj2Bcg0tAU1lKvasrNAMMsgb5H/+8w4maIFuRmUBWESghyM7BECzpDBAS5GVSh7GhkCbgOKAYAebkONz8h0TgAAAAASUVORK5CYII=
        """
    private static let palette = """
        iVBORw0KGgoAAAANSUhEUgAAAAYAAAAEBAMAAABfKlNwAAAAGFBMVEWT1JsrxXechIQbhIq4QpKlEUclXoo4LE1zbKhlAAAAGElEQVR4nGNIFnBh+vtVmOmQkDQT/98LACi1BY4u8PT4AAAAAElFTkSuQmCC
        """
    private static let sixteenBits = """
        iVBORw0KGgoAAAANSUhEUgAAAAQAAAADEAAAAADBDy1ZAAAAHElEQVR4nGNgYBDuUBewmsHipyCsIKIgrABnAAA2+QO9ETynPQAAAABJRU5ErkJggg==
        """
    private static let greyTransparent = """
        iVBORw0KGgoAAAANSUhEUgAAAAYAAAAECAQAAAAHDYbIAAAAOElEQVR4nAXBQQ0AIAwEwUD4QUJ93K0IbCEEQzVSKcy0c2xJek/qYMO9e2eOiIjMqrVgVM0JINkfYYsN6LF4+iUAAAAASUVORK5CYII=
        """
    private static let oneBit = "iVBORw0KGgoAAAANSUhEUgAAAAYAAAAEAQAAAACFf3PuAAAAEElEQVR4nGMIYRJhsmDwAQADwADxaFjRYAAAAABJRU5ErkJggg=="
}
