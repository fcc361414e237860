// SPDX-License-Identifier: Apache-2.0

/// A lattice pylon or a wooden pole with wires, or a guyed antenna mast.
struct Mast: Shape {
    private enum Kind { case pylon, pole, antenna }

    let height: Double
    private let kind: Kind
    private let metal: Colour
    private let stripes: Bool

    init(random: inout SplitMix64) {
        kind = random.pick([.pylon, .pylon, .pole, .pole, .antenna])
        switch kind {
        case .pylon: height = random.uniform(12...20)
        case .pole: height = random.uniform(6...9)
        case .antenna: height = random.uniform(10...18)
        }
        metal = kind == .pole
            ? Colour.rgb(0.17, 0.12, 0.08) * Float(random.uniform(0.8...1.6)) : .grey(Float(random.uniform(0.14...0.4)))
        stripes = random.chance(0.7)
    }

    var altitudes: ClosedRange<Double> { (height * 0.3)...(height * 0.9) }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * height * 0.42 / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let tall = Float(height)
        let aside = Vector(heading.z, 0, -heading.x)
        painter.shadow(of: place, radius: 0.5, height: tall)
        switch kind {
        case .pylon:
            let foot = tall * 0.11
            for level in 0..<6 {
                let low = Float(level) / 6, high = Float(level + 1) / 6
                let lowWide = foot * (1 - low * 0.86), highWide = foot * (1 - high * 0.86)
                for side in [-1, 1] as [Float] {
                    let a = place + aside * (side * lowWide) + .up * (tall * low)
                    let b = place + aside * (side * highWide) + .up * (tall * high)
                    let c = place - aside * (side * highWide) + .up * (tall * high)
                    painter.limb(from: a, to: b, radius: 0.13, albedo: metal)
                    painter.limb(from: a, to: c, radius: 0.07, albedo: metal)
                }
            }
            for (level, reach) in [(0.66, 0.2), (0.8, 0.16), (0.94, 0.11)] as [(Float, Float)] {
                arm(with: &painter, at: place + .up * (tall * level), aside: aside, reach: tall * reach, radius: 0.1)
            }
        case .pole:
            painter.limb(from: place, to: place + .up * tall, radius: 0.16, endRadius: 0.11, albedo: metal)
            arm(with: &painter, at: place + .up * (tall * 0.93), aside: aside, reach: 1.1, radius: 0.07)
        case .antenna:
            let bands = 7
            for band in 0..<bands {
                let low = Float(band) / Float(bands), high = Float(band + 1) / Float(bands)
                let colour = !stripes ? metal : band.isMultiple(of: 2) ? .rgb(0.55, 0.06, 0.04) : .rgb(0.75, 0.74, 0.72)
                painter.limb(from: place + .up * (tall * low), to: place + .up * (tall * high), radius: 0.17, albedo: colour)
            }
            for side in [-1, 1] as [Float] {
                for level in [0.55, 0.9] as [Float] {
                    let anchor = place + aside * (side * tall * 0.45)
                    painter.limb(from: place + .up * (tall * level), to: anchor, radius: 0.035, albedo: .grey(0.12))
                }
                let dish = place + .up * (tall * 0.8) + aside * (side * 0.35)
                painter.blob(at: dish, radii: SIMD2(0.22, 0.5), albedo: .rgb(0.7, 0.7, 0.68))
            }
            painter.lamp(at: place + .up * tall, radius: 0.12, colour: .rgb(0.9, 0.12, 0.08))
        }
    }

    /// A cross-arm with insulators, and the wires that hang from it to the neighbouring masts.
    private func arm(with painter: inout Painter, at middle: Vector, aside: Vector, reach: Float, radius: Float) {
        painter.limb(from: middle - aside * reach, to: middle + aside * reach, radius: radius, albedo: metal)
        let along = Vector(-aside.z, 0, aside.x)
        for side in [-1, 1] as [Float] {
            let tip = middle + aside * (side * reach)
            let clamp = tip - .up * 0.5
            painter.limb(from: tip, to: clamp, radius: 0.06, albedo: .grey(0.3))
            for direction in [-1, 1] as [Float] {
                var last = clamp
                for step in 1...6 {
                    let share = Float(step) / 6
                    let sag = share * (2 - share) * 1.6
                    let next = clamp + along * (direction * share * 32) - .up * sag
                    guard (next - painter.view.position).dot(painter.view.forward) > 0.5 else { break }
                    painter.limb(from: last, to: next, radius: 0.03, albedo: .grey(0.06))
                    last = next
                }
            }
        }
    }
}
