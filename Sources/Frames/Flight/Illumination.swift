// SPDX-License-Identifier: Apache-2.0

/// The light of a scene: the sun, the sky, and the haze between the camera and things.
struct Illumination: Sendable {
    let sunDirection: Vector
    let sun: Colour
    let ambient: Colour
    let haze: Colour
    let zenith: Colour
    /// Optical depth of the air for each metre.
    let density: Float
    /// What the camera multiplies the light with.
    let exposure: Float
    /// The share of the sky under clouds, 0 … 1.
    let cloudiness: Float

    init(_ conditions: Conditions, random: inout SplitMix64) {
        let azimuth = random.uniform(-2.6...2.6)
        let elevation: Double
        switch conditions.light {
        case .sun: elevation = random.uniform(0.5...1.15)
        case .overcast: elevation = random.uniform(0.6...1.2)
        case .dusk: elevation = random.uniform(0.03...0.2)
        }
        let flat = Vector.heading(azimuth) * Float(Portable.cos(elevation))
        sunDirection = flat + .up * Float(Portable.sin(elevation))
        density = Float(conditions.density)
        let warmth = Float(random.unit())
        switch conditions.light {
        case .sun:
            sun = .rgb(0.95, 0.88, 0.72)
            ambient = .rgb(0.26, 0.31, 0.40)
            haze = .rgb(0.62, 0.72, 0.84).mixed(with: .rgb(0.80, 0.80, 0.76), warmth * 0.6)
            zenith = .rgb(0.10, 0.24, 0.58).mixed(with: .rgb(0.20, 0.40, 0.68), warmth)
            exposure = Float(random.uniform(0.85...1.15))
            cloudiness = Float(random.uniform(0.0...0.6))
        case .overcast:
            sun = .rgb(0.10, 0.10, 0.10)
            ambient = .rgb(0.44, 0.47, 0.50)
            haze = .rgb(0.58, 0.62, 0.66)
            zenith = .rgb(0.36, 0.41, 0.48)
            exposure = Float(random.uniform(0.75...1.1))
            cloudiness = Float(random.uniform(0.75...1))
        case .dusk:
            sun = .rgb(0.80, 0.38, 0.14)
            ambient = .rgb(0.21, 0.20, 0.28)
            haze = .rgb(0.66, 0.38, 0.24).mixed(with: .rgb(0.34, 0.28, 0.38), warmth)
            zenith = .rgb(0.06, 0.09, 0.22).mixed(with: .rgb(0.16, 0.14, 0.30), warmth)
            exposure = Float(random.uniform(0.3...0.95))
            cloudiness = Float(random.uniform(0.1...0.8))
        }
    }

    /// Diffuse light from a surface, Lambert's law for the sun and a sky that is brighter above; keeps the opacity.
    func shade(_ albedo: Colour, normal: Vector) -> Colour {
        let facing = max(0, normal.dot(sunDirection))
        return (albedo * (ambient * (0.72 + 0.28 * normal.y) + sun * facing)).opacity(albedo.w)
    }

    /// What arrives of a colour from a distance in metres; keeps the opacity.
    func seen(_ colour: Colour, from distance: Float) -> Colour {
        haze.mixed(with: colour, Fog.transmission(distance * density)).opacity(colour.w)
    }
}
