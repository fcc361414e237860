// SPDX-License-Identifier: Apache-2.0

/// How the drone flies towards a thing: slower and slower, swaying, the camera turned towards it.
struct Course: Sendable {
    /// Seconds.
    let duration: Double
    /// Metres to the thing at the beginning; it shrinks by the factor e^(-rate * time).
    let farthest: Double
    let altitude: Double
    private let rate: Double
    /// Metres that the thing stands to the right of the course, and metres a second that it moves that way.
    private let offset: Double
    private let drift: Double
    /// Metres above the ground at which the thing flies, and at which its middle is.
    private let lift: Double
    private let middle: Double
    private let tilt: Double
    private let sway: Sway

    /// Amplitudes in radians, beats in radians a second.
    private struct Sway {
        let roll: Double, yaw: Double, pitch: Double, pace: Double, phase: Double

        init(random: inout SplitMix64) {
            roll = random.uniform(0.02...0.16)
            yaw = random.uniform(0.01...0.05)
            pitch = random.uniform(0.005...0.025)
            pace = random.uniform(0.5...1.3)
            phase = random.uniform(0...6)
        }
    }

    init(towards shape: any Shape, random: inout SplitMix64) {
        altitude = random.uniform(shape.altitudes)
        let spread = random.unit()
        let firstSize = random.uniform(4...8.5) + 9 * spread * spread
        let lastSize = firstSize * random.uniform(1.8...3) + random.uniform(2...16)
        farthest = min(Self.distance(of: shape, size: firstSize, altitude: altitude), 95)
        let leastDistance = shape.reach * 1.5 + (shape.isAirborne ? 1.2 : altitude * 0.7)
        let nearest = max(Self.distance(of: shape, size: lastSize, altitude: altitude), leastDistance)
        duration = random.uniform(2.4...4.6)
        rate = min(max(farthest / nearest - 1, 0.2) / duration * 0.75, 16 / farthest)
        let closest = farthest * Portable.exp(-rate * duration)
        offset = random.uniform(-0.24...0.24) * closest
        drift = shape.speed * random.uniform(-1...1) * min(1, closest / 6)
        lift = shape.isAirborne ? altitude + random.uniform(-0.2...0.2) * closest : 0
        middle = shape.isAirborne ? lift : shape.height * 0.5
        tilt = random.uniform(-0.05...0.16)
        sway = Sway(random: &random)
    }

    /// Metres to the right of the drone's way along which the thing stands.
    var lane: Double { offset }

    /// A heading for the thing: the way it moves, give or take, or any.
    func heading(of shape: any Shape, random: inout SplitMix64) -> Vector {
        let turn = random.uniform(0...6.283), lean = random.uniform(0.9...2.2)
        return .heading(drift.magnitude > 0.3 ? (drift < 0 ? -lean : lean) : turn)
    }

    func distance(at time: Double) -> Double {
        farthest * Portable.exp(-rate * time)
    }

    /// Where the thing is.
    func place(at time: Double) -> Vector {
        Vector(Float(offset + drift * (time - duration * 0.6)), Float(lift), Float(farthest))
    }

    /// Where the drone is and looks.
    func viewpoint(at time: Double) -> Viewpoint {
        let distance = distance(at: time)
        let beat = time * sway.pace + sway.phase
        let slope = (altitude - middle) / distance
        let declination = slope / (1 + 0.3 * slope * slope)
        return Viewpoint(
            position: Vector(0, Float(altitude), Float(farthest - distance)),
            pitch: tilt + max(-0.35, min(0.9, declination * 0.8)) + sway.pitch * Portable.sin(beat * 2.3),
            yaw: sway.yaw * Portable.sin(beat * 0.9 + 1),
            roll: sway.roll * Portable.sin(beat))
    }

    /// The distance in metres over which a shape has an apparent size in pixels, by bisection.
    private static func distance(of shape: any Shape, size: Double, altitude: Double) -> Double {
        var near = 0.5, far = 600.0
        for _ in 0..<40 {
            let middle = (near + far) / 2
            if shape.apparentSize(distance: middle, altitude: altitude) > size { near = middle } else { far = middle }
        }
        return near
    }
}
