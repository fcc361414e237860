// SPDX-License-Identifier: Apache-2.0
internal import Packing

/// Why bytes are no calibration table.
package struct CalibrationTableError: Error, Hashable, CustomStringConvertible {
    package var reason: String
    package var description: String { "calibration table: \(reason)" }
}

/// The table in few bytes. All numbers are little-endian.
///
///     "SwCT" version:u8=1 samples:u32 exits:u16 uploads:u16
///     each exit     position:u32 right:bits scores:f32[samples]
///     each upload   cut:u32 exit:u8 payload:u8[3] right:bits least:u32 width:u8 bytes−least:width[samples]
///     full:bits
///
/// `exit` is 255 for the end. `bits` are a bit for each sample from the lowest of the first byte on; numbers of `width` bits follow each other in the same
/// way; both fill up to whole bytes with zeros. A sample so takes 33 bits for each exit, 1 + `width` for each upload, and 1.
extension CalibrationTable {
    private static let magic = Array("SwCT".utf8) + [1]
    /// Above what any network or data set has, and few enough for all plans to be gone through.
    private static let most = (samples: 1 << 24, exits: 32, uploads: 1 << 10)
    /// Of all uploads and samples together: equal sizes take no bytes in the file, and four each here.
    private static let mostSizes = 1 << 25

    /// Whether a table of so many samples, and uploads, can be read again.
    package static func check(samples: Int, uploads: Int) throws(CalibrationTableError) {
        guard samples <= most.samples, uploads <= most.uploads, samples * uploads <= mostSizes else {
            throw CalibrationTableError(reason: "\(samples) samples of each of \(uploads) uploads, of \(mostSizes) in all at most")
        }
    }

    /// - Precondition: ``check(samples:uploads:)`` lets it pass.
    package func encoded() -> [UInt8] {
        var bits = BitWriter()
        bits.bytes = Self.magic
        bits.write(UInt64(samples), width: 32)
        bits.write(UInt64(exits.count), width: 16)
        bits.write(UInt64(sent.count), width: 16)
        for exit in exits {
            bits.write(UInt64(exit.position), width: 32)
            bits.write(exit.right)
            for score in exit.scores { bits.write(UInt64(score.bitPattern), width: 32) }
        }
        for sent in sent {
            bits.write(UInt64(sent.upload.cut), width: 32)
            bits.write(UInt64(sent.upload.exit ?? 255), width: 8)
            for code in sent.upload.payload.codes { bits.write(UInt64(code), width: 8) }
            bits.write(sent.right)
            let least = sent.bytes.min() ?? 0
            let width = 32 - ((sent.bytes.max() ?? 0) - least).leadingZeroBitCount
            bits.write(UInt64(least), width: 32)
            bits.write(UInt64(width), width: 8)
            for bytes in sent.bytes { bits.write(UInt64(bytes - least), width: width) }
            bits.fillUp()
        }
        bits.write(full)
        return bits.bytes
    }

    /// Reads what ``encoded()`` wrote, from untrusted bytes.
    package init(decoding bytes: [UInt8]) throws(CalibrationTableError) {
        var bits = BitReader(bytes: bytes)
        for byte in Self.magic where try bits.read(width: 8) != UInt64(byte) { throw CalibrationTableError(reason: "no table of this version") }
        let samples = try bits.read(width: 32, what: "samples", 0...Self.most.samples)
        let exits = try bits.read(width: 16, what: "exits", 1...Self.most.exits)
        let uploads = try bits.read(width: 16, what: "uploads", 0...Self.most.uploads)
        try Self.check(samples: samples, uploads: uploads)
        var readExits: [Exit] = []
        for _ in 0..<exits {
            let position = Int(try bits.read(width: 32))
            if let last = readExits.last, last.position > position { throw CalibrationTableError(reason: "exits out of order") }
            let right = try bits.readSet(samples)
            try bits.require(samples, width: 32)
            var scores: [Float] = []
            scores.reserveCapacity(samples)
            for _ in 0..<samples { scores.append(Float(bitPattern: UInt32(try bits.read(width: 32)))) }
            readExits.append(Exit(position: position, scores: scores, right: right))
        }
        var readSent: [Sent] = []
        for _ in 0..<uploads {
            let cut = Int(try bits.read(width: 32))
            let exit = Int(try bits.read(width: 8))
            guard exit < exits || exit == 255 else { throw CalibrationTableError(reason: "an upload to exit \(exit) of \(exits)") }
            let codes = (UInt8(try bits.read(width: 8)), UInt8(try bits.read(width: 8)), UInt8(try bits.read(width: 8)))
            guard let payload = Payload(codes: codes) else { throw CalibrationTableError(reason: "unknown payload \(codes.0), \(codes.1), \(codes.2)") }
            let right = try bits.readSet(samples)
            let least = UInt32(try bits.read(width: 32))
            let width = try bits.read(width: 8, what: "bits of a size", 0...32)
            try bits.require(samples, width: width)
            var sizes: [UInt32] = []
            sizes.reserveCapacity(samples)
            for _ in 0..<samples {
                let (size, overflow) = least.addingReportingOverflow(UInt32(try bits.read(width: width)))
                if overflow { throw CalibrationTableError(reason: "a size beyond 32 bits") }
                sizes.append(size)
            }
            try bits.skipFilling()
            readSent.append(Sent(Upload(cut: cut, payload: payload, exit: exit == 255 ? nil : exit), bytes: sizes, right: right))
        }
        let full = try bits.readSet(samples)
        guard bits.isAtEnd else { throw CalibrationTableError(reason: "bytes behind its end") }
        self.init(exits: readExits, sent: readSent, full: full)
    }
}

