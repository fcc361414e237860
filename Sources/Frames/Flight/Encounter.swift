// SPDX-License-Identifier: Apache-2.0

/// A few seconds of flight in one place towards one thing, or past nothing.
package struct Encounter: Sendable {
    /// Pixels of apparent size, and share of light left by fog, below which a thing counts as out of sight and is not drawn.
    package static let leastSize = 4.5
    package static let leastClarity = 0.14

    package let conditions: Conditions
    private let obstacle: Obstacle
    private let shape: (any Shape)?
    private let course: Course
    private let heading: Vector
    private let light: Illumination
    private let landscape: Landscape
    private let undergrowth: Undergrowth
    private let noise: NoiseField
    private let sensor: Sensor
    private let seed: UInt64

    package init(obstacle: Obstacle, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.obstacle = obstacle
        self.seed = random.next()
        shape = obstacle.shape(random: &random)
        // Without an obstacle the drone flies as if towards one, so that the course gives nothing away.
        let others = Obstacle.allCases.filter { $0 != .clear }
        guard let guide = shape ?? random.pick(others).shape(random: &random) else {
            preconditionFailure("only .clear has no shape")
        }
        course = Course(towards: guide, random: &random)
        heading = course.heading(of: guide, random: &random)
        conditions = Conditions(range: course.farthest, random: &random)
        light = Illumination(conditions, random: &random)
        noise = NoiseField(seed: random.next())
        let terrain = Terrain(random: &random)
        landscape = Landscape(terrain: terrain, light: light, noise: noise, random: &random)
        undergrowth = Undergrowth(terrain: terrain, random: &random)
        sensor = Sensor(conditions: conditions, exposure: light.exposure, random: &random)
    }

    /// Seconds.
    package var duration: Double { course.duration }

    /// What is true at a moment of the encounter: what is in sight, its apparent size in pixels, and the way to it in metres.
    package struct Truth: Sendable {
        package let obstacle: Obstacle
        package let size: Double
        package let distance: Double
    }

    /// What is true `time` seconds into the encounter.
    package func truth(at time: Double) -> Truth {
        let distance = course.distance(at: time)
        let size = shape?.apparentSize(distance: distance, altitude: course.altitude) ?? 0
        let clarity = Fog.transmission(conditions.density * distance)
        let isInSight = size >= Self.leastSize && clarity >= Self.leastClarity
        return Truth(obstacle: isInSight ? obstacle : .clear, size: isInSight ? size : 0, distance: distance)
    }

    /// The picture `time` seconds into the encounter, RGB interleaved, row by row.
    ///
    /// - Parameter isWhole: Otherwise the thing in the way is left out, which shows the pixels that it covers.
    package func render(at time: Double, isWhole: Bool = true) -> [UInt8] {
        let truth = truth(at: time)
        let distance = Float(truth.distance), lane = Float(course.lane)
        let view = course.viewpoint(at: time)
        var canvas = Canvas()
        landscape.draw(on: &canvas, from: view, time: Float(time))
        var painter = Painter(canvas: canvas, view: view, light: light, noise: noise)
        undergrowth.draw(with: &painter, from: distance, to: .infinity, clearLane: lane)
        if isWhole, truth.obstacle != .clear, let shape {
            shape.draw(with: &painter, at: course.place(at: time), heading: heading, time: time)
        }
        undergrowth.draw(with: &painter, from: 0, to: distance, clearLane: lane)
        return sensor.expose(&painter.canvas, seed: SplitMix64.mix(seed ^ UInt64(time * 1_000_000)))
    }
}
