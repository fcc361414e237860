// SPDX-License-Identifier: Apache-2.0

/// One activation of one image in 2 … 8 bits, with a range of its own: `real = minimum + step · code`.
///
/// Where the smallest number is 0, as after a ReLU, code 0 stands for exactly 0.
package struct QuantizedActivation: Hashable, Sendable {
    package static let permittedBits = 2...8

    package let shape: ActivationShape
    package let bits: Int
    /// Finite, and so is `minimum + step · (2^bits − 1)`.
    package let minimum: Float
    /// 0 when all numbers are the same.
    package let step: Float
    /// `[c, h, w]`, each below `2^bits`.
    package let codes: [UInt8]

    package init(shape: ActivationShape, bits: Int, minimum: Float, step: Float, codes: [UInt8]) {
        self.shape = shape
        self.bits = bits
        self.minimum = minimum
        self.step = step
        self.codes = codes
    }

    package var largestCode: Int { 1 << bits - 1 }

    package func real(_ code: UInt8) -> Float { minimum + step * Float(code) }

    /// Quantises float32 numbers: `code = clamp(roundHalfToEven((real − minimum) / step), 0, 2^bits − 1)`, the division as a
    /// multiplication by `1 / step` in float32.
    ///
    /// - Parameter values: the numbers in `layout`.
    /// - Precondition: `values` holds `shape.count` numbers; `bits` is in ``permittedBits``.
    /// - Throws: `notFinite` where a number is NaN or infinite, or the range overflows.
    package init(
        _ values: Span<Float>, shape: ActivationShape, layout: ActivationLayout = .channelsFirst, bits: Int, range: RangeRule = .full
    ) throws(PackingError) {
        precondition(values.count == shape.count, "\(values.count) numbers don't fit the shape \(shape)")
        precondition(Self.permittedBits.contains(bits), "\(bits) bits")
        let largest = Float(1 << bits - 1)
        let (low, high) = try range.limits(of: values, bits: bits)
        var step = (high - low) / largest
        if !step.isNormal { step = 0 }
        let inverse = step > 0 ? 1 / step : 0
        let codes = [UInt8](planar: shape, layout) { position in
            UInt8(max(0, min(largest, ((values[position] - low) * inverse).rounded(.toNearestOrEven))))
        }
        self.init(shape: shape, bits: bits, minimum: low, step: step, codes: codes)
    }

    /// Quantises unsigned 8-bit numbers, which stand for `scale · (number − zeroPoint)`, anew: exactly where the numbers that occur
    /// lie so close together that `bits` hold them, else as float32 numbers are.
    ///
    /// - Precondition: `values` holds `shape.count` numbers; `bits` is in ``permittedBits``; `scale` is positive and finite.
    package init(
        _ values: Span<UInt8>, scale: Float, zeroPoint: Int32, shape: ActivationShape, layout: ActivationLayout = .channelsFirst, bits: Int
    ) throws(PackingError) {
        precondition(values.count == shape.count, "\(values.count) numbers don't fit the shape \(shape)")
        precondition(Self.permittedBits.contains(bits), "\(bits) bits")
        precondition(scale > 0 && scale.isFinite, "a scale of \(scale)")
        var (low, high) = (UInt8.max, UInt8.min)
        for position in values.indices {
            low = min(low, values[position])
            high = max(high, values[position])
        }
        if values.isEmpty { (low, high) = (0, 0) }
        let span = Int(high) - Int(low)
        let largest = 1 << bits - 1
        let minimum = scale * Float(Int32(low) - zeroPoint)
        let step = span <= largest ? scale : scale * Float(span) / Float(largest)
        guard (minimum + step * Float(largest)).isFinite else {
            throw PackingError(.notFinite, "quantise \(shape)", "a scale of \(scale) overflows")
        }
        // Integers, rounded half up: the same on every machine.
        let table = (0...255).map { number -> UInt8 in
            let offset = max(0, number - Int(low))
            return UInt8(span <= largest ? min(offset, largest) : min((2 * offset * largest + span) / (2 * span), largest))
        }
        let codes = [UInt8](planar: shape, layout) { position in table[Int(values[position])] }
        self.init(shape: shape, bits: bits, minimum: minimum, step: step, codes: codes)
    }

    /// Writes the real numbers in `layout`.
    ///
    /// - Precondition: `values` has room for exactly `shape.count` numbers.
    package func dequantize(into values: inout MutableSpan<Float>, layout: ActivationLayout = .channelsFirst) {
        precondition(values.count == shape.count, "room for \(values.count) numbers of the shape \(shape)")
        let reals = (0...255).map { real(UInt8($0)) }
        switch layout {
        case .channelsFirst:
            for position in 0..<shape.count { values[position] = reals[Int(codes[position])] }
        case .channelsLast:
            for channel in 0..<shape.channels {
                for pixel in 0..<shape.plane {
                    values[pixel * shape.channels + channel] = reals[Int(codes[channel * shape.plane + pixel])]
                }
            }
        }
    }

    /// The real numbers, `[c, h, w]`.
    package var reals: [Float] { codes.map(real) }
}

extension [UInt8] {
    /// What `code` makes of each position of an activation that lies in `layout`, in the order `[c, h, w]`.
    @inline(__always)
    fileprivate init(planar shape: ActivationShape, _ layout: ActivationLayout, _ code: (Int) -> UInt8) {
        self.init(repeating: 0, count: shape.count)
        var codes = mutableSpan
        switch layout {
        case .channelsFirst:
            for position in 0..<shape.count { codes[position] = code(position) }
        case .channelsLast:
            let (channels, plane) = (shape.channels, shape.plane)
            for pixel in 0..<plane {
                for channel in 0..<channels { codes[channel * plane + pixel] = code(pixel * channels + channel) }
            }
        }
    }
}
