// SPDX-License-Identifier: Apache-2.0

// Format, version 2. Numbers are little-endian; `varint` is unsigned LEB128 of at most 4 bytes, without superfluous ones.
//
//     byte       version · 16 + form, + 8 where it needs the activation before
//     byte       bits
//     varint ×3  channels, height, width
//     float32    minimum
//     float32    step
//     uint32     of the activation before, where it needs one: its digest
//     …          the codes in that form, to the end
//
// The shortest an arithmetic code may be is a 256th of what its bit planes take; bytes of 0x5A make up what it lacks.

extension QuantizedActivation {
    static let version: UInt8 = 2
    /// How many times the bytes of a packed activation its bit planes take at most. LZ4, which reaches 255, stays within that.
    package static let largestRatio = 256

    /// The bytes of this activation in `form`; as bit planes, with or without LZ4, where `form` makes them larger.
    ///
    /// - Parameter previous: what was packed before, where the reader is sure to have it: what it held is expected again in the forms `symbols`
    ///   and `mixed`. It makes no difference in another form, or where the shapes differ.
    package func packed(as form: PackingForm, after previous: QuantizedActivation? = nil) -> [UInt8] {
        let reference = form.isCoded && previous?.shape == shape ? previous : nil
        let bytes = written(as: form, after: reference)
        guard form != .bytesLZ4 else { return bytes }
        let compressed = form.isCoded ? written(as: .planesLZ4, after: nil) : bytes
        let least = compressed.count < bytes.count ? compressed : bytes
        return least.count <= header(.planes).count + planeBytes ? least : written(as: .planes, after: nil)
    }

    private var planeBytes: Int { BitPlanes.byteCount(of: shape.count, bits: bits) }

    private func written(as form: PackingForm, after reference: QuantizedActivation?) -> [UInt8] {
        var bytes = header(form, after: reference)
        switch form {
        case .bytesLZ4: LZ4.compress(codes, appendingTo: &bytes)
        case .planesLZ4: LZ4.compress(BitPlanes.shuffle(codes, bits: bits), appendingTo: &bytes)
        case .planes: bytes += BitPlanes.shuffle(codes, bits: bits)
        case .symbols:
            var coder = SymbolCoder(RangeEncoder(appendingTo: bytes), bits: bits)
            encode(with: &coder, after: reference)
            return ended(coder.coder)
        case .mixed:
            var coder = MixedCoder(RangeEncoder(appendingTo: bytes), bits: bits, zeroFirst: minimum == 0)
            encode(with: &coder, after: reference)
            return ended(coder.coder)
        }
        return bytes
    }

    private func encode(with coder: inout some CodeCoder, after reference: QuantizedActivation?) {
        var passing = codes
        var span = passing.mutableSpan
        let expected = reference?.expectations(minimum: minimum, step: step, bits: bits) ?? []
        _ = codeAll(&span, shape, bits: bits, reference: expected, &coder)
    }

    private func ended(_ encoder: consuming RangeEncoder) -> [UInt8] {
        encoder.finish()
        let lacking = Self.leastByteCount(shape, bits: bits) - encoder.bytes.count
        return lacking > 0 ? encoder.bytes + [UInt8](repeating: RangeEncoder.tail, count: lacking) : encoder.bytes
    }

    static func leastByteCount(_ shape: ActivationShape, bits: Int) -> Int {
        (BitPlanes.byteCount(of: shape.count, bits: bits) + largestRatio - 1) / largestRatio
    }

    /// What this activation lets expect of one with another range, in 16ths of its codes, within these.
    func expectations(minimum: Float, step: Float, bits: Int) -> [Int32] {
        let largest = Float(16 * (1 << bits - 1))
        let inverse = step > 0 ? 16 / step : 0
        let table = (0...255).map { code in
            let place = (real(UInt8(code)) - minimum) * inverse
            return place > 0 ? Int32(min(place, largest)) : 0
        }
        return codes.map { table[Int($0)] }
    }

    /// FNV-1a, 32 bits, of the range and the codes: tells one activation from another, not from one made to look like it.
    var digest: UInt32 {
        var digest: UInt32 = 0x811C_9DC5
        for number in [UInt32(bits), minimum.bitPattern, step.bitPattern] {
            for shift in [0, 8, 16, 24] as [UInt32] { digest = (digest ^ (number >> shift & 0xFF)) &* 0x0100_0193 }
        }
        for code in codes { digest = (digest ^ UInt32(code)) &* 0x0100_0193 }
        return digest
    }

    private func header(_ form: PackingForm, after reference: QuantizedActivation? = nil) -> [UInt8] {
        var bytes: [UInt8] = [Self.version << 4 | (reference == nil ? 0 : 8) | form.rawValue, UInt8(bits)]
        shape.append(to: &bytes)
        for number in [minimum.bitPattern, step.bitPattern] + (reference.map { [$0.digest] } ?? []) {
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        }
        return bytes
    }
}

extension ActivationShape {
    /// Writes the sizes as varints.
    func append(to bytes: inout [UInt8]) {
        for size in [channels, height, width] {
            var rest = size
            while rest > 127 {
                bytes.append(UInt8(rest & 127 | 128))
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }
}
