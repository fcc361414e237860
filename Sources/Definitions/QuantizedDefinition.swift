// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// What each operation on quantised tensors gives, exactly: the yardstick that every kernel must equal.
///
/// Activations are uint8 with one scale and zero point a tensor; images are `[n, c, h, w]`.
package enum QuantizedDefinition {
    /// The limits of a quantised result under a fused activation.
    ///
    /// - Precondition: none, relu or clip; every other activation is a ``table(_:activation:input:output:)`` of its own.
    static func limits(_ activation: Activation, _ output: Quantization) -> (lower: Int32, upper: Int32) {
        switch activation {
        case .none: (0, 255)
        case .relu: (output.zeroPoint, 255)
        case .clip(let low, let high): (Int32(output.quantize(low)), Int32(output.quantize(high)))
        default: preconditionFailure("\(activation) isn't fused into a quantised operation")
        }
    }

    /// `clamp(roundHalfToEven(real) + zeroPoint, lower, upper)`, saturating.
    static func rounded(_ real: Float, zeroPoint: Int32, lower: Int32 = 0, upper: Int32 = 255) -> UInt8 {
        let rounded = min(max(real, -0x1p24), 0x1p24).rounded(.toNearestOrEven)
        return UInt8(min(max(Int32(rounded) + zeroPoint, lower), upper))
    }

    /// The activation of a float32 result; none, relu or clip.
    static func clamped(_ real: Float, _ activation: Activation) -> Float {
        switch activation {
        case .none: real
        case .relu: max(real, 0)
        case .clip(let low, let high): min(max(real, low), high)
        default: preconditionFailure("\(activation) isn't fused into a quantised operation")
        }
    }
}
