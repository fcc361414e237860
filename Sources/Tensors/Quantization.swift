// SPDX-License-Identifier: Apache-2.0

/// How 8-bit integers stand for real numbers: `real = scale · (q − zeroPoint)`.
///
/// Activations are unsigned 8 bit with one scale and zero point a tensor. Weights are signed 8 bit in −127 … 127, symmetric
/// (zero point 0), with one scale an output channel. Biases and accumulators are signed 32 bit with the scale
/// `inputScale · weightScale[channel]` and zero point 0.
package struct Quantization: Hashable, Sendable, Codable {
    /// One element for the whole tensor, or one a channel. Each is positive, finite and normal.
    package var scales: [Float]
    /// As many as `scales`; 0 … 255 for activations, 0 for weights and biases.
    package var zeroPoints: [Int32]
    /// The axis that channels run along; `nil` for one scale a tensor.
    package var axis: Int?

    package init(scale: Float, zeroPoint: Int32) {
        scales = [scale]
        zeroPoints = [zeroPoint]
        axis = nil
    }

    /// Symmetric, one scale a channel.
    package init(channelScales: [Float], axis: Int = 0) {
        scales = channelScales
        zeroPoints = Array(repeating: 0, count: channelScales.count)
        self.axis = axis
    }

    package init(scales: [Float], zeroPoints: [Int32], axis: Int?) {
        self.scales = scales
        self.zeroPoints = zeroPoints
        self.axis = axis
    }

    /// The scale of a per-tensor quantisation.
    package var scale: Float { scales[0] }
    /// The zero point of a per-tensor quantisation.
    package var zeroPoint: Int32 { zeroPoints[0] }

    /// The smallest per-tensor unsigned quantisation that holds `minimum … maximum` and represents 0 exactly.
    ///
    /// The range is widened to contain 0; an empty or degenerate one becomes 0 … 1. The zero point is rounded to nearest.
    package static func activations(minimum: Float, maximum: Float) -> Quantization {
        let low = min(minimum, 0)
        let high = max(maximum, 0)
        let scale = (high - low) / 255
        guard scale.isFinite, scale.isNormal else { return Quantization(scale: 1 / 255, zeroPoint: 0) }
        let zeroPoint = (-low / scale).rounded(.toNearestOrEven)
        return Quantization(scale: scale, zeroPoint: Int32(min(max(zeroPoint, 0), 255)))
    }

    /// The unsigned 8-bit number for `real`: divide by the scale in float32, round half to even, add the zero point, saturate.
    /// NaN becomes the zero point.
    package func quantize(_ real: Float) -> UInt8 {
        let scaled = (real / scale).rounded(.toNearestOrEven)
        guard !scaled.isNaN else { return UInt8(zeroPoint) }
        return UInt8(min(max(scaled + Float(zeroPoint), 0), 255))
    }

    package func dequantize(_ quantized: UInt8) -> Float { scale * Float(Int32(quantized) - zeroPoint) }
}

/// The one rule that turns a 32-bit accumulator into an 8-bit activation, on every instruction set:
///
///     t = float(accumulator) · multiplier                      (one float32 multiplication, rounded)
///     u = float(residual − residualZeroPoint) · residualMultiplier   (where a residual is added)
///     q = clamp(roundHalfToEven(t + u) + zeroPoint, lower, upper)
///
/// Each operation is rounded to float32 by itself: no contraction into a fused multiply-add. `float(accumulator)` rounds to nearest even.
/// The sum is limited to ±2²⁴ before it is rounded, so the conversion to an integer can't overflow.
package struct Requantization: Hashable, Sendable {
    /// `inputScale · weightScale[channel] / outputScale`, computed in double and rounded to float32 once. One an output channel.
    package var multipliers: [Float]
    package var zeroPoint: Int32
    /// Clamp limits after the zero point: the saturation of the type, narrowed by a fused ReLU or clip. `0 … 255`.
    package var lower: Int32
    package var upper: Int32

    package init(multipliers: [Float], zeroPoint: Int32, lower: Int32 = 0, upper: Int32 = 255) {
        self.multipliers = multipliers
        self.zeroPoint = zeroPoint
        self.lower = lower
        self.upper = upper
    }

    package static func multiplier(inputScale: Float, weightScale: Float, outputScale: Float) -> Float {
        Float(Double(inputScale) * Double(weightScale) / Double(outputScale))
    }

    /// The rule itself, for one accumulator of one channel. `addend` is `u`, 0 where nothing is added.
    package func apply(_ accumulator: Int32, channel: Int, adding addend: Float = 0) -> UInt8 {
        let real = Float(accumulator) * multipliers[channel] + addend
        let rounded = min(max(real, -0x1p24), 0x1p24).rounded(.toNearestOrEven)
        return UInt8(min(max(Int32(rounded) + zeroPoint, lower), upper))
    }
}
