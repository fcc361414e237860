// SPDX-License-Identifier: Apache-2.0
import Images
import TestSupport
import Testing

struct JPEGTests {
    @Test(arguments: [JPEG.Chroma.full, .half, .quarter])
    func aSmoothPictureSurvivesHighQuality(chroma: JPEG.Chroma) throws {
        let image = Pictures.ramp(width: 61, height: 47)
        let bytes = try JPEG.encode(image, quality: 95, chroma: chroma)
        let decoded = try Image.decode(bytes)
        #expect(decoded.format == .jpeg)
        #expect(decoded.warning == nil)
        #expect(decoded.image.width == 61 && decoded.image.height == 47 && decoded.image.channels == 3)
        #expect(Pictures.largestDifference(decoded.image, image) <= 12)
    }

    @Test func lowerQualityAndLessColourTakeFewerBytes() throws {
        let image = Pictures.pattern(width: 64, height: 64)
        let best = try JPEG.encode(image, quality: 95, chroma: .full).count
        let lessColour = try JPEG.encode(image, quality: 95, chroma: .quarter).count
        let worse = try JPEG.encode(image, quality: 30, chroma: .quarter).count
        #expect(best > lessColour && lessColour > worse)
        for quality in [1, 100] { #expect(try JPEG.decode(JPEG.encode(image, quality: quality)).image.width == 64) }
    }

    @Test func greyStaysGrey() throws {
        let image = Pictures.pattern(width: 16, height: 9, channels: 1)
        let decoded = try JPEG.decode(JPEG.encode(image, quality: 100)).image
        #expect(decoded.channels == 1)
        #expect(Pictures.largestDifference(decoded, image) <= 3)
    }

    /// Files written by Pillow 13, and the pixels it reads back from them.
    @Test func decodesAsPillowDoes() throws {
        let progressive = try JPEG.decode(Pictures.bytes(base64: Self.progressive)).image
        #expect(progressive.width == 24 && progressive.height == 16)
        #expect(Array(progressive.pixels[7 * 72..<7 * 72 + 12]) == [9, 110, 190, 12, 112, 190, 19, 112, 189, 27, 113, 186])
        #expect(progressive.pixels.reduce(0) { $0 + Int($1) } == 144_621)
        let grey = try JPEG.decode(Pictures.bytes(base64: Self.grey)).image
        #expect(grey.channels == 1)
        #expect(Array(grey.pixels[3 * 24..<3 * 24 + 8]) == [56, 58, 60, 62, 66, 68, 70, 72])
        let ink = try JPEG.decode(Pictures.bytes(base64: Self.inverted)).image
        #expect(
            ink.pixels == [
                25, 54, 230, 88, 54, 200, 152, 54, 167, 215, 54, 135, 25, 169, 198, 88, 169, 167, 152, 169, 134, 215, 169, 103,
            ])
    }

