// SPDX-License-Identifier: Apache-2.0

/// The logistic function and its inverse between probabilities in 4,096ths and their logarithmic odds in 256ths, in integers alone:
/// coder and decoder must agree to the bit, whatever machine each runs on.
package struct Logistic: Sendable {
    /// `odds + 2048` → `4096 / (1 + e^(−odds / 256))`, 1 … 4095.
    package let probabilities: [UInt16]
    /// `probability` → odds, −2047 … 2047.
    package let odds: [Int16]

    package static let shared = Logistic()

    /// `65536 / (1 + e^−x)` for x = −8, −7.5 … 8, rounded.
    private static let knots: [Int] = [
        22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565, 62428,
        63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
    ]

    private init() {
        let probabilities = (0..<4096).map { position -> UInt16 in
            let (knot, rest) = (position / 128, position % 128)
            let value = (Self.knots[knot] * (128 - rest) + Self.knots[knot + 1] * rest) / 128
            return UInt16(max(1, min(4095, (value + 8) / 16)))
        }
        self.probabilities = probabilities
        var next = 0
        odds = (0..<4096).map { probability in
            while next < 4095, probabilities[next] < probability { next += 1 }
            return Int16(max(-2047, min(2047, next - 2048)))
        }
    }
}