extension Payload {
    fileprivate var codes: [UInt8] {
        switch self {
        case .jpeg(let quality): [0, quality, 0]
        case .png: [1, 0, 0]
        case .tensors(let bits, let form): [2, bits, form.rawValue]
        case .floats: [2, UInt8(PackedActivation.realsBits), PackedActivation.realsForm]
        }
    }

    fileprivate init?(codes: (UInt8, UInt8, UInt8)) {
        switch codes {
        case (0, 1...100, 0): self = .jpeg(quality: codes.1)
        case (1, 0, 0): self = .png
        case (2, UInt8(PackedActivation.realsBits), PackedActivation.realsForm): self = .floats
        case (2, let bits, let form):
            guard QuantizedActivation.permittedBits.contains(Int(bits)), let form = PackingForm(rawValue: form) else { return nil }
            self = .tensors(bits: bits, form)
        default: return nil
        }
    }
}

private struct BitWriter {
    var bytes: [UInt8] = []
    private var pending: UInt64 = 0
    private var count = 0

    init() {}

    /// - Precondition: `width` is 0 … 32 and `value` fits it.
    mutating func write(_ value: UInt64, width: Int) {
        pending |= value << UInt64(count)
        count += width
        while count >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            count -= 8
        }
    }

    mutating func write(_ set: SampleSet) {
        for sample in 0..<set.samples { write(set.contains(sample) ? 1 : 0, width: 1) }
        fillUp()
    }

    mutating func fillUp() {
        if count > 0 { write(0, width: 8 - count) }
    }
}

private struct BitReader {
    let bytes: [UInt8]
    private var next = 0
    private var pending: UInt64 = 0
    private var count = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { next == bytes.count }

    /// - Precondition: `width` is 0 … 32.
    mutating func read(width: Int) throws(CalibrationTableError) -> UInt64 {
        while count < width {
            guard next < bytes.count else { throw CalibrationTableError(reason: "ends too early") }
            pending |= UInt64(bytes[next]) << UInt64(count)
            next += 1
            count += 8
        }
        defer {
            pending >>= UInt64(width)
            count -= width
        }
        return pending & (1 << UInt64(width) - 1)
    }

    mutating func read(width: Int, what: String, _ range: ClosedRange<Int>) throws(CalibrationTableError) -> Int {
        let value = Int(try read(width: width))
        guard range.contains(value) else { throw CalibrationTableError(reason: "\(value) \(what), expected \(range.lowerBound) … \(range.upperBound)") }
        return value
    }

    /// Throws where so many numbers can't follow, before room is made for them.
    func require(_ values: Int, width: Int) throws(CalibrationTableError) {
        if (values * width + 7) / 8 > bytes.count - next { throw CalibrationTableError(reason: "ends too early") }
    }

    mutating func readSet(_ samples: Int) throws(CalibrationTableError) -> SampleSet {
        try require(samples, width: 1)
        var bits: [Bool] = []
        bits.reserveCapacity(samples)
        for _ in 0..<samples { bits.append(try read(width: 1) == 1) }
        try skipFilling()
        return SampleSet(of: samples) { bits[$0] }
    }

    /// What fills up to a whole byte is 0.
    mutating func skipFilling() throws(CalibrationTableError) {
        if pending != 0 { throw CalibrationTableError(reason: "bits behind the last sample") }
        count = 0
    }
}
