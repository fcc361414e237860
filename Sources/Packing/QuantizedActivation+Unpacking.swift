// SPDX-License-Identifier: Apache-2.0

extension QuantizedActivation {
    /// Reads what ``packed(as:)`` wrote. Anything else is refused, or read as an activation of other numbers; nothing larger than the sizes in
    /// front say is ever reserved, and these are checked first.
    ///
    /// - Parameters:
    ///   - previous: what was unpacked before. Where the bytes need another, or none is given, they are refused with `reference`.
    ///   - maximumCount: the largest number of elements that the caller expects.
    package init(
        unpacking bytes: [UInt8], after previous: QuantizedActivation? = nil, maximumCount: Int = ActivationShape.maximumCount
    ) throws(PackingError) {
        let operation = "unpack an activation of \(bytes.count) bytes"
        var reader = HeaderReader(bytes: bytes, operation: operation)
        let first = try reader.byte()
        guard first >> 4 == Self.version else { throw PackingError(.version, operation, "version \(first >> 4), expected \(Self.version)") }
        guard let form = PackingForm(rawValue: first & 7) else { throw PackingError(.version, operation, "form \(first & 7)") }
        let needsReference = first & 8 != 0
        guard !needsReference || form.isCoded else { throw PackingError(.damaged, operation, "a reference in the form \(form)") }
        let bits = Int(try reader.byte())
        guard Self.permittedBits.contains(bits) else { throw PackingError(.damaged, operation, "\(bits) bits, expected 2 … 8") }
        let (channels, height, width) = (try reader.varint(), try reader.varint(), try reader.varint())
        guard let shape = ActivationShape(channels: channels, height: height, width: width), shape.count <= maximumCount else {
            let bound = min(maximumCount, ActivationShape.maximumCount)
            throw PackingError(.tooLarge, operation, "[\(channels), \(height), \(width)], at most \(bound) elements")
        }
        let (minimum, step) = (try reader.float(), try reader.float())
        guard minimum.isFinite, step == 0 || step.isNormal, step.sign == .plus, (minimum + step * Float(1 << bits - 1)).isFinite else {
            throw PackingError(.damaged, operation, "a range from \(minimum) in steps of \(step)")
        }
        guard bytes.count >= Self.leastByteCount(shape, bits: bits) else {
            throw PackingError(.tooLarge, operation, "\(shape.count) elements in \(bytes.count) bytes: more than \(Self.largestRatio) : 1")
        }
        var expected: [Int32] = []
        if needsReference {
            let digest = try reader.uint32()
            guard let previous, previous.shape == shape, previous.digest == digest else {
                throw PackingError(.reference, operation, "it needs the activation before it, \(digest) of the shape \(shape)")
            }
            expected = previous.expectations(minimum: minimum, step: step, bits: bits)
        }
        let codes = try Self.read(form, bytes, from: reader.position, shape, bits: bits, zeroFirst: minimum == 0, expected, operation)
        self.init(shape: shape, bits: bits, minimum: minimum, step: step, codes: codes)
    }

    private static func read(
        _ form: PackingForm, _ bytes: [UInt8], from start: Int, _ shape: ActivationShape, bits: Int, zeroFirst: Bool, _ expected: [Int32],
        _ operation: String
    ) throws(PackingError) -> [UInt8] {
        let planeBytes = BitPlanes.byteCount(of: shape.count, bits: bits)
        switch form {
        case .planes:
            guard bytes.count - start >= planeBytes else { throw PackingError(.truncated, operation, "expected \(planeBytes) bytes of codes") }
            guard bytes.count - start == planeBytes else { throw PackingError(.damaged, operation, "bytes behind the codes") }
            return BitPlanes.unshuffle(Array(bytes[start...]), count: shape.count, bits: bits)
        case .planesLZ4:
            guard let planes = LZ4.decompress(bytes, from: start, count: planeBytes) else {
                throw PackingError(.damaged, operation, "not \(planeBytes) bytes in LZ4")
            }
            return BitPlanes.unshuffle(planes, count: shape.count, bits: bits)
        case .bytesLZ4:
            guard let codes = LZ4.decompress(bytes, from: start, count: shape.count) else {
                throw PackingError(.damaged, operation, "not \(shape.count) bytes in LZ4")
            }
            guard codes.allSatisfy({ Int($0) < 1 << bits }) else { throw PackingError(.damaged, operation, "codes of more than \(bits) bits") }
            return codes
        case .symbols:
            var coder = SymbolCoder(RangeDecoder(bytes, from: start), bits: bits)
            let codes = try decoded(with: &coder, shape, bits: bits, expected, operation)
            try checkEnd(of: coder.coder, bytes, shape, bits: bits, operation)
            return codes
        case .mixed:
            var coder = MixedCoder(RangeDecoder(bytes, from: start), bits: bits, zeroFirst: zeroFirst)
            let codes = try decoded(with: &coder, shape, bits: bits, expected, operation)
            try checkEnd(of: coder.coder, bytes, shape, bits: bits, operation)
            return codes
        }
    }

    private static func decoded(
        with coder: inout some CodeCoder, _ shape: ActivationShape, bits: Int, _ expected: [Int32], _ operation: String
    ) throws(PackingError) -> [UInt8] {
        var codes = [UInt8](repeating: 0, count: shape.count)
        var span = codes.mutableSpan
        guard codeAll(&span, shape, bits: bits, reference: expected, &coder) else {
            throw PackingError(.truncated, operation, "the codes don't end with the bytes")
        }
        return codes
    }

    private static func checkEnd(
        of decoder: borrowing RangeDecoder, _ bytes: [UInt8], _ shape: ActivationShape, bits: Int, _ operation: String
    ) throws(PackingError) {
        let end = decoder.position
        guard decoder.isAtEnd, bytes.count == max(end, leastByteCount(shape, bits: bits)), !bytes[end...].contains(where: { $0 != RangeEncoder.tail }) else {
            throw PackingError(.damaged, operation, "bytes that don't end with the codes")
        }
    }
}
