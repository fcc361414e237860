// SPDX-License-Identifier: Apache-2.0

/// Where the drone's camera is and where it looks: a pinhole with square pixels.
package struct Viewpoint: Sendable {
    /// Focal length in pixels: 70 degrees across the width of a frame.
    package static let focalLength: Float = 68.5
    static let centre = SIMD2<Float>(Float(Flight.width) / 2, Float(Flight.height) / 2)

    /// Metres; y is the height above the ground.
    package let position: SIMD3<Float>
    let right: Vector
    let up: Vector
    let forward: Vector

    /// - Parameters: angles in radians; `pitch` is downwards, `yaw` to the right, `roll` clockwise.
    package init(position: SIMD3<Float>, pitch: Double, yaw: Double, roll: Double) {
        let ahead = Vector.heading(yaw)
        let side = Vector.heading(yaw + .pi / 2)
        let cosPitch = Float(Portable.cos(pitch)), sinPitch = Float(Portable.sin(pitch))
        let level = ahead * sinPitch + .up * cosPitch
        let cosRoll = Float(Portable.cos(roll)), sinRoll = Float(Portable.sin(roll))
        self.position = position
        forward = ahead * cosPitch - .up * sinPitch
        right = side * cosRoll - level * sinRoll
        up = level * cosRoll + side * sinRoll
    }

    /// A point on the frame: pixels from the top left corner, and how large and far things are there.
    package struct Projection {
        package let point: SIMD2<Float>
        package let pixelsPerMetre: Float
        package let depth: Float
    }

    /// Where a point of the world appears; points nearer than 0.3 m, or behind, are moved to that depth.
    package func project(_ point: SIMD3<Float>) -> Projection {
        let offset = point - position
        let depth = max(offset.dot(forward), 0.3)
        let scale = Self.focalLength / depth
        let screen = Self.centre + SIMD2(offset.dot(right), -offset.dot(up)) * scale
        return Projection(point: screen, pixelsPerMetre: scale, depth: depth)
    }

    /// The direction through a point of the frame, not normalised: its component along `forward` is the focal length.
    package func ray(_ x: Float, _ y: Float) -> SIMD3<Float> {
        right * (x - Self.centre.x) + up * (Self.centre.y - y) + forward * Self.focalLength
    }
}
