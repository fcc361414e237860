// SPDX-License-Identifier: Apache-2.0

/// A cow, a horse, a deer or a sheep.
struct Animal: Shape {
    private enum Species { case cow, horse, deer, sheep }

    let height: Double
    private let species: Species
    private let coat: Colour
    private let patches: Colour?
    private let isGrazing: Bool
    private let pace: Double

    init(random: inout SplitMix64) {
        species = random.pick([.cow, .cow, .horse, .deer, .sheep])
        switch species {
        case .cow:
            height = random.uniform(1.35...1.6)
            coat = random.pick([Colour.rgb(0.30, 0.14, 0.07), .rgb(0.05, 0.05, 0.05), .rgb(0.62, 0.58, 0.52)])
            patches = random.chance(0.6) ? random.pick([.rgb(0.70, 0.68, 0.64), .rgb(0.04, 0.04, 0.04)]) : nil
        case .horse:
            height = random.uniform(1.5...1.75)
            coat = random.pick([Colour.rgb(0.20, 0.09, 0.04), .rgb(0.06, 0.05, 0.05), .rgb(0.55, 0.52, 0.48)])
            patches = nil
        case .deer:
            height = random.uniform(1.1...1.4)
            coat = Colour.rgb(0.32, 0.19, 0.09) * Float(random.uniform(0.7...1.2))
            patches = nil
        case .sheep:
            height = random.uniform(0.85...1.05)
            coat = random.pick([Colour.rgb(0.66, 0.62, 0.53), .rgb(0.66, 0.62, 0.53), .rgb(0.12, 0.10, 0.08)])
            patches = nil
        }
        isGrazing = random.chance(0.4)
        pace = random.chance(0.5) ? 0 : random.uniform(0.15...0.4)
    }

    var altitudes: ClosedRange<Double> { 1.2...4.5 }
    var speed: Double { pace * 2 }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * height * 0.95 / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let tall = Float(height)
        let aside = Vector(heading.z, 0, -heading.x)
        let long = tall * (species == .sheep ? 0.42 : 0.44)
        let girth = tall * (species == .deer ? 0.17 : species == .sheep ? 0.27 : 0.24)
        let back = tall * (species == .sheep ? 0.62 : 0.66)
        let swing = Float(Portable.sin(time * 4.4) * pace) * tall
        painter.shadow(of: place, radius: long * 0.9, height: tall * 0.6)
        let dark = coat * 0.6
        for (fore, side) in [(-1, -1), (-1, 1), (1, -1), (1, 1)] as [(Float, Float)] {
            let hip = place + heading * (fore * long * 0.82) + aside * (side * girth * 0.55) + .up * back
            let foot = place + heading * (fore * long * 0.85 + fore * side * swing) + aside * (side * girth * 0.5)
            painter.limb(from: hip, to: foot, radius: tall * 0.055, endRadius: tall * 0.032, albedo: dark)
        }
        let rump = place - heading * long + .up * back, chest = place + heading * long + .up * back
        if species == .sheep {
            let middle = place + .up * back
            let visible = girth + (long - girth * 0.3) * min(1, (painter.view.right.dot(heading)).magnitude)
            painter.blob(at: middle, radii: SIMD2(visible, girth * 1.1), albedo: coat, ragged: 0.3, mottled: 0.4)
        } else {
            painter.limb(from: rump, to: chest, radius: girth * 0.86, endRadius: girth, albedo: coat)
            if let patches {
                for (fore, lift, size) in [(-0.7, 0.25, 0.55), (0.15, 0.1, 0.7), (0.9, 0.3, 0.45)] as [(Float, Float, Float)] {
                    let spot = place + heading * (long * fore) + .up * (back + girth * lift)
                    painter.blob(
                        at: spot, radii: SIMD2(girth, girth * 0.8) * size, albedo: patches, ragged: 0.8, seed: fore * 9)
                }
            }
            painter.limb(
                from: rump + .up * (girth * 0.5), to: rump - heading * 0.12 - .up * (tall * 0.3), radius: tall * 0.022,
                albedo: dark)
        }
        let rise: Float = isGrazing ? -0.42 : species == .cow ? 0.16 : species == .sheep ? 0.18 : 0.4
        let head = chest + heading * (tall * 0.3) + .up * (tall * rise)
        painter.limb(
            from: chest + .up * (girth * 0.3), to: head, radius: girth * 0.52, endRadius: girth * 0.36,
            albedo: species == .sheep ? dark : coat)
        painter.limb(
            from: head, to: head + heading * (tall * 0.17) - .up * (tall * 0.1), radius: tall * 0.09, endRadius: tall * 0.055,
            albedo: species == .sheep ? dark : coat * 0.9)
        for side in [-1, 1] as [Float] {
            let ear = head + aside * (side * tall * 0.11) + .up * (tall * 0.09)
            painter.limb(from: head, to: ear, radius: tall * 0.025, albedo: dark)
            if species == .deer {
                painter.limb(from: head, to: ear + .up * (tall * 0.26), radius: tall * 0.016, albedo: .rgb(0.3, 0.24, 0.16))
            }
        }
    }
}
