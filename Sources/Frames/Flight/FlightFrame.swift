// SPDX-License-Identifier: Apache-2.0

/// One frame of a rendered flight, with what is true of it.
package struct FlightFrame: Sendable {
    /// Counted from 0 at take-off.
    package let index: Int
    /// Seconds since take-off.
    package let time: Double
    /// The encounter, counted from 0; between two of them the picture is cut.
    package let encounter: Int
    /// What is in the way and in sight; a thing that is too far or behind too much fog is not drawn, and the frame is `clear`.
    package let obstacle: Obstacle
    /// Metres to the thing in the way; for `clear`, to where one would be.
    package let distance: Double
    /// Pixels on the side of a square about as conspicuous as the thing; 0 for `clear`.
    package let size: Double
    package let conditions: Conditions
    /// `Flight.height` rows of `Flight.width` pixels of red, green and blue; empty where the frame was not rendered.
    package let pixels: [UInt8]
}
