// SPDX-License-Identifier: Apache-2.0

/// What a glance at an image tells: how bright it is, whether there is anything to see, and whether the scene is the one before.
///
/// Looks at no more than 64 × 64 pixels of a grid and their neighbours, and allocates nothing. Luminance is `(r + 2g + b) / 4`, for any order of the channels
/// that has green in the middle.
package struct PixelStatistics: Hashable, Sendable {
    /// Mean luminance, 0 … 255.
    package var luminance: Double
    /// Standard deviation of the luminance, 0 … 127.5.
    package var contrast: Double
    /// Variance of `4·l(x, y) − l(x ± 1, y) − l(x, y ± 1)`, in squared steps of luminance; 0 for images of less than 3 × 3 pixels.
    package var sharpness: Double
    /// Mean luminance of 4 × 4 fields, rows first.
    package var fields: SIMD16<UInt8>

    package init(luminance: Double, contrast: Double, sharpness: Double, fields: SIMD16<UInt8>) {
        self.luminance = luminance
        self.contrast = contrast
        self.sharpness = sharpness
        self.fields = fields
    }

    /// - Parameters:
    ///   - pixels: `[height, width, channels]`, interleaved.
    ///   - channels: 1 or 3.
    package init(_ pixels: Span<UInt8>, width: Int, height: Int, channels: Int) {
        precondition(width > 0 && height > 0 && (channels == 1 || channels == 3), "an image has pixels of 1 or 3 channels")
        precondition(pixels.count == width * height * channels, "an image has width · height · channels samples")
        let row = width * channels
        /// Four times the luminance, 0 … 1020.
        func light(_ place: Int) -> Int {
            channels == 1 ? 4 * Int(pixels[place]) : Int(pixels[place]) + 2 * Int(pixels[place + 1]) + Int(pixels[place + 2])
        }
        let hasInside = width > 2 && height > 2
        let border = hasInside ? 1 : 0
        let step = max(1, (max(width, height) + 63) / 64)
        var count = 0
        var sum = 0
        var squares = 0
        var bends = 0
        var squaredBends = 0
        var fieldSums = SIMD16<Int32>()
        var fieldCounts = SIMD16<Int32>()
        for y in stride(from: border, to: height - border, by: step) {
            for x in stride(from: border, to: width - border, by: step) {
                let place = y * row + x * channels
                let here = light(place)
                count += 1
                sum += here
                squares += here * here
                let field = 4 * (4 * y / height) + 4 * x / width
                fieldSums[field] += Int32(here)
                fieldCounts[field] += 1
                guard hasInside else { continue }
                let bend = 4 * here - light(place - channels) - light(place + channels) - light(place - row) - light(place + row)
                bends += bend
                squaredBends += bend * bend
            }
        }
        func variance(_ sum: Int, _ squares: Int) -> Double {
            let mean = Double(sum) / Double(count)
            return max(0, Double(squares) / Double(count) - mean * mean)
        }
        var fields = SIMD16<UInt8>()
        for field in 0..<16 { fields[field] = fieldCounts[field] == 0 ? 0 : UInt8(fieldSums[field] / (4 * fieldCounts[field])) }
        self.init(
            luminance: Double(sum) / Double(count) / 4, contrast: variance(sum, squares).squareRoot() / 4, sharpness: variance(bends, squaredBends) / 16,
            fields: fields)
    }

    /// Mean difference of the fields, 0 … 255: little where the camera sees the same scene.
    package func difference(from other: PixelStatistics) -> Double {
        var sum = 0
        for field in 0..<16 { sum += abs(Int(fields[field]) - Int(other.fields[field])) }
        return Double(sum) / 16
    }
}
