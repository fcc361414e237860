// SPDX-License-Identifier: Apache-2.0

// Format, version 1. Numbers are little-endian; `varint` is unsigned LEB128 of at most 4 bytes, without superfluous ones.
//
//     byte       version · 16 + form
//     byte       bits
//     varint ×3  channels, height, width
//     float32    minimum
//     float32    step
//     …          the codes in that form, to the end

extension QuantizedActivation {
    private static let version: UInt8 = 1
    /// No packed activation is smaller than a 256th of its codes packed to `bits` bits; LZ4, which reaches 255, stays within that.
    package static let largestRatio = 256

    /// The bytes of this activation in `form`; in another where that would exceed ``largestRatio``, or LZ4 makes it larger.
    package func packed(as form: PackingForm) -> [UInt8] {
        let bytes = written(as: form)
        if Self.ratioIsPermitted(shape, bits: bits, bytes: bytes.count) {
            let plain = headerCount + BitPlanes.byteCount(of: shape.count, bits: bits)
            return bytes.count <= plain || form == .bytesLZ4 ? bytes : written(as: .planes)
        }
        return written(as: .planesLZ4)
    }

    private func written(as form: PackingForm) -> [UInt8] {
        var bytes = header(form)
        switch form {
        case .bytesLZ4: LZ4.compress(codes, appendingTo: &bytes)
        case .planesLZ4: LZ4.compress(BitPlanes.shuffle(codes, bits: bits), appendingTo: &bytes)
        case .planes: bytes += BitPlanes.shuffle(codes, bits: bits)
        case .contexts:
            var model = ContextModel()
            return encoded(&model, appendingTo: bytes)
        case .mixed:
            var model = MixedModel()
            return encoded(&model, appendingTo: bytes)
        }
        return bytes
    }

    private func encoded<Model: DecisionModel>(_ model: inout Model, appendingTo bytes: [UInt8]) -> [UInt8] {
        var encoder = RangeEncoder(appendingTo: bytes)
        var passing = codes
        var span = passing.mutableSpan
        _ = codeAll(&span, shape, bits: bits, zeroFirst: minimum == 0, &model, &encoder)
        encoder.finish()
        return encoder.bytes
    }

    private static func ratioIsPermitted(_ shape: ActivationShape, bits: Int, bytes: Int) -> Bool {
        BitPlanes.byteCount(of: shape.count, bits: bits) <= bytes * largestRatio
    }

    /// Reads what ``packed(as:)`` wrote. Anything else is refused, or read as an activation of other numbers; nothing larger than the sizes in
    /// front say is ever reserved, and these are checked first.
    ///
    /// - Parameter maximumCount: the largest number of elements that the caller expects.
    package init(unpacking bytes: [UInt8], maximumCount: Int = ActivationShape.maximumCount) throws(PackingError) {
        let operation = "unpack an activation of \(bytes.count) bytes"
        var reader = HeaderReader(bytes: bytes, operation: operation)
        let first = try reader.byte()
        guard first >> 4 == Self.version else { throw PackingError(.version, operation, "version \(first >> 4), expected \(Self.version)") }
        guard let form = PackingForm(rawValue: first & 15) else { throw PackingError(.version, operation, "form \(first & 15)") }
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
        guard Self.ratioIsPermitted(shape, bits: bits, bytes: bytes.count) else {
            throw PackingError(.tooLarge, operation, "\(shape.count) elements in \(bytes.count) bytes: more than \(Self.largestRatio) : 1")
        }
        let codes = try Self.read(form, bytes, from: reader.position, shape, bits: bits, zeroFirst: minimum == 0, operation)
        self.init(shape: shape, bits: bits, minimum: minimum, step: step, codes: codes)
    }

    private static func read(
        _ form: PackingForm, _ bytes: [UInt8], from start: Int, _ shape: ActivationShape, bits: Int, zeroFirst: Bool, _ operation: String
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
        case .contexts:
            var model = ContextModel()
            return try decoded(&model, bytes, from: start, shape, bits: bits, zeroFirst: zeroFirst, operation)
        case .mixed:
            var model = MixedModel()
            return try decoded(&model, bytes, from: start, shape, bits: bits, zeroFirst: zeroFirst, operation)
        }
    }

    private static func decoded<Model: DecisionModel>(
        _ model: inout Model, _ bytes: [UInt8], from start: Int, _ shape: ActivationShape, bits: Int, zeroFirst: Bool, _ operation: String
    ) throws(PackingError) -> [UInt8] {
        var decoder = RangeDecoder(bytes, from: start)
        var codes = [UInt8](repeating: 0, count: shape.count)
        var span = codes.mutableSpan
        guard codeAll(&span, shape, bits: bits, zeroFirst: zeroFirst, &model, &decoder) else {
            throw PackingError(.truncated, operation, "the codes don't end with the bytes")
        }
        guard decoder.isAtEnd else { throw PackingError(.damaged, operation, "bytes behind the codes") }
        return codes
    }

    private func header(_ form: PackingForm) -> [UInt8] {
        var bytes: [UInt8] = [Self.version << 4 | form.rawValue, UInt8(bits)]
        for size in [shape.channels, shape.height, shape.width] {
            var rest = size
            while rest > 127 {
                bytes.append(UInt8(rest & 127 | 128))
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        for number in [minimum, step] {
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> shift)) }
        }
        return bytes
    }

    private var headerCount: Int { header(.planes).count }
}

/// The fields in front of the codes, each checked to be there.
private struct HeaderReader {
    let bytes: [UInt8]
    let operation: String
    var position = 0

    init(bytes: [UInt8], operation: String) {
        self.bytes = bytes
        self.operation = operation
    }

    mutating func byte() throws(PackingError) -> UInt8 {
        guard position < bytes.count else { throw PackingError(.truncated, operation, "the fields in front of the codes end early") }
        position += 1
        return bytes[position - 1]
    }

    mutating func varint() throws(PackingError) -> Int {
        var result = 0
        for index in 0..<4 {
            let byte = try byte()
            result |= Int(byte & 127) << (7 * index)
            if byte < 128 {
                guard byte != 0 || index == 0 else { break }
                return result
            }
        }
        throw PackingError(.damaged, operation, "a size in more bytes than it needs")
    }

    mutating func float() throws(PackingError) -> Float {
        var pattern: UInt32 = 0
        for shift in [0, 8, 16, 24] as [UInt32] { pattern |= UInt32(try byte()) << shift }
        return Float(bitPattern: pattern)
    }
}
