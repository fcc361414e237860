// SPDX-License-Identifier: Apache-2.0

/// Another drone: body, four arms, turning rotors, skids and position lights.
struct Quadcopter: Shape {
    private let span: Float
    private let shell: Colour
    private let spin: Double
    private let hasSkids: Bool

    init(random: inout SplitMix64) {
        span = Float(random.uniform(0.6...1.4))
        shell = random.pick([
            Colour.grey(0.06), .rgb(0.72, 0.72, 0.72), .rgb(0.70, 0.28, 0.04), .grey(0.2), .rgb(0.50, 0.06, 0.05),
        ])
        spin = random.uniform(17...31)
        hasSkids = random.chance(0.75)
    }

    var height: Double { Double(span) }
    var altitudes: ClosedRange<Double> { 2...14 }
    var isAirborne: Bool { true }
    var speed: Double { 0.9 }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * height * 0.55 / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let aside = Vector(heading.z, 0, -heading.x)
        painter.shadow(of: place, radius: span * 0.4, height: 0.2)
        let elevation = (painter.view.position - place).normalised.y
        let flat = max(elevation.magnitude, 0.1)
        for (x, z) in [(-1, 1), (1, 1), (-1, -1), (1, -1)] as [(Float, Float)] {
            let motor = place + aside * (x * span * 0.36) + heading * (z * span * 0.36) + .up * (span * 0.05)
            painter.limb(from: place, to: motor, radius: span * 0.028, albedo: shell * 0.8)
            painter.limb(
                from: motor - .up * (span * 0.03), to: motor + .up * (span * 0.05), radius: span * 0.04, albedo: .grey(0.1))
            let disc = motor + .up * (span * 0.07)
            painter.blob(
                at: disc, radii: SIMD2(span * 0.2, span * 0.2 * flat), albedo: Colour(0.16, 0.16, 0.17, 0.42))
            let angle = time * spin * Double(x * z) + Double(x)
            let blade = Vector.heading(angle) * (span * 0.2)
            painter.limb(from: disc - blade, to: disc + blade, radius: span * 0.012, albedo: .grey(0.1))
            painter.lamp(
                at: motor - .up * (span * 0.04), radius: span * 0.02,
                colour: x < 0 ? .rgb(0.9, 0.1, 0.08) : .rgb(0.1, 0.8, 0.2))
        }
        painter.limb(
            from: place - heading * (span * 0.14), to: place + heading * (span * 0.14), radius: span * 0.09, albedo: shell)
        let eye = place + heading * (span * 0.17) - .up * (span * 0.07)
        painter.blob(at: eye, radii: SIMD2(0.05, 0.05) * span, albedo: .grey(0.03))
        guard hasSkids else { return }
        for side in [-1, 1] as [Float] {
            let foot = place + aside * (side * span * 0.18) - .up * (span * 0.24)
            painter.limb(from: place + aside * (side * span * 0.08), to: foot, radius: span * 0.018, albedo: shell * 0.7)
            let runner = heading * (span * 0.16)
            painter.limb(from: foot - runner, to: foot + runner, radius: span * 0.018, albedo: shell * 0.7)
        }
    }
}
