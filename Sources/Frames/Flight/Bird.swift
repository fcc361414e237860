// SPDX-License-Identifier: Apache-2.0

/// A bird on the wing: gull, crow or bird of prey.
struct Bird: Shape {
    private let span: Float
    private let plumage: Colour
    private let tips: Colour
    private let beats: Double
    private let phase: Double
    private let isSoaring: Bool

    init(random: inout SplitMix64) {
        span = Float(random.uniform(0.7...1.7))
        plumage = random.pick([Colour.grey(0.05), .rgb(0.66, 0.66, 0.66), .rgb(0.24, 0.15, 0.08), .rgb(0.12, 0.10, 0.09)])
        tips = random.chance(0.5) ? .grey(0.05) : plumage * 0.85
        beats = random.uniform(1.6...3.4)
        phase = random.uniform(0...6.28)
        isSoaring = random.chance(0.3)
    }

    var height: Double { Double(span) }
    var altitudes: ClosedRange<Double> { 2...14 }
    var isAirborne: Bool { true }
    var speed: Double { 1.2 }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * height * 0.5 / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let aside = Vector(heading.z, 0, -heading.x)
        let beat = isSoaring ? 0.3 : Float(Portable.sin(time * beats * 6.283 + phase))
        painter.shadow(of: place, radius: span * 0.4, height: 0.2)
        let half = span * 0.5
        let belly = plumage
        let breast = place + heading * (span * 0.18), tail = place - heading * (span * 0.22)
        let edge = tips
        for side in [-1, 1] as [Float] {
            let root = place + aside * (side * span * 0.03) + .up * (span * 0.03)
            let wrist = root + aside * (side * half * 0.5) + .up * (beat * half * 0.34 + half * 0.08) + heading * (span * 0.06)
            let tip = wrist + aside * (side * half * 0.52) + .up * (beat * half * 0.5 - half * 0.06) - heading * (span * 0.1)
            let chord = heading * (span * 0.17)
            painter.sheet([root + heading * (span * 0.05), wrist, wrist - chord, root - chord], albedo: belly)
            painter.sheet([wrist, tip, wrist - chord], albedo: edge)
            painter.limb(from: root, to: wrist, radius: span * 0.028, endRadius: span * 0.022, albedo: belly)
            painter.limb(from: wrist, to: tip, radius: span * 0.022, endRadius: span * 0.006, albedo: edge)
        }
        painter.limb(from: tail, to: breast, radius: span * 0.03, endRadius: span * 0.06, albedo: belly)
        painter.limb(from: tail, to: tail - heading * (span * 0.13), radius: span * 0.025, endRadius: span * 0.05, albedo: edge)
        let head = breast + heading * (span * 0.07) + .up * (span * 0.03)
        painter.blob(at: head, radii: SIMD2(0.05, 0.045) * span, albedo: belly)
        painter.limb(
            from: head, to: head + heading * (span * 0.1), radius: span * 0.018, endRadius: 0, albedo: .rgb(0.5, 0.35, 0.08))
    }
}
