// SPDX-License-Identifier: Apache-2.0

/// Sky, clouds, hills on the horizon and the ground up to them.
struct Landscape: Sendable {
    let terrain: Terrain
    let light: Illumination
    let noise: NoiseField
    /// Where in the noise this place lies.
    private let origin: SIMD2<Float>
    /// Metres that the clouds drift in a second.
    private let wind: Float

    init(terrain: Terrain, light: Illumination, noise: NoiseField, random: inout SplitMix64) {
        self.terrain = terrain
        self.light = light
        self.noise = noise
        origin = SIMD2(Float(random.uniform(0...60)), Float(random.uniform(0...60)))
        wind = Float(random.uniform(-0.02...0.02))
    }

    /// Covers the whole canvas with what is seen from a viewpoint, `time` seconds into the encounter.
    func draw(on canvas: inout Canvas, from view: Viewpoint, time: Float) {
        for y in 0..<Canvas.height {
            for x in 0..<Canvas.width {
                let ray = view.ray(Float(x) + 0.5, Float(y) + 0.5)
                let flat = (ray.x * ray.x + ray.z * ray.z).squareRoot()
                let slope = ray.y / flat
                let bearing = ray.x / max(ray.z, 1e-3)
                let near = hillSlope(bearing, scale: 5.3, height: 0.1) - 0.015
                let edge = Viewpoint.focalLength
                var colour: Colour
                if slope * edge < -0.5 {
                    colour = ground(ray: ray, flat: flat, from: view)
                } else {
                    colour = sky(ray: ray, slope: slope, time: time)
                    let far = hillSlope(bearing + 3.7, scale: 2.1, height: 0.22)
                    let farCover = ((far - slope) * edge + 0.5).unitClamped
                    if farCover > 0 { colour = colour.mixed(with: hill(slope: slope, shade: 0.9, veil: 0.62), farCover) }
                    let nearCover = ((near - slope) * edge + 0.5).unitClamped
                    if nearCover > 0 { colour = colour.mixed(with: hill(slope: slope, shade: 0.7, veil: 0.3), nearCover) }
                    let groundCover = (-slope * edge + 0.5).unitClamped
                    if groundCover > 0 {
                        let edgeColour = light.seen(light.shade(terrain.base, normal: .up), from: 400)
                        colour = colour.mixed(with: edgeColour, groundCover)
                    }
                }
                canvas.pixels[y &* Canvas.width &+ x] = colour
            }
        }
    }

    private func hillSlope(_ bearing: Float, scale: Float, height: Float) -> Float {
        let place = bearing * scale + origin.x
        let shape = noise.at(place, origin.y) * 0.7 + noise.at(place * 3.1, origin.y + 9) * 0.22
            + noise.at(place * 9.7, origin.y + 4) * 0.08
        return (shape - 0.25) * height * terrain.hillHeight
    }

    /// - Parameter veil: how much of the haze lies over it in dry clear air, 0 … 1.
    private func hill(slope: Float, shade: Float, veil: Float) -> Colour {
        let lit = terrain.hills * (light.ambient * 0.9 + light.sun * (0.35 * shade))
        let thick = 1 - (1 - veil) * Fog.transmission(light.density * 90)
        return lit.mixed(with: light.haze, (thick - slope * 0.8).unitClamped)
    }

    private func sky(ray: Vector, slope: Float, time: Float) -> Colour {
        let height = (slope * 1.5).unitClamped
        var colour = light.haze.mixed(with: light.zenith, height * (2 - height))
        let towardsSun = max(0, ray.normalised.dot(light.sunDirection))
        let narrow2 = towardsSun * towardsSun
        let narrow8 = narrow2 * narrow2 * narrow2 * narrow2
        let narrow64 = narrow8 * narrow8 * narrow8 * narrow8 * narrow8 * narrow8 * narrow8 * narrow8
        let clearness = Fog.transmission(light.density * 40)
        colour += light.sun * ((narrow8 * 0.22 + narrow64 * 0.9) * clearness)
        if light.cloudiness > 0, slope > 0.015 {
            let stretch = 1.4 / (slope + 0.12)
            let bearing = ray.x / max(ray.z, 1e-3)
            let density = noise.cloudy(
                bearing * stretch + origin.x + time * wind, stretch * 1.3 + origin.y)
            let cover = ((density - 0.78 + light.cloudiness * 0.5) * 4.5).unitClamped * (slope * 9).unitClamped
            let lit = (light.haze * 0.8 + light.sun * 0.28) * (1.12 - density * 0.4)
            colour = colour.mixed(with: lit, cover * (0.35 + 0.5 * clearness))
        }
        let thick = 1 - Fog.transmission(light.density * 60)
        return colour.mixed(with: light.haze, (thick * 1.1 - slope * 0.25).unitClamped)
    }

    private func ground(ray: Vector, flat: Float, from view: Viewpoint) -> Colour {
        let reach = view.position.y / -ray.y
        let distance = min(reach * flat, 4000)
        let steepness = max(-ray.y / flat, 1e-3)
        let lateral = distance / Viewpoint.focalLength
        let pixel = min(lateral / steepness, lateral * 4)
        let x = view.position.x + ray.x / flat * distance, z = view.position.z + ray.z / flat * distance
        let albedo = terrain.albedo(x: x + origin.x * 40, z: z + origin.y * 40, pixel: pixel, noise: noise)
        var lit = light.shade(albedo, normal: .up)
        let clouds = noise.at(x * 0.023 + origin.y, z * 0.023 + origin.x)
        lit *= 1 - (light.sun.x * 0.55 * light.cloudiness * (clouds * 3 - 1.4).unitClamped)
        return light.seen(lit, from: distance)
    }
}
