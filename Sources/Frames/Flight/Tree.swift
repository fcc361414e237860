// SPDX-License-Identifier: Apache-2.0

/// A broadleaf tree, a conifer, a poplar or a bare tree.
struct Tree: Shape {
    private enum Habit { case broadleaf, conifer, poplar, bare }

    let height: Double
    private let habit: Habit
    private let spread: Float
    private let foliage: Colour
    private let bark: Colour
    private let seed: UInt64

    init(random: inout SplitMix64) {
        habit = random.pick([.broadleaf, .broadleaf, .broadleaf, .conifer, .conifer, .poplar, .bare])
        height = random.uniform(4...13)
        let width = habit == .poplar ? 0.13...0.18 : habit == .conifer ? 0.2...0.3 : 0.32...0.48
        spread = Float(height * random.uniform(width))
        foliage = random.pick([
            Colour.rgb(0.09, 0.20, 0.05), .rgb(0.06, 0.15, 0.06), .rgb(0.15, 0.25, 0.05), .rgb(0.30, 0.20, 0.05),
            .rgb(0.05, 0.13, 0.08),
        ]) * Float(random.uniform(0.8...1.25))
        bark = Colour.rgb(0.13, 0.10, 0.07) * Float(random.uniform(0.7...1.5))
        seed = random.next()
    }

    var altitudes: ClosedRange<Double> { 2...(height * 0.9) }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        let width = habit == .bare ? height * 0.35 : Double(spread) * 1.8
        return Double(Viewpoint.focalLength) * (height * width).squareRoot() / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        var random = SplitMix64(seed: seed)
        let tall = Float(height)
        let sway = painter.view.right * (Float(Portable.sin(time * 1.7)) * 0.012 * tall)
        painter.shadow(of: place, radius: spread, height: tall)
        switch habit {
        case .broadleaf:
            painter.limb(
                from: place, to: place + .up * (tall * 0.55), radius: tall * 0.035, endRadius: tall * 0.02, albedo: bark)
            crown(with: &painter, at: place + sway, from: 0.38, clumps: 13, random: &random)
        case .poplar:
            painter.limb(from: place, to: place + .up * (tall * 0.3), radius: tall * 0.025, albedo: bark)
            for step in 0..<7 {
                let level = Float(step) / 6
                let girth = spread * (0.6 + 0.9 * level * (1.25 - level)) * 0.95
                painter.blob(
                    at: place + sway * level + .up * (tall * (0.2 + level * 0.7)), radii: SIMD2(girth, tall * 0.12),
                    albedo: foliage * (0.85 + level * 0.35), ragged: 0.5, mottled: 0.9, seed: Float(step) * 3.7)
            }
        case .conifer:
            painter.limb(from: place, to: place + .up * (tall * 0.3), radius: tall * 0.03, albedo: bark)
            for step in 0..<7 {
                let level = Float(step) / 6
                let girth = spread * (1.05 - level * 0.9)
                painter.blob(
                    at: place + sway * level + .up * (tall * (0.2 + level * 0.74)), radii: SIMD2(girth, tall * 0.085),
                    albedo: foliage * (0.7 + level * 0.45), ragged: 0.6, mottled: 0.8, seed: Float(step) * 5.1)
            }
        case .bare:
            let fork = place + .up * (tall * 0.4)
            painter.limb(from: place, to: fork, radius: tall * 0.035, endRadius: tall * 0.022, albedo: bark)
            branch(with: &painter, from: fork, length: tall * 0.3, radius: tall * 0.02, depth: 3, random: &random)
        }
    }

    private func crown(
        with painter: inout Painter, at place: Vector, from bottom: Float, clumps: Int, random: inout SplitMix64
    ) {
        let tall = Float(height)
        let middle = place + .up * (tall * (bottom + 1) * 0.5)
        let rise = tall * (1 - bottom) * 0.5
        let size = SIMD2(spread, rise)
        painter.blob(at: middle, radii: size * 0.85, albedo: foliage * 0.75, ragged: 0.5, mottled: 0.8, seed: 1.3)
        for clump in 0..<clumps {
            let level = Float(clump) / Float(clumps - 1) * 1.5 - 0.75
            let width = (1 - level * level).squareRoot()
            let aside = Float(random.uniform(-0.72...0.72)) * width
            let centre = middle + painter.view.right * (aside * size.x) + .up * (level * rise)
            let scale = Float(random.uniform(0.32...0.48))
            painter.blob(
                at: centre, radii: size * scale, albedo: foliage * Float(random.uniform(0.85...1.3)), ragged: 0.7, mottled: 0.9,
                seed: Float(clump) * 2.9)
        }
    }

    private func branch(
        with painter: inout Painter, from start: Vector, length: Float, radius: Float, depth: Int, random: inout SplitMix64
    ) {
        for side in [-1, 1] as [Float] {
            let lean = side * Float(random.uniform(0.3...0.8))
            let direction = (painter.view.right * lean + .up + Vector(0, 0, 1) * Float(random.uniform(-0.4...0.4))).normalised
            let end = start + direction * (length * Float(random.uniform(0.75...1.2)))
            painter.limb(from: start, to: end, radius: radius, endRadius: radius * 0.55, albedo: bark)
            if depth > 1 {
                branch(
                    with: &painter, from: end, length: length * 0.66, radius: radius * 0.6, depth: depth - 1, random: &random)
            }
        }
    }
}
