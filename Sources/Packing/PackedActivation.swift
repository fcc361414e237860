// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// One of the values that cross a cut, as it travels: in 2 … 8 bits with a range of its own, or in the float32 numbers that it has, as Neurosurgeon and Edgent send it.
///
/// Bytes of the former are ``QuantizedActivation``'s; of the latter, by the same rules:
///
///     byte       version · 16 (form 0)
///     byte       32
///     varint ×3  channels, height, width
///     float32 …  the numbers, [c, h, w], to the end
package enum PackedActivation: Hashable, Sendable {
    case quantized(QuantizedActivation)
    case reals(ActivationShape, [Float])

    /// The code of floats beside the raw values of ``PackingForm``.
    package static let realsForm: UInt8 = 0
    package static let realsBits = 32

    /// - Parameters:
    ///   - tensor: float32, or unsigned 8-bit numbers that stand for others; of one frame.
    ///   - quantization: what 8-bit numbers stand for, one scale a tensor.
    ///   - bits: ``QuantizedActivation/permittedBits``, or 32.
    /// - Precondition: `bits` is one of these; 8-bit numbers have a quantisation.
    /// - Throws: `notFinite` where a number is NaN or infinite, `tooLarge` for a batch of several frames and for too many elements.
    package init(_ tensor: Tensor, _ quantization: Quantization?, bits: Int) throws(PackingError) {
        guard let shape = ActivationShape(of: tensor.shape) else {
            throw PackingError(.tooLarge, "pack \(tensor.shape)", "expected one frame of at most \(ActivationShape.maximumCount) elements")
        }
        switch (tensor.type, quantization) {
        case (.uint8, let quantization?) where bits == Self.realsBits:
            let reals = (0...255).map { quantization.dequantize(UInt8($0)) }
            self = .reals(shape, tensor.elements(of: UInt8.self).map { reals[Int($0)] })
        case (.uint8, let quantization?):
            self = .quantized(
                try tensor.withElements(of: UInt8.self) { numbers throws(PackingError) in
                    try QuantizedActivation(numbers, scale: quantization.scale, zeroPoint: quantization.zeroPoint, shape: shape, bits: bits)
                })
        case (.float32, _) where bits == Self.realsBits: self = .reals(shape, tensor.elements(of: Float.self))
        case (.float32, _):
            self = .quantized(
                try tensor.withElements(of: Float.self) { numbers throws(PackingError) in try QuantizedActivation(numbers, shape: shape, bits: bits) })
        default: preconditionFailure("\(tensor.type) doesn't cross a cut")
        }
        if case .reals(_, let reals) = self, !reals.allSatisfy(\.isFinite) { throw PackingError(.notFinite, "pack \(shape)", "a number that isn't finite") }
    }

    /// Reads what ``packed(as:)`` wrote, from untrusted bytes.
    ///
    /// - Parameter maximumCount: the largest number of elements that the caller expects.
    package init(unpacking bytes: [UInt8], maximumCount: Int = ActivationShape.maximumCount) throws(PackingError) {
        guard bytes.first == QuantizedActivation.version << 4 | Self.realsForm else {
            self = .quantized(try QuantizedActivation(unpacking: bytes, maximumCount: maximumCount))
            return
        }
        let operation = "unpack floats of \(bytes.count) bytes"
        var reader = HeaderReader(bytes: bytes, operation: operation)
        _ = try reader.byte()
        let bits = try reader.byte()
        guard bits == UInt8(Self.realsBits) else { throw PackingError(.damaged, operation, "\(bits) bits, expected \(Self.realsBits)") }
        let (channels, height, width) = (try reader.varint(), try reader.varint(), try reader.varint())
        guard let shape = ActivationShape(channels: channels, height: height, width: width), shape.count <= maximumCount else {
            throw PackingError(.tooLarge, operation, "[\(channels), \(height), \(width)], at most \(min(maximumCount, ActivationShape.maximumCount)) elements")
        }
        let rest = bytes.count - reader.position
        guard rest >= 4 * shape.count else { throw PackingError(.truncated, operation, "\(rest) bytes of \(shape.count) floats") }
        guard rest == 4 * shape.count else { throw PackingError(.damaged, operation, "bytes behind the floats") }
        var reals: [Float] = []
        reals.reserveCapacity(shape.count)
        for _ in 0..<shape.count { reals.append(try reader.float()) }
        guard reals.allSatisfy(\.isFinite) else { throw PackingError(.notFinite, operation, "a number that isn't finite") }
        self = .reals(shape, reals)
    }

    package var shape: ActivationShape {
        switch self {
        case .quantized(let activation): activation.shape
        case .reals(let shape, _): shape
        }
    }

    /// The numbers, `[c, h, w]`.
    package var reals: [Float] {
        switch self {
        case .quantized(let activation): activation.reals
        case .reals(_, let reals): reals
        }
    }

    /// - Parameter form: of quantised codes; floats have but one.
    package func packed(as form: PackingForm = .symbols) -> [UInt8] {
        switch self {
        case .quantized(let activation): return activation.packed(as: form)
        case .reals(let shape, let reals):
            var bytes = [QuantizedActivation.version << 4 | Self.realsForm, UInt8(Self.realsBits)]
            shape.append(to: &bytes)
            bytes.reserveCapacity(bytes.count + 4 * reals.count)
            for real in reals {
                for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: real.bitPattern >> shift)) }
            }
            return bytes
        }
    }
}

extension ActivationShape {
    /// `[1, c, h, w]` as it is, any other shape of one frame as a vector; `nil` for several frames and for what is too large.
    package init?(of shape: [Int]) {
        guard shape.count < 2 || shape[0] == 1 else { return nil }
        if shape.count == 4 {
            self.init(channels: shape[1], height: shape[2], width: shape[3])
        } else {
            guard let count = shape.checkedElementCount else { return nil }
            self.init(channels: count, height: 1, width: 1)
        }
    }
}
