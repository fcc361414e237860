// SPDX-License-Identifier: Apache-2.0

/// A car, a van or a tractor-like truck.
struct Vehicle: Shape {
    private enum Body { case car, van, truck }

    let height: Double
    private let body: Body
    private let halfLength: Float
    private let halfWidth: Float
    private let paint: Colour
    private let pace: Double
    private let hasLights: Bool

    init(random: inout SplitMix64) {
        body = random.pick([.car, .car, .car, .van, .truck])
        switch body {
        case .car:
            height = random.uniform(1.4...1.75)
            halfLength = Float(random.uniform(1.9...2.4))
            halfWidth = 0.9
        case .van:
            height = random.uniform(1.9...2.4)
            halfLength = Float(random.uniform(2.3...2.8))
            halfWidth = 1
        case .truck:
            height = random.uniform(2.6...3.4)
            halfLength = Float(random.uniform(3...4.2))
            halfWidth = 1.2
        }
        paint = random.pick([
            Colour.rgb(0.55, 0.05, 0.05), .rgb(0.70, 0.70, 0.70), .rgb(0.06, 0.06, 0.07), .rgb(0.07, 0.14, 0.40),
            .rgb(0.32, 0.34, 0.36), .rgb(0.70, 0.50, 0.06), .rgb(0.10, 0.24, 0.12), .rgb(0.74, 0.73, 0.70),
        ])
        pace = random.chance(0.5) ? 0 : random.uniform(0.3...1.5)
        hasLights = random.chance(0.5)
    }

    var reach: Double { Double(halfLength) }
    var altitudes: ClosedRange<Double> { 1.5...6 }
    var speed: Double { pace }

    func apparentSize(distance: Double, altitude: Double) -> Double {
        Double(Viewpoint.focalLength) * (height * Double(halfLength) * 1.3).squareRoot() / distance
    }

    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double) {
        let aside = Vector(heading.z, 0, -heading.x)
        let tall = Float(height)
        func point(_ x: Float, _ y: Float, _ z: Float) -> Vector {
            place + aside * (x * halfWidth) + .up * y + heading * (z * halfLength)
        }
        painter.shadow(of: place, radius: halfLength * 0.95, height: tall * 0.4)
        let wheel = tall * (body == .truck ? 0.17 : 0.2)
        wheels(with: &painter, radius: wheel, heading: heading, aside: aside, nearSide: false, point: point)
        let toRear = (point(0, 0, -1) - painter.view.position).length
        let toFront = (point(0, 0, 1) - painter.view.position).length
        var blocks = blocks(clearance: wheel * 0.7)
        if body == .truck, toFront > toRear { blocks.append(blocks.removeFirst()) }
        for block in blocks { draw(block, with: &painter, point: point) }
        wheels(with: &painter, radius: wheel, heading: heading, aside: aside, nearSide: true, point: point)
        if hasLights { lamps(with: &painter, heading: heading, point: point) }
    }

    /// A box whose top is drawn in: heights in metres, and ends and width as shares of half the vehicle's length and width.
    private struct Block {
        let low: Float, high: Float
        let foot: (rear: Float, front: Float), top: (rear: Float, front: Float)
        var narrow: Float = 1
        let albedo: Colour
    }

    /// The boxes of the body in the order in which they are drawn; a truck's load, the first, comes last where it is nearer.
    private func blocks(clearance: Float) -> [Block] {
        let tall = Float(height)
        let glass = Colour.rgb(0.05, 0.07, 0.09)
        switch body {
        case .car:
            let waist = tall * 0.58
            return [
                Block(low: clearance, high: waist, foot: (-1, 1), top: (-0.98, 0.97), narrow: 0.97, albedo: paint),
                Block(low: waist, high: tall, foot: (-0.75, 0.52), top: (-0.5, 0.18), narrow: 0.78, albedo: glass),
                Block(low: tall - 0.02, high: tall, foot: (-0.5, 0.18), top: (-0.5, 0.18), narrow: 0.78, albedo: paint),
            ]
        case .van:
            let waist = tall * 0.55
            return [
                Block(low: clearance, high: waist, foot: (-1, 1), top: (-1, 0.96), albedo: paint),
                Block(low: waist, high: tall, foot: (-1, 0.9), top: (-0.97, 0.62), narrow: 0.94, albedo: paint),
                Block(
                    low: tall * 0.58, high: tall * 0.88, foot: (0.2, 0.91), top: (0.2, 0.72), narrow: 0.97, albedo: glass),
                Block(low: tall - 0.02, high: tall, foot: (-0.97, 0.62), top: (-0.97, 0.62), narrow: 0.94, albedo: paint),
            ]
        case .truck:
            let cabin = tall * 0.8
            let load = paint.mixed(with: .grey(0.65), 0.75)
            return [
                Block(low: clearance * 1.2, high: tall, foot: (-1, 0.38), top: (-1, 0.38), albedo: load),
                Block(low: clearance, high: cabin, foot: (0.45, 1), top: (0.45, 0.94), albedo: paint),
                Block(
                    low: cabin * 0.6, high: cabin * 0.9, foot: (0.55, 1.01), top: (0.55, 0.97), narrow: 1.01, albedo: glass),
            ]
        }
    }

    private func draw(_ block: Block, with painter: inout Painter, point: (Float, Float, Float) -> Vector) {
        let narrow = block.narrow
        let below = [
            point(1, block.low, block.foot.rear), point(-1, block.low, block.foot.rear),
            point(-1, block.low, block.foot.front), point(1, block.low, block.foot.front),
        ]
        let above = [
            point(narrow, block.high, block.top.rear), point(-narrow, block.high, block.top.rear),
            point(-narrow, block.high, block.top.front), point(narrow, block.high, block.top.front),
        ]
        for side in 0..<4 {
            let next = (side + 1) % 4
            painter.face([below[side], below[next], above[next], above[side]]) { _, _ in block.albedo }
        }
        painter.face(above) { _, _ in block.albedo * 1.05 }
    }

    private func wheels(
        with painter: inout Painter, radius: Float, heading: Vector, aside: Vector, nearSide: Bool,
        point: (Float, Float, Float) -> Vector
    ) {
        let flat = max(painter.view.right.dot(heading).magnitude, 0.3)
        for side in [-1, 1] as [Float] {
            for end in [-0.66, 0.66] as [Float] {
                let hub = point(side, radius, end)
                let isNear = (hub - painter.view.position).dot(aside * side) < 0
                guard isNear == nearSide else { continue }
                painter.blob(at: hub, radii: SIMD2(radius * flat, radius), albedo: .grey(0.025))
                painter.blob(at: hub, radii: SIMD2(radius * flat, radius) * 0.5, albedo: .grey(0.35))
            }
        }
    }

    private func lamps(with painter: inout Painter, heading: Vector, point: (Float, Float, Float) -> Vector) {
        let isComing = (point(0, 0, 1) - painter.view.position).dot(heading) < 0
        let colour = isComing ? Colour.rgb(1.3, 1.25, 1.0) : .rgb(0.8, 0.05, 0.04)
        for side in [-0.75, 0.75] as [Float] {
            painter.lamp(at: point(side, Float(height) * 0.36, isComing ? 1.01 : -1.01), radius: 0.11, colour: colour)
        }
    }
}
