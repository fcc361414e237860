// SPDX-License-Identifier: Apache-2.0

/// A frame in linear light, on which shapes are laid with the exact or nearly exact share of each pixel that they cover.
package struct Canvas: Sendable {
    package static let width = Flight.width, height = Flight.height
    /// Row by row from the top left corner.
    package var pixels = [SIMD4<Float>](repeating: .zero, count: width * height)

    /// A black canvas.
    package init() {}

    mutating func blend(_ x: Int, _ y: Int, _ colour: Colour, _ coverage: Float) {
        let index = y &* Self.width &+ x
        pixels[index] += (colour - pixels[index]) * coverage
    }

    /// The pixels that a box touches, given in pixels from the top left corner; `nil` where it lies outside.
    static func pixels(from low: SIMD2<Float>, to high: SIMD2<Float>) -> (columns: Range<Int>, rows: Range<Int>)? {
        guard high.x > 0, high.y > 0, low.x < Float(width), low.y < Float(height) else { return nil }
        let left = Int(max(low.x, 0)), right = min(Int(min(high.x, Float(width))) + 1, width)
        let top = Int(max(low.y, 0)), bottom = min(Int(min(high.y, Float(height))) + 1, height)
        guard left < right, top < bottom else { return nil }
        return (left..<right, top..<bottom)
    }

    /// How much of a pixel a stripe of `halfWidth` covers whose middle line passes at `distance`, both in pixels.
    static func coverage(distance: Float, halfWidth: Float) -> Float {
        max(0, min(halfWidth, distance + 0.5) - max(-halfWidth, distance - 0.5))
    }

    /// Fills a line with round ends whose radius runs from `startRadius` to `endRadius`, in pixels.
    ///
    /// `paint` gets the place across the line, -1 … 1, and the place along it, 0 … 1; the fourth lane is the opacity.
    package mutating func line(
        from start: SIMD2<Float>, to end: SIMD2<Float>, startRadius: Float, endRadius: Float,
        paint: (_ across: Float, _ along: Float) -> SIMD4<Float>
    ) {
        let reach = max(startRadius, endRadius) + 1
        guard
            let box = Self.pixels(
                from: SIMD2(min(start.x, end.x), min(start.y, end.y)) - reach,
                to: SIMD2(max(start.x, end.x), max(start.y, end.y)) + reach)
        else { return }
        let axis = end - start
        let squared = axis.x * axis.x + axis.y * axis.y
        let length = squared.squareRoot()
        for y in box.rows {
            for x in box.columns {
                let px = Float(x) + 0.5 - start.x, py = Float(y) + 0.5 - start.y
                let along = squared > 1e-6 ? ((px * axis.x + py * axis.y) / squared).unitClamped : 0
                let dx = px - axis.x * along, dy = py - axis.y * along
                let distance = (dx * dx + dy * dy).squareRoot()
                let radius = startRadius + (endRadius - startRadius) * along
                let covered = Self.coverage(distance: distance, halfWidth: radius)
                guard covered > 0.004 else { continue }
                let side = length > 1e-3 ? (axis.x * py - axis.y * px) / length : 0
                let colour = paint(max(-1, min(1, side / max(radius, 0.5))), along)
                blend(x, y, colour, min(1, covered) * colour.w)
            }
        }
    }

    /// Fills an ellipse; `tilt` is the sine of the angle, clockwise, by which its first axis leaves the horizontal.
    ///
    /// `outline` moves the rim outwards, as a share of the radius, at a place in the unit disc; `paint` colours that place.
    package mutating func ellipse(
        centre: SIMD2<Float>, radii: SIMD2<Float>, tilt: Float = 0,
        outline: (_ place: SIMD2<Float>) -> Float, paint: (_ place: SIMD2<Float>) -> SIMD4<Float>
    ) {
        let drawn = SIMD2(max(radii.x, 0.5), max(radii.y, 0.5))
        let faint = (radii.x / drawn.x) * (radii.y / drawn.y)
        let reach = max(drawn.x, drawn.y) * 1.3 + 1
        guard faint > 0.004, let box = Self.pixels(from: centre - reach, to: centre + reach) else { return }
        let cosine = max(0, 1 - tilt * tilt).squareRoot()
        let smaller = min(drawn.x, drawn.y)
        for y in box.rows {
            for x in box.columns {
                let px = Float(x) + 0.5 - centre.x, py = Float(y) + 0.5 - centre.y
                let place = SIMD2((px * cosine + py * tilt) / drawn.x, (py * cosine - px * tilt) / drawn.y)
                let squared = place.x * place.x + place.y * place.y
                guard squared < 2.6 else { continue }
                let distance = squared.squareRoot()
                let inside = (1 + outline(place) - distance) * smaller
                let covered = (inside + 0.5).unitClamped
                guard covered > 0.004 else { continue }
                let colour = paint(distance > 1 ? place / distance : place)
                blend(x, y, colour, covered * faint * colour.w)
            }
        }
    }

    /// Fills a convex polygon, whichever way round its corners are given; `paint` gets the middle of a pixel.
    package mutating func polygon(_ corners: [SIMD2<Float>], paint: (_ x: Float, _ y: Float) -> SIMD4<Float>) {
        guard corners.count > 2 else { return }
        var low = corners[0], high = corners[0], doubledArea: Float = 0
        for (index, corner) in corners.enumerated() {
            low = SIMD2(min(low.x, corner.x), min(low.y, corner.y))
            high = SIMD2(max(high.x, corner.x), max(high.y, corner.y))
            let next = corners[(index + 1) % corners.count]
            doubledArea += corner.x * next.y - next.x * corner.y
        }
        guard abs(doubledArea) > 0.02, let box = Self.pixels(from: low - 0.5, to: high + 0.5) else { return }
        let turn: Float = doubledArea > 0 ? 1 : -1
        var edges: [SIMD3<Float>] = []
        for (index, corner) in corners.enumerated() {
            let side = corners[(index + 1) % corners.count] - corner
            let length = (side.x * side.x + side.y * side.y).squareRoot()
            guard length > 1e-4 else { continue }
            let normal = SIMD2(-side.y, side.x) * (turn / length)
            edges.append(SIMD3(normal.x, normal.y, -(normal.x * corner.x + normal.y * corner.y)))
        }
        for y in box.rows {
            for x in box.columns {
                let px = Float(x) + 0.5, py = Float(y) + 0.5
                var covered: Float = 1
                for edge in edges {
                    covered *= (edge.x * px + edge.y * py + edge.z + 0.5).unitClamped
                    if covered <= 0 { break }
                }
                guard covered > 0.004 else { continue }
                let colour = paint(px, py)
                blend(x, y, colour, covered * colour.w)
            }
        }
    }
}
