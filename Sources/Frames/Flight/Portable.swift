// SPDX-License-Identifier: Apache-2.0

/// Functions made of additions and multiplications only, so that every platform computes the same bits.
///
/// The C library's versions differ in the last place from one platform to the next, which would change pixels.
package enum Portable {
    /// The sine of an angle in radians, |x| < 10⁶, with an error below 10⁻⁸.
    package static func sin(_ x: Double) -> Double {
        let turns = (x / .pi).rounded()
        let r = x - turns * .pi
        let s = r * r
        var series = 1 / 6_227_020_800.0
        series = series * s - 1 / 39_916_800
        series = series * s + 1 / 362_880
        series = series * s - 1 / 5040
        series = series * s + 1 / 120
        series = series * s - 1 / 6
        series = series * s + 1
        return Int(turns) & 1 == 0 ? r * series : -r * series
    }

    package static func cos(_ x: Double) -> Double {
        sin(x + .pi / 2)
    }

    /// e to the power of `x`, |x| < 8, as (1 + x/4096)^4096: a relative error of x² / 8192.
    package static func exp(_ x: Double) -> Double {
        var power = 1 + x / 4096
        for _ in 0..<12 { power *= power }
        return power
    }
}

extension Float {
    /// The largest integer that is not above the number, |x| < 2³¹.
    var floorToInt: Int {
        let truncated = Int(self)
        return Float(truncated) > self ? truncated - 1 : truncated
    }

    /// The number limited to 0 … 1.
    var unitClamped: Float {
        Swift.max(0, Swift.min(1, self))
    }
}

/// A vector in metres: x to the right of the drone's course, y up, z along the course.
typealias Vector = SIMD3<Float>

/// Linear light, red, green and blue, where 1 is white in the sun; the fourth lane is an opacity where one is asked for.
typealias Colour = SIMD4<Float>

extension SIMD3<Float> {
    func dot(_ other: Self) -> Float {
        x * other.x + y * other.y + z * other.z
    }

    func cross(_ other: Self) -> Self {
        Self(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
    }

    var length: Float {
        dot(self).squareRoot()
    }

    var normalised: Self {
        self / Swift.max(length, 1e-9)
    }

    /// The unit vector on the ground in a direction, in radians to the right of the course.
    static func heading(_ angle: Double) -> Self {
        Self(Float(Portable.sin(angle)), 0, Float(Portable.cos(angle)))
    }

    static var up: Self { Self(0, 1, 0) }
}

extension SIMD4<Float> {
    static func rgb(_ red: Float, _ green: Float, _ blue: Float) -> Self {
        Self(red, green, blue, 1)
    }

    static func grey(_ level: Float) -> Self {
        Self(level, level, level, 1)
    }

    func mixed(with other: Self, _ share: Float) -> Self {
        self + (other - self) * share
    }

    func opacity(_ value: Float) -> Self {
        Self(x, y, z, value)
    }
}
