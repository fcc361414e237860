// SPDX-License-Identifier: Apache-2.0

/// What the ground of one place is made of.
struct Terrain: Sendable {
    let base: Colour
    let second: Colour
    /// Fields that differ from their neighbours: how much, and how wide they are in metres.
    let fieldContrast: Float
    let fieldSize: Float
    /// Rows of crops or furrows: how strong, how far apart in metres, and their direction.
    let rowContrast: Float
    let rowSpacing: Float
    let rowDirection: SIMD2<Float>
    let grain: Float
    let track: Track?
    let hills: Colour
    let hillHeight: Float
    /// The share of cells with a bush, a stone or a post in them.
    let growth: Double

    /// A dirt track or a road: metres across the course, and how far it leaves the course for each metre ahead.
    struct Track {
        let colour: Colour
        let halfWidth: Float
        let offset: Float
        let slope: Float
    }

    private typealias Kind = (
        base: Colour, second: Colour, field: Float, row: Float, grain: Float, hills: Colour, growth: Double
    )

    private static let kinds: [Kind] = [
        // Meadow, farmland, steppe, stubble, concrete yard, snow.
        (.rgb(0.16, 0.27, 0.07), .rgb(0.28, 0.34, 0.10), 0.25, 0.0, 0.45, .rgb(0.07, 0.15, 0.07), 0.30),
        (.rgb(0.20, 0.28, 0.08), .rgb(0.36, 0.30, 0.14), 0.70, 0.5, 0.30, .rgb(0.09, 0.16, 0.08), 0.12),
        (.rgb(0.42, 0.31, 0.17), .rgb(0.34, 0.30, 0.15), 0.20, 0.0, 0.50, .rgb(0.25, 0.18, 0.12), 0.34),
        (.rgb(0.50, 0.40, 0.18), .rgb(0.40, 0.33, 0.16), 0.45, 0.7, 0.35, .rgb(0.14, 0.17, 0.08), 0.10),
        (.rgb(0.27, 0.27, 0.27), .rgb(0.36, 0.35, 0.33), 0.30, 0.0, 0.25, .rgb(0.20, 0.20, 0.22), 0.14),
        (.rgb(0.74, 0.77, 0.82), .rgb(0.62, 0.66, 0.72), 0.12, 0.0, 0.18, .rgb(0.30, 0.34, 0.38), 0.22),
    ]

    init(random: inout SplitMix64) {
        let kind = random.pick([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5])
        let chosen = Self.kinds[kind]
        let tone = Float(random.uniform(0.8...1.2))
        base = chosen.base * tone
        second = chosen.second * tone
        fieldContrast = chosen.field * Float(random.uniform(0.4...1.2))
        fieldSize = Float(random.uniform(12...40))
        rowContrast = random.chance(0.7) ? chosen.row : 0
        rowSpacing = Float(random.uniform(0.7...2.2))
        let angle = random.uniform(-1.6...1.6)
        rowDirection = SIMD2(Float(Portable.cos(angle)), Float(Portable.sin(angle)))
        grain = chosen.grain
        if random.chance(0.4) {
            let colour = random.pick([Colour.rgb(0.30, 0.24, 0.16), .grey(0.20), .grey(0.32)])
            let halfWidth = Float(random.uniform(0.8...2.6)), offset = Float(random.uniform(-6...6))
            let slope = Float(random.uniform(-0.25...0.25))
            track = Track(colour: colour, halfWidth: halfWidth, offset: offset, slope: slope)
        } else {
            track = nil
        }
        hills = chosen.hills
        hillHeight = Float(random.uniform(0.3...1.3))
        growth = chosen.growth * random.uniform(0.2...1.3)
    }

    /// The albedo at a point of the ground in metres; detail finer than `pixel` metres is left out.
    func albedo(x: Float, z: Float, pixel: Float, noise: NoiseField) -> Colour {
        let broad = noise.at(x * 0.11, z * 0.11)
        var colour = base.mixed(with: second, broad)
        let warp = broad * 6
        let column = ((x + warp) / fieldSize).floorToInt, row = ((z - warp) / (fieldSize * 1.4)).floorToInt
        colour *= 1 + (noise.lattice(column &+ 11, row &+ 7) - 0.5) * fieldContrast
        if rowContrast > 0 {
            let across = (x * rowDirection.x + z * rowDirection.y) / rowSpacing
            let wave = abs(across - Float(across.floorToInt) - 0.5) * 4 - 1
            colour *= 1 + wave * 0.45 * rowContrast * (1.4 - pixel * 3 / rowSpacing).unitClamped
        }
        let coarse = (1.5 - pixel * 2).unitClamped, fine = (1.5 - pixel * 8).unitClamped
        if coarse > 0 { colour *= 1 + (noise.at(x * 0.9, z * 0.9) - 0.5) * grain * coarse }
        if fine > 0 { colour *= 1 + (noise.at(x * 4.1, z * 4.1) - 0.5) * grain * fine }
        if let track {
            let distance = abs(x - track.offset - track.slope * z + (broad - 0.5) * 3)
            let inside = ((track.halfWidth - distance) / max(pixel, 0.3) + 0.5).unitClamped
            colour = colour.mixed(with: track.colour * (0.85 + broad * 0.3), inside)
        }
        return colour
    }
}
