// SPDX-License-Identifier: Apache-2.0

/// A round or square pad on the ground, marked with an H or a cross.
struct LandingPad: Shape {
    private let radius: Float
    private let ground: Colour
    private let paint: Colour
    private let isSquare: Bool
    private let hasCross: Bool

    init(random: inout SplitMix64) {
        radius = Float(random.uniform(0.9...2.6))
        let palette = random.pick([
            (Colour.rgb(0.65, 0.25, 0.03), Colour.rgb(0.75, 0.74, 0.72)), (.rgb(0.06, 0.17, 0.44), .rgb(0.75, 0.74, 0.72)),
            (.grey(0.22), .rgb(0.74, 0.73, 0.70)), (.grey(0.24), .rgb(0.70, 0.55, 0.06)), (.rgb(0.10, 0.28, 0.16), .grey(0.72)),
        ])
        ground = palette.0
        paint = palette.1
        isSquare = random.chance(0.35)
        hasCross = random.chance(0.25)
    }

    var height: Double { Double(radius) }
    var altitudes: ClosedRange<Double> { 1.6...6 }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        let width = Double(radius) * 2 / distance
        let foreshortening = altitude / (distance * distance + altitude * altitude).squareRoot()
        return Double(Viewpoint.focalLength) * width * foreshortening.squareRoot()
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let shape = self
        painter.decal(at: Vector(place.x, 0, place.z), halfSize: SIMD2(radius, radius), heading: heading) { place in
            shape.pattern(place)
        }
    }

    private func pattern(_ place: SIMD2<Float>) -> Colour {
        let x = place.x.magnitude, y = place.y.magnitude
        let distance = isSquare ? max(x, y) : (x * x + y * y).squareRoot()
        if distance > 0.98 { return .zero }
        if distance > 0.76, distance < 0.9 { return paint }
        let isMark = hasCross
            ? min((x - y).magnitude, 1) < 0.12 && max(x, y) < 0.5
            : (x > 0.24 && x < 0.4 && y < 0.5) || (x <= 0.24 && y < 0.09)
        return isMark ? paint : ground
    }
}
