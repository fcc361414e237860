// SPDX-License-Identifier: Apache-2.0

/// Light, weather and what the camera makes of them during one encounter.
package struct Conditions: Sendable, Equatable {
    package enum Light: Int, CaseIterable, Sendable { case sun, overcast, dusk }

    package let light: Light
    /// Optical depth of the air for each metre.
    package let density: Double
    /// The share of light that haze or fog leaves over the distance at which the encounter begins, 0 … 1.
    package let clarity: Double
    /// Streaks a frame, 0 … 1; 0 is dry.
    package let rain: Double
    /// Length of the motion blur in pixels; 0 is sharp.
    package let blur: Double
    /// Standard deviation of the sensor's noise as a share of full scale.
    package let noise: Double

    package var isFoggy: Bool { clarity < 0.6 }
    package var isRainy: Bool { rain > 0 }
    package var isBlurred: Bool { blur > 1 }
    package var isNoisy: Bool { noise > 0.03 }

    /// - Parameter range: Metres to the thing in the way when the encounter begins; fog is scaled to it.
    init(range: Double, random: inout SplitMix64) {
        light = random.pick([.sun, .sun, .sun, .overcast, .overcast, .dusk, .dusk])
        let thickest = light == .dusk ? 1.45 : 2.25
        density = random.chance(0.27) ? random.uniform(0.7...thickest) / range : random.uniform(0.0006...0.0035)
        clarity = Fog.transmission(density * range)
        rain = random.chance(0.2) ? random.uniform(0.35...1) : 0
        blur = random.chance(0.25) ? random.uniform(1.5...5) : 0
        let grain = random.unit()
        noise = 0.006 + 0.02 * grain * grain + (light == .dusk ? random.uniform(0.008...0.045) : 0)
    }

    /// A few words for people, such as "dusk, fog, rain".
    package var summary: String {
        var words = [String(describing: light)]
        if isFoggy { words.append("fog") }
        if isRainy { words.append("rain") }
        if isBlurred { words.append("blur") }
        if isNoisy { words.append("noise") }
        return words.joined(separator: ", ")
    }
}

/// How fog and haze weaken light: (1 + x/8)⁻⁸, close to e⁻ˣ and the same bits everywhere.
enum Fog {
    static func transmission(_ depth: Double) -> Double {
        let a = 1 + depth / 8, b = a * a, c = b * b
        return 1 / (c * c)
    }

    static func transmission(_ depth: Float) -> Float {
        let a = 1 + depth / 8, b = a * a, c = b * b
        return 1 / (c * c)
    }
}
