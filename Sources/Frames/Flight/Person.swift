// SPDX-License-Identifier: Apache-2.0

/// Somebody who stands or walks.
struct Person: Shape {
    let height: Double
    private let coat: Colour
    private let trousers: Colour
    private let skin: Colour
    private let hair: Colour
    private let pace: Double
    private let arms: Double

    init(random: inout SplitMix64) {
        height = random.uniform(1.5...1.95)
        coat = random.pick([
            Colour.rgb(0.55, 0.08, 0.06), .rgb(0.08, 0.16, 0.42), .rgb(0.75, 0.42, 0.05), .rgb(0.62, 0.62, 0.60),
            .rgb(0.10, 0.10, 0.11), .rgb(0.12, 0.26, 0.14), .rgb(0.60, 0.62, 0.10), .rgb(0.30, 0.22, 0.15),
        ])
        trousers = random.pick([Colour.rgb(0.06, 0.08, 0.16), .rgb(0.09, 0.08, 0.07), .rgb(0.32, 0.27, 0.18), .grey(0.25)])
        skin = random.pick([Colour.rgb(0.60, 0.40, 0.29), .rgb(0.36, 0.21, 0.13), .rgb(0.17, 0.10, 0.07)])
        hair = random.pick([Colour.rgb(0.05, 0.04, 0.03), .rgb(0.24, 0.14, 0.06), .rgb(0.45, 0.35, 0.18), .grey(0.5)])
        pace = random.chance(0.3) ? 0 : random.uniform(0.3...0.55)
        arms = random.chance(0.2) ? random.uniform(1.6...2.6) : 0.18
    }

    var altitudes: ClosedRange<Double> { 1.2...5 }
    var speed: Double { pace * 1.6 }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * height * 0.58 / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let tall = Float(height)
        let aside = Vector(heading.z, 0, -heading.x)
        let swing = Float(Portable.sin(time * 6.2) * pace)
        painter.shadow(of: place, radius: 0.35, height: tall)
        let hip = place + .up * (tall * 0.5), shoulder = place + .up * (tall * 0.8)
        for side in [-1, 1] as [Float] {
            let joint = hip + aside * (side * tall * 0.055)
            let foot = place + aside * (side * tall * 0.06) + heading * (side * swing * tall * 0.5) + .up * 0.05
            painter.limb(from: joint, to: foot, radius: tall * 0.05, endRadius: tall * 0.035, albedo: trousers)
        }
        painter.limb(from: hip, to: shoulder - .up * (tall * 0.03), radius: tall * 0.085, endRadius: tall * 0.1, albedo: coat)
        let lift = Float(Portable.sin(arms)), drop = Float(Portable.cos(arms))
        for side in [-1, 1] as [Float] {
            let joint = shoulder + aside * (side * tall * 0.11)
            let hand = joint + (aside * (side * lift) - .up * drop - heading * (side * swing * 0.8)) * (tall * 0.36)
            painter.limb(from: joint, to: hand, radius: tall * 0.034, endRadius: tall * 0.026, albedo: coat * 0.92)
            painter.blob(at: hand, radii: SIMD2(0.028, 0.028) * tall, albedo: skin)
        }
        let head = place + .up * (tall * 0.92)
        painter.limb(from: shoulder, to: head, radius: tall * 0.032, albedo: skin)
        painter.blob(at: head, radii: SIMD2(0.058, 0.075) * tall, albedo: skin)
        painter.blob(at: head + .up * (tall * 0.03), radii: SIMD2(0.06, 0.05) * tall, albedo: hair)
    }
}
