// SPDX-License-Identifier: Apache-2.0

/// What the camera makes of the light: motion blur, rain before the lens, vignette, noise and 8-bit values.
struct Sensor: Sendable {
    private let conditions: Conditions
    private let exposure: Float
    /// The direction of the blur on the frame, a unit vector.
    private let shake: SIMD2<Float>

    init(conditions: Conditions, exposure: Float, random: inout SplitMix64) {
        self.conditions = conditions
        self.exposure = exposure
        let angle = random.uniform(-0.7...0.7)
        shake = SIMD2(Float(Portable.cos(angle)), Float(Portable.sin(angle)))
    }

    /// RGB interleaved, row by row; `seed` must differ from frame to frame.
    func expose(_ canvas: inout Canvas, seed: UInt64) -> [UInt8] {
        if conditions.rain > 0 { rain(on: &canvas, seed: seed) }
        if conditions.blur > 1 { blur(&canvas) }
        var bytes = [UInt8](repeating: 0, count: Canvas.width * Canvas.height * 3)
        let grain = Float(conditions.noise) * 255 / 0.408 / 256
        let centre = Viewpoint.centre
        for y in 0..<Canvas.height {
            for x in 0..<Canvas.width {
                let index = y &* Canvas.width &+ x
                let offset = (SIMD2(Float(x) + 0.5, Float(y) + 0.5) - centre) / centre
                let vignette = 1 - 0.09 * (offset.x * offset.x + offset.y * offset.y)
                let gain: Float = exposure * vignette
                let exposed = canvas.pixels[index] * gain
                let limited = exposed.clamped(lowerBound: .zero, upperBound: SIMD4(repeating: 1))
                var levels = limited.squareRoot() * 255
                let bits = SplitMix64.mix(seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
                levels.x += Self.triangular(bits) * grain
                levels.y += Self.triangular(bits >> 16) * grain
                levels.z += Self.triangular(bits >> 32) * grain
                levels = (levels + 0.5).clamped(lowerBound: .zero, upperBound: SIMD4(repeating: 255))
                bytes[index &* 3] = UInt8(levels.x)
                bytes[index &* 3 &+ 1] = UInt8(levels.y)
                bytes[index &* 3 &+ 2] = UInt8(levels.z)
            }
        }
        return bytes
    }

    /// The sum of two random bytes less its mean: a triangular distribution with a standard deviation of 0.408 * 256.
    private static func triangular(_ bits: UInt64) -> Float {
        Float(Int(bits & 255) + Int((bits >> 8) & 255) - 255)
    }

    private func blur(_ canvas: inout Canvas) {
        let taps = min(9, Int(conditions.blur) + 3)
        let source = canvas.pixels
        let step = shake * (Float(conditions.blur) / Float(taps - 1))
        for y in 0..<Canvas.height {
            for x in 0..<Canvas.width {
                var sum = Colour.zero
                for tap in 0..<taps {
                    let along = Float(tap) - Float(taps - 1) * 0.5
                    let column = max(0, min(Canvas.width - 1, (Float(x) + step.x * along + 0.5).floorToInt))
                    let row = max(0, min(Canvas.height - 1, (Float(y) + step.y * along + 0.5).floorToInt))
                    sum += source[row &* Canvas.width &+ column]
                }
                canvas.pixels[y &* Canvas.width &+ x] = sum / Float(taps)
            }
        }
    }

    private func rain(on canvas: inout Canvas, seed: UInt64) {
        var random = SplitMix64(seed: seed ^ 0x5241_494E)
        let slant = shake.x * 0.3
        for _ in 0..<Int(conditions.rain * 90) {
            let start = SIMD2(Float(random.uniform(-8...104)), Float(random.uniform(-14...96)))
            let length = Float(random.uniform(4...15))
            let bright = Float(random.uniform(0.12...0.34))
            let colour = Colour(0.75, 0.78, 0.82, bright)
            canvas.line(
                from: start, to: start + SIMD2(slant * length, length), startRadius: 0.22, endRadius: 0.38
            ) { _, _ in colour }
        }
    }
}
