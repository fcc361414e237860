// SPDX-License-Identifier: Apache-2.0
import Images
import TestSupport
import Testing

struct PixelStatisticsTests {
    /// Every pixel, by the definition.
    static func defined(_ image: Image) -> (luminance: Double, contrast: Double, sharpness: Double) {
        func light(_ x: Int, _ y: Int) -> Double {
            guard image.channels == 3 else { return Double(image[x: x, y: y, channel: 0]) }
            return (Double(image[x: x, y: y, channel: 0]) + 2 * Double(image[x: x, y: y, channel: 1]) + Double(image[x: x, y: y, channel: 2])) / 4
        }
        let inside = (1..<image.height - 1).flatMap { y in (1..<image.width - 1).map { x in (x, y) } }
        let lights = inside.map { light($0.0, $0.1) }
        let bends = inside.map { x, y in 4 * light(x, y) - light(x - 1, y) - light(x + 1, y) - light(x, y - 1) - light(x, y + 1) }
        func variance(_ list: [Double]) -> Double {
            let mean = list.reduce(0, +) / Double(list.count)
            return list.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(list.count)
        }
        return (lights.reduce(0, +) / Double(lights.count), variance(lights).squareRoot(), variance(bends))
    }

    static func statistics(_ image: Image) -> PixelStatistics {
        PixelStatistics(image.pixels.span, width: image.width, height: image.height, channels: image.channels)
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func smallImagesAreMeasuredByTheDefinition(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let (width, height) = (Int.random(in: 3...64, using: &random), Int.random(in: 3...64, using: &random))
        let channels = Bool.random(using: &random) ? 1 : 3
        let image = Image(
            width: width, height: height, channels: channels, pixels: (0..<width * height * channels).map { _ in UInt8.random(in: 0...255, using: &random) })
        let found = Self.statistics(image)
        let wanted = Self.defined(image)
        #expect(abs(found.luminance - wanted.luminance) < 1e-9 * 255)
        #expect(abs(found.contrast - wanted.contrast) < 1e-6 * 255)
        #expect(abs(found.sharpness - wanted.sharpness) < 1e-6 * 1e6)
        #expect(found.difference(from: found) == 0)
    }

    @Test func oneColourHasNoContrastAndNoSharpness() {
        for (width, height) in [(1, 1), (2, 9), (3, 3), (224, 224), (1, 4000)] {
            let found = Self.statistics(Image(width: width, height: height, channels: 3, filledWith: 77))
            #expect(found.luminance == 77 && found.contrast == 0 && found.sharpness == 0, "\(width)×\(height)")
        }
    }

    @Test func aLargeImageIsMeasuredAlikeFromItsGrid() {
        var random = SeededGenerator(seed: 5)
        let image = Image(width: 640, height: 480, channels: 3, pixels: (0..<640 * 480 * 3).map { _ in UInt8.random(in: 100...120, using: &random) })
        let found = Self.statistics(image)
        let wanted = Self.defined(image)
        #expect(abs(found.luminance - wanted.luminance) < 0.3 && abs(found.contrast / wanted.contrast - 1) < 0.1 && abs(found.sharpness / wanted.sharpness - 1) < 0.15)
    }

    @Test func anotherSceneDiffersInItsFields() {
        let dark = Self.statistics(Image(width: 32, height: 32, channels: 1, filledWith: 20))
        let half = Self.statistics(Image(width: 32, height: 32, channels: 1, pixels: (0..<1024).map { $0 < 512 ? 20 : 60 }))
        #expect(dark.difference(from: half) == 20 && half.difference(from: dark) == 20)
    }
}