    /// The corner that is red must be where each of the eight ways of holding the camera shows it.
    @Test(arguments: [(1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 0, 1), (5, 0, 0), (6, 1, 0), (7, 1, 1), (8, 0, 1)])
    func turnsUprightAsTheCameraSays(orientation: Int, column: Int, row: Int) throws {
        var pixels = [UInt8](repeating: 0, count: 48 * 32 * 3)
        for y in 0..<16 { for x in 0..<16 { pixels[(y * 48 + x) * 3] = 255 } }
        let plain = try JPEG.encode(Image(width: 48, height: 32, channels: 3, pixels: pixels), quality: 95, chroma: .full)
        let upright = try JPEG.decode(Self.withOrientation(UInt8(orientation), plain, littleEndian: orientation % 2 == 0)).image
        #expect(upright.width == (orientation < 5 ? 48 : 32) && upright.height == (orientation < 5 ? 32 : 48))
        for (cornerColumn, cornerRow) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let red = upright[x: cornerColumn == 0 ? 4 : upright.width - 5, y: cornerRow == 0 ? 4 : upright.height - 5, channel: 0]
            #expect((red > 128) == (cornerColumn == column && cornerRow == row), "corner \(cornerColumn), \(cornerRow)")
        }
    }

    @Test func everyCutShortFileIsAnErrorThatSaysSo() throws {
        let bytes = try JPEG.encode(Pictures.pattern(width: 40, height: 40), quality: 80)
        for count in 0..<bytes.count - 2 {
            let cut = Array(bytes[..<count])
            let error = #expect(throws: ImageError.self) { try Image.decode(cut, name: "cut.jpg") }
            #expect(error?.operation == "decode cut.jpg")
            if count > bytes.count / 2 { #expect(error?.code == .truncated, "\(count): \(String(describing: error))") }
        }
    }

    /// A small file that would be gone through again and again.
    @Test(arguments: [(500, true), (520, false)]) func pixelsTimesScansAreBounded(scans: Int, isDecoded: Bool) throws {
        var bytes = try JPEG.encode(Pictures.ramp(width: 1024, height: 1024), quality: 50)
        // Behind its end, where they are counted, too.
        for _ in 1..<scans { bytes += [0xFF, 0xDA] }
        if isDecoded {
            #expect(try JPEG.decode(bytes).image.width == 1024)
        } else {
            #expect(throws: ImageError.self) { try JPEG.decode(bytes) }
        }
    }

    @Test func aHugeHeaderIsRefusedBeforeMemoryIsReserved() throws {
        var bytes = try JPEG.encode(Pictures.pattern(width: 16, height: 16), quality: 80)
        let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        for offset in 5...8 { bytes[frame + offset] = 0xFF }
        let error = #expect(throws: ImageError.self) { try JPEG.decode(bytes) }
        #expect(error?.code == .tooLarge || error?.code == .damaged)
        let small = ImageLimits(maximumSide: 15, maximumPixels: 1000)
        let sound = try JPEG.encode(Pictures.pattern(width: 16, height: 16), quality: 80)
        #expect(throws: ImageError(.tooLarge, "decode JPEG", "16×16 pixels; the limits are 15 a side and 1000 in all")) {
            try JPEG.decode(sound, limits: small)
        }
    }

    @Test func oddBytesBetweenSegmentsAreAWarningOnly() throws {
        var bytes = try JPEG.encode(Pictures.ramp(width: 16, height: 16), quality: 90)
        bytes.insert(contentsOf: [1, 2, 3], at: 20)
        let decoded = try JPEG.decode(bytes)
        #expect(decoded.warning != nil)
        #expect(decoded.image.width == 16)
    }

    @Test(arguments: [1, 2, 3])
    func damagedBytesNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let originals = [
            try JPEG.encode(Pictures.pattern(width: 33, height: 17), quality: 75), Pictures.bytes(base64: Self.progressive),
            Pictures.bytes(base64: Self.inverted), Self.withOrientation(6, try JPEG.encode(Pictures.ramp(width: 9, height: 5), quality: 50)),
        ]
        let limits = ImageLimits(maximumSide: 4096, maximumPixels: 1 << 18)
        var outcomes = (images: 0, warnings: 0, errors: 0)
        for round in 0..<1000 {
            let bytes = generator.damaged(originals[round % originals.count])
            do {
                let decoded = try JPEG.decode(bytes, limits: limits)
                outcomes.images += 1
                outcomes.warnings += decoded.warning == nil ? 0 : 1
                #expect(decoded.image.width * decoded.image.height <= limits.maximumPixels)
            } catch {
                outcomes.errors += 1
                #expect(!error.cause.isEmpty)
            }
        }
        #expect(outcomes.images > 0 && outcomes.warnings > 0 && outcomes.errors > 0, "seed \(seed): \(outcomes)")
    }

    /// Puts an Exif segment with the one entry behind the first marker.
    private static func withOrientation(_ value: UInt8, _ jpeg: [UInt8], littleEndian: Bool = true) -> [UInt8] {
        let directory: [UInt8] =
            littleEndian
            ? [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0]
            : [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0, 0, 0, 0, 0]
        let content = Array("Exif".utf8) + [0, 0] + directory
        return Array(jpeg[..<2]) + [0xFF, 0xE1, 0, UInt8(content.count + 2)] + content + jpeg[2...]
    }

    private static let progressive = """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2Nj\
        Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wgARCAAQABgDASIAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAMEBf/EABYBAQEBAAAAAAAAAAAAAAAAAAMEBf/aAAwDAQACEAMQAAAB\
        gbY1hjNEg0//xAAWEAADAAAAAAAAAAAAAAAAAAAAAQL/2gAIAQEAAQUCUCgUCgUCg//EABcRAAMBAAAAAAAAAAAAAAAAAAACAyH/2gAIAQMBAT8BjYW2H//EABgRAAIDAAAAAAAAAAAAAAAAAAAEAgMh/9oACAEC\
        AQE/AbGSTOn/xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAY/Al//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAE/IUAB/9oADAMBAAIAAwAAABAEL//EABQRAQAAAAAAAAAAAAAAAAAAABD/2gAIAQMB\
        AT8QCf/EABYRAQEBAAAAAAAAAAAAAAAAAABRYf/aAAgBAgEBPxDdU//EABUQAQEAAAAAAAAAAAAAAAAAAABh/9oACAEBAAE/EIooooov/9k=
        """

    private static let grey = """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAQABgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAA\
        AAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4\
        eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AMGOy9qtR2XtVqOy9qvR2XtVqOy9qtR2XtX/2Q==
        """

    private static let inverted = """
        /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgAAgAEBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEB\
        AQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm\
        Z2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD2n9hj/k3Hw7+P/oK16T/wq/wZ\
        /wBCloX/AILYf/iat/HPVb3/AIWPqP8Aplx2/wCWrep96/VOv//Z
        """
}
