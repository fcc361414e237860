// SPDX-License-Identifier: Apache-2.0

/// Lays things of the world on the canvas: projected, lit and veiled by the haze of their distance.
struct Painter {
    var canvas: Canvas
    let view: Viewpoint
    let light: Illumination
    let noise: NoiseField

    /// A soft ball or egg around a point; `ragged` moves its rim and `mottled` its brightness by noise, as shares.
    mutating func blob(
        at centre: Vector, radii: SIMD2<Float>, albedo: Colour, tilt: Float = 0, ragged: Float = 0, mottled: Float = 0,
        seed: Float = 0
    ) {
        let seen = view.project(centre)
        let view = view, light = light, noise = noise
        let distance = (centre - view.position).length
        let grain = 1 + min(radii.x, radii.y) * 2
        canvas.ellipse(centre: seen.point, radii: radii * seen.pixelsPerMetre, tilt: tilt) { place in
            ragged == 0 ? 0 : (noise.at(place.x * grain * 2.2 + seed, place.y * grain * 2.2 - seed) - 0.6) * ragged
        } paint: { place in
            let facing = max(0, 1 - place.x * place.x - place.y * place.y).squareRoot()
            let normal = view.right * place.x - view.up * place.y - view.forward * facing
            var colour = light.shade(albedo, normal: normal)
            if mottled > 0 {
                let spots = noise.at(place.x * grain * 3.1 - seed, place.y * grain * 3.1 + seed)
                colour = (colour * (1 + (spots - 0.5) * mottled)).opacity(colour.w)
            }
            return light.seen(colour, from: distance)
        }
    }

    /// A round bar between two points, with its radius in metres at each end.
    mutating func limb(from start: Vector, to end: Vector, radius: Float, endRadius: Float? = nil, albedo: Colour) {
        let a = view.project(start), b = view.project(end)
        let light = light
        let distance = ((start + end) * 0.5 - view.position).length
        let across = (end - start).cross(view.forward).normalised
        let front = light.seen(light.shade(albedo, normal: -view.forward), from: distance)
        let left = light.seen(light.shade(albedo, normal: -across), from: distance)
        let right = light.seen(light.shade(albedo, normal: across), from: distance)
        canvas.line(
            from: a.point, to: b.point, startRadius: radius * a.pixelsPerMetre,
            endRadius: (endRadius ?? radius) * b.pixelsPerMetre
        ) { place, _ in
            front.mixed(with: place < 0 ? left : right, abs(place) * 0.8)
        }
    }

    /// A flat convex face, drawn where its front is seen: its corners run clockwise as seen from the front.
    ///
    /// `pattern` gives the albedo at a place in metres from the first corner, along the first side and at right angles to it,
    /// and the size of a pixel there in metres.
    mutating func face(_ corners: [Vector], pattern: (_ place: SIMD2<Float>, _ pixel: Float) -> Colour) {
        let normal = (corners[1] - corners[0]).cross(corners[2] - corners[0]).normalised
        let height = (corners[0] - view.position).dot(normal)
        guard height < -1e-3 else { return }
        let along = (corners[1] - corners[0]).normalised
        let aside = normal.cross(along)
        let view = view, light = light
        let points = corners.map { view.project($0).point }
        canvas.polygon(points) { x, y in
            let ray = view.ray(x, y)
            let steepness = min(ray.dot(normal), -1e-3)
            let reach = min(height / steepness, 60)
            let offset = view.position + ray * reach - corners[0]
            let colour = pattern(SIMD2(offset.dot(along), offset.dot(aside)), reach)
            return light.seen(light.shade(colour, normal: normal), from: reach * ray.length)
        }
    }

    /// A thin flat piece that is seen from both sides, such as a wing.
    mutating func sheet(_ corners: [Vector], albedo: Colour) {
        face(corners) { _, _ in albedo }
        face(corners.reversed()) { _, _ in albedo * 0.8 }
    }

    /// A flat pattern on the ground; `pattern` gives albedo and opacity at a place in the square -1 … 1.
    mutating func decal(
        at centre: Vector, halfSize: SIMD2<Float>, heading: Vector, pattern: (_ place: SIMD2<Float>) -> Colour
    ) {
        let aside = Vector(heading.z, 0, -heading.x)
        let corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)].map { (u, v) -> SIMD2<Float> in
            view.project(centre + aside * (Float(u) * halfSize.x) + heading * (Float(v) * halfSize.y)).point
        }
        var low = corners[0], high = corners[0]
        for corner in corners {
            low = SIMD2(min(low.x, corner.x), min(low.y, corner.y))
            high = SIMD2(max(high.x, corner.x), max(high.y, corner.y))
        }
        guard let box = Canvas.pixels(from: low, to: high) else { return }
        let samples: [SIMD2<Float>] = [SIMD2(0.25, 0.125), SIMD2(0.75, 0.375), SIMD2(0.25, 0.625), SIMD2(0.75, 0.875)]
        for y in box.rows {
            for x in box.columns {
                var sum = Colour.zero, opacity: Float = 0, distance: Float = 0
                for sample in samples {
                    let ray = view.ray(Float(x) + sample.x, Float(y) + sample.y)
                    guard ray.y < -0.05 else { continue }
                    let reach = -view.position.y / ray.y
                    let offset = view.position + ray * reach - centre
                    let place = SIMD2(offset.dot(aside) / halfSize.x, offset.dot(heading) / halfSize.y)
                    guard abs(place.x) < 1, abs(place.y) < 1 else { continue }
                    let colour = pattern(place)
                    sum += colour * colour.w
                    opacity += colour.w
                    distance = reach * ray.length
                }
                guard opacity > 0.01 else { continue }
                let lit = light.shade((sum / opacity).opacity(1), normal: .up)
                canvas.blend(x, y, light.seen(lit, from: distance), opacity / Float(samples.count))
            }
        }
    }

    /// The shadow of a thing that stands on the ground, or floats above it: dark towards its middle.
    mutating func shadow(of centre: Vector, radius: Float, height: Float) {
        let strength = (light.sun.x - light.ambient.x * 0.5).unitClamped * 0.75
        let steepness = max(light.sunDirection.y, 0.12)
        let flat = Vector(light.sunDirection.x, 0, light.sunDirection.z)
        let stretch = min(flat.length / steepness, 4) * height
        let direction = flat.length > 0.05 ? flat.normalised : Vector(0, 0, 1)
        let middle = Vector(centre.x, 0, centre.z) - direction * (stretch * 0.5)
        let opacity = max(strength, 0.25)
        decal(at: middle, halfSize: SIMD2(radius, radius + stretch * 0.5), heading: direction) { place in
            let rim = 1 - (place.x * place.x + place.y * place.y).squareRoot()
            return Colour(0.02, 0.025, 0.03, (rim * 2.5).unitClamped * opacity)
        }
    }

    /// A light that shines by itself, brighter than its surroundings.
    mutating func lamp(at centre: Vector, radius: Float, colour: Colour) {
        let seen = view.project(centre)
        let arriving = light.seen(colour, from: (centre - view.position).length)
        let size = max(radius * seen.pixelsPerMetre, 0.6)
        canvas.ellipse(centre: seen.point, radii: SIMD2(size, size)) { _ in
            0
        } paint: { place in
            arriving.opacity(1 - (place.x * place.x + place.y * place.y) * 0.6)
        }
    }
}
