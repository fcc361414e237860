// SPDX-License-Identifier: Apache-2.0

/// A house with a gable roof, a block of flats or a shed.
struct Building: Shape {
    let height: Double
    private let halfWidth: Float
    private let halfDepth: Float
    private let gable: Float
    private let wall: Colour
    private let roof: Colour
    private let window: Colour
    private let storey: Float
    private let hasWindows: Bool

    init(random: inout SplitMix64) {
        let isBlock = random.chance(0.45)
        height = isBlock ? random.uniform(7...16) : random.uniform(3.2...5.5)
        halfWidth = Float(isBlock ? random.uniform(4...8) : random.uniform(3...6))
        halfDepth = Float(isBlock ? random.uniform(4...7) : random.uniform(3...5))
        gable = isBlock || random.chance(0.25) ? 0 : Float(random.uniform(1.4...3))
        wall = random.pick([
            Colour.rgb(0.62, 0.58, 0.50), .rgb(0.42, 0.22, 0.15), .rgb(0.50, 0.50, 0.50), .rgb(0.70, 0.68, 0.64),
            .rgb(0.55, 0.42, 0.26), .rgb(0.28, 0.33, 0.38),
        ])
        roof = random.pick([Colour.rgb(0.40, 0.13, 0.08), .rgb(0.16, 0.15, 0.15), .rgb(0.28, 0.18, 0.12), .grey(0.34)])
        window = random.chance(0.3) ? .rgb(0.55, 0.50, 0.32) : .rgb(0.08, 0.11, 0.15)
        storey = Float(random.uniform(2.4...3.2))
        hasWindows = isBlock || random.chance(0.8)
    }

    var reach: Double { Double((halfWidth * halfWidth + halfDepth * halfDepth).squareRoot()) }
    var altitudes: ClosedRange<Double> { 2...(height * 0.9) }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * ((height + Double(gable)) * Double(halfWidth + halfDepth)).squareRoot() / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let aside = Vector(heading.z, 0, -heading.x)
        let tall = Float(height)
        painter.shadow(of: place, radius: max(halfWidth, halfDepth) * 1.25, height: tall)
        func corner(_ x: Float, _ y: Float, _ z: Float) -> Vector {
            place + aside * (x * halfWidth) + .up * y + heading * (z * halfDepth)
        }
        let sides: [(Float, Float, Float, Float)] = [(1, -1, -1, -1), (-1, -1, -1, 1), (-1, 1, 1, 1), (1, 1, 1, -1)]
        for (x0, z0, x1, z1) in sides {
            painter.face([corner(x0, 0, z0), corner(x1, 0, z1), corner(x1, tall, z1), corner(x0, tall, z0)]) { place, pixel in
                facade(place, pixel)
            }
        }
        let tiles = roof
        guard gable > 0 else {
            painter.face([corner(1, tall, -1), corner(-1, tall, -1), corner(-1, tall, 1), corner(1, tall, 1)]) { place, _ in
                tiles * (place.x < 0.5 || place.y < 0.5 ? 1.3 : 1)
            }
            return
        }
        let ridge = tall + gable
        let plain = wall * 0.95
        for z in [-1, 1] as [Float] {
            painter.face([corner(-z, tall, z), corner(z, tall, z), corner(0, ridge, z)]) { _, _ in plain }
        }
        for x in [-1, 1] as [Float] {
            painter.face([
                corner(x * 1.12, tall - 0.12 * gable, -x * 1.08), corner(x * 1.12, tall - 0.12 * gable, x * 1.08),
                corner(0, ridge, x * 1.08), corner(0, ridge, -x * 1.08),
            ]) { place, pixel in
                let course = place.y * 3
                let shade = (course - Float(course.floorToInt)) * (1 - pixel * 6).unitClamped
                return tiles * (0.92 + 0.16 * shade)
            }
        }
    }

    private func facade(_ place: SIMD2<Float>, _ pixel: Float) -> Colour {
        let base = wall * (place.y < 0.5 ? 0.75 : 1)
        guard hasWindows else {
            let plank = place.x * 2.2
            return base * (0.9 + 0.2 * abs(plank - Float(plank.floorToInt) - 0.5) * (1 - pixel * 5).unitClamped)
        }
        let across = place.x / 2.1, above = place.y / storey
        let dx = abs(across - Float(across.floorToInt) - 0.5) * 2.1
        let dy = abs(above - Float(above.floorToInt) - 0.55) * storey
        let soft = max(pixel, 0.05)
        let inside = ((0.55 - dx) / soft + 0.5).unitClamped * ((0.7 - dy) / soft + 0.5).unitClamped
        return base.mixed(with: window, inside * (1.6 - pixel).unitClamped)
    }
}
