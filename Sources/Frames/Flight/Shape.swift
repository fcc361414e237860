// SPDX-License-Identifier: Apache-2.0

/// Something that can be in the way, with the looks of one individual.
///
/// A shape stands with its feet on `place`, or floats around it, and faces `heading`, a unit vector on the ground.
protocol Shape: Sendable {
    init(random: inout SplitMix64)

    /// Height in metres of what the drone must look out for; for a flying thing, its span.
    var height: Double { get }
    /// Metres from its middle to its farthest corner over the ground.
    var reach: Double { get }
    /// Metres above the ground over which the drone flies past.
    var altitudes: ClosedRange<Double> { get }
    /// Whether it flies.
    var isAirborne: Bool { get }
    /// The fastest it moves across the drone's course, in metres a second.
    var speed: Double { get }

    /// The side in pixels of a square about as conspicuous as the shape, seen over a distance from an altitude, in metres.
    func apparentSize(distance: Double, altitude: Double) -> Double

    /// - Parameters:
    ///   - time: Seconds, for limbs and wings.
    func draw(with painter: inout Painter, at place: Vector, heading: Vector, time: Double)
}

extension Shape {
    var reach: Double { 0.5 }
    var isAirborne: Bool { false }
    var speed: Double { 0 }
}

extension Obstacle {
    /// One individual of this kind; `nil` for `clear`.
    func shape(random: inout SplitMix64) -> (any Shape)? {
        switch self {
        case .clear: nil
        case .tree: Tree(random: &random)
        case .building: Building(random: &random)
        case .mast: Mast(random: &random)
        case .person: Person(random: &random)
        case .vehicle: Vehicle(random: &random)
        case .animal: Animal(random: &random)
        case .bird: Bird(random: &random)
        case .drone: Quadcopter(random: &random)
        case .landingPad: LandingPad(random: &random)
        }
    }
}
