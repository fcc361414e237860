// SPDX-License-Identifier: Apache-2.0

/// Smooth random values on a plane, periodic in both directions.
struct NoiseField: Sendable {
    private static let side = 64
    private static let mask = side - 1
    private let values: [Float]

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        values = (0..<Self.side * Self.side).map { _ in Float(random.unit()) }
    }

    /// The value of one lattice point, in 0 ..< 1.
    func lattice(_ x: Int, _ y: Int) -> Float {
        values[(y & Self.mask) &* Self.side &+ (x & Self.mask)]
    }

    /// The value at a point, in 0 ..< 1, with a smooth step between lattice points one unit apart.
    func at(_ x: Float, _ y: Float) -> Float {
        let column = x.floorToInt, row = y.floorToInt
        var u = x - Float(column), v = y - Float(row)
        u = u * u * (3 - 2 * u)
        v = v * v * (3 - 2 * v)
        let top = lattice(column, row), bottom = lattice(column, row &+ 1)
        let a = top + (lattice(column &+ 1, row) - top) * u
        let b = bottom + (lattice(column &+ 1, row &+ 1) - bottom) * u
        return a + (b - a) * v
    }

    /// Three octaves of `at`, in 0 ..< 1.
    func cloudy(_ x: Float, _ y: Float) -> Float {
        at(x, y) * 0.55 + at(x * 2.1 + 17.3, y * 2.1 + 5.9) * 0.3 + at(x * 4.3 + 3.1, y * 4.3 + 29.7) * 0.15
    }
}
