// SPDX-License-Identifier: Apache-2.0

/// Bushes, stones, posts and puddles: small things on the ground that are in nobody's way.
struct Undergrowth: Sendable {
    private static let cell: Float = 3.5
    private static let reach = 14
    private let seed: UInt64
    private let growth: Double
    private let foliage: Colour

    init(terrain: Terrain, random: inout SplitMix64) {
        seed = random.next()
        growth = terrain.growth
        foliage = terrain.hills.mixed(with: .rgb(0.12, 0.24, 0.06), 0.5)
    }

    /// Draws what lies between two distances along the course, in metres from the viewpoint, the farthest first.
    ///
    /// The lane around `clearLane`, metres to the right of the course's origin, stays free within 2 m.
    func draw(with painter: inout Painter, from near: Float, to far: Float, clearLane: Float) {
        let position = painter.view.position
        let firstRow = ((position.z + max(near, 1)) / Self.cell).floorToInt
        let lastRow = ((position.z + min(far, Float(Self.reach) * Self.cell)) / Self.cell).floorToInt
        guard firstRow <= lastRow else { return }
        for row in (firstRow...lastRow).reversed() {
            let ahead = Float(row) * Self.cell - position.z
            let columns = Int(max(ahead, 2) * 0.85 / Self.cell) + 2
            let middle = (position.x / Self.cell).floorToInt
            for column in (middle - columns)...(middle + columns) {
                var random = SplitMix64(
                    seed: SplitMix64.mix(seed ^ UInt64(bitPattern: Int64(row &* 73_856_093)))
                        ^ UInt64(bitPattern: Int64(column &* 19_349_663)))
                guard random.chance(growth) else { continue }
                let x = (Float(column) + Float(random.uniform(0.15...0.85))) * Self.cell
                let z = (Float(row) + Float(random.uniform(0.15...0.85))) * Self.cell
                guard z - position.z >= near, z - position.z < far, abs(x - clearLane) > 2 else { continue }
                drawOne(at: Vector(x, 0, z), with: &painter, random: &random)
            }
        }
    }

    private func drawOne(at place: Vector, with painter: inout Painter, random: inout SplitMix64) {
        let size = Float(random.uniform(0.18...0.55))
        let tone = Float(random.uniform(0.7...1.4))
        switch random.index(10) {
        case 0..<5:
            painter.shadow(of: place, radius: size, height: size)
            let wide = size * Float(random.uniform(0.9...1.5))
            painter.blob(
                at: place + .up * (size * 0.75), radii: SIMD2(wide, size), albedo: foliage * tone, ragged: 0.7, mottled: 0.8,
                seed: place.x)
        case 5..<7:
            painter.shadow(of: place, radius: size * 0.6, height: size * 0.4)
            painter.blob(
                at: place + .up * (size * 0.2), radii: SIMD2(size * 0.7, size * 0.42), albedo: .rgb(0.33, 0.32, 0.30) * tone,
                ragged: 0.35, mottled: 0.5, seed: place.z)
        case 7:
            painter.shadow(of: place, radius: 0.08, height: 1)
            painter.limb(
                from: place, to: place + .up * (0.7 + size * 0.6), radius: 0.06, albedo: .rgb(0.26, 0.20, 0.14) * tone)
        default:
            let damp = Colour(0.10, 0.11, 0.10, 0.55) * tone
            painter.decal(at: place, halfSize: SIMD2(size * 2.4, size * 1.8), heading: Vector(0, 0, 1)) { place in
                damp.opacity((2.2 - 2.2 * (place.x * place.x + place.y * place.y).squareRoot()).unitClamped * 0.6)
            }
        }
    }
}
