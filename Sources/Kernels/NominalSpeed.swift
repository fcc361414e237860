// SPDX-License-Identifier: Apache-2.0

/// About what one core does in a nanosecond, by the instruction sets that it has: to tell steps that are worth dividing from those that aren't.
/// A core for which this is off by a factor of two divides a few steps too many, or too few; results are the same.
package struct NominalSpeed: Sendable {
    /// Multiplications with addition of 8-bit and of float32 numbers.
    package let quantizedMACs: Double
    package let floatMACs: Double
    /// That are read or written by what does little else.
    package let bytes: Double

    package init(_ features: CPUFeatures) {
        (quantizedMACs, floatMACs, bytes) =
            if features.contains(.avx512VNNI) {
                (450, 140, 40)
            } else if features.contains(.avxVNNI) {
                (250, 70, 30)
            } else if features.contains(.avx2) {
                (120, 60, 30)
            } else if features.contains(.neonI8MM) {
                (80, 15, 8)
            } else if features.contains(.neonDot) {
                (30, 8, 6)
            } else if features.contains(.neon) {
                (6, 4, 3)
            } else {
                (2, 2, 1)
            }
    }
}
