// SPDX-License-Identifier: Apache-2.0
internal import TestSupport

internal import Packing

extension SeededGenerator {
    /// Numbers as layers give them: smooth along rows and columns, each channel with a mean of its own, and 0 where a ReLU cuts.
    mutating func activation(_ shape: ActivationShape, rectified: Bool) -> [Float] {
        var values = [Float](repeating: 0, count: shape.count)
        for channel in 0..<shape.channels {
            let mean = Float.random(in: -1.5...0.5, using: &self)
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    let position = (channel * shape.height + y) * shape.width + x
                    let before = (x > 0 ? values[position - 1] : mean) + (y > 0 ? values[position - shape.width] : mean)
                    values[position] = 0.45 * before + 0.1 * mean + Float.random(in: -0.5...0.5, using: &self)
                }
            }
        }
        return rectified ? values.map { max(0, $0) } : values
    }

    /// Codes of every kind: all equal, noise, or an activation's.
    mutating func quantized(_ shape: ActivationShape, bits: Int) throws -> QuantizedActivation {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: try quantize([Float](repeating: 0.25, count: shape.count), shape, bits: bits)
        case 1: try quantize((0..<shape.count).map { _ in Float.random(in: 0...1, using: &self) }, shape, bits: bits)
        case let kind: try quantize(activation(shape, rectified: kind == 2), shape, bits: bits)
        }
    }
}

func shape(_ channels: Int, _ height: Int, _ width: Int) -> ActivationShape {
    guard let shape = ActivationShape(channels: channels, height: height, width: width) else { preconditionFailure("too large for a test") }
    return shape
}

func quantize(_ values: [Float], _ shape: ActivationShape, bits: Int, range: RangeRule = .full) throws(PackingError) -> QuantizedActivation {
    try QuantizedActivation(values.span, shape: shape, bits: bits, range: range)
}
