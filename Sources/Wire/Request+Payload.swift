// SPDX-License-Identifier: Apache-2.0

extension Request {
    /// How an image is compressed.
    package enum Encoding: String, Hashable, Sendable, Codable {
        case jpeg, png
    }

    /// What the full model is to go on from.
    package enum Payload: Hashable, Sendable {
        /// The frame as a JPEG or PNG file of 1 byte … 8 MiB; its size in pixels, 1 … 16384 each.
        case image(Encoding, width: Int, height: Int, [UInt8])
        case activations(Activations)

        /// What stands behind the header.
        package var bytes: [UInt8] {
            switch self {
            case .image(_, _, _, let bytes): bytes
            case .activations(let activations): activations.bytes
            }
        }
    }

    /// What crosses a cut of the full model, computed on the device.
    package struct Activations: Hashable, Sendable {
        /// Number of nodes before the cut in the full model's order; 0 … 65535.
        package var cut: Int
        /// SHA-256 of the full model's weights, of which the cut is one; a worker with others refuses.
        package var digest: DigestText
        /// The output, before the last, where the cloud stops, 0 … 255; `nil`: it goes on to the end.
        package var exit: Int?
        /// Bytes of each packed tensor, in the order in which they come to exist; 1 … 32 of them, none empty, together all of `bytes`.
        package var sizes: [Int]
        /// The packed tensors, one behind the other; 1 byte … 8 MiB.
        package var bytes: [UInt8]

        package static let maximumTensors = 32

        package init(cut: Int, digest: DigestText, exit: Int? = nil, sizes: [Int], bytes: [UInt8]) {
            self.cut = cut
            self.digest = digest
            self.exit = exit
            self.sizes = sizes
            self.bytes = bytes
        }

        package init(cut: Int, digest: DigestText, exit: Int? = nil, tensors: [[UInt8]]) {
            self.init(cut: cut, digest: digest, exit: exit, sizes: tensors.map(\.count), bytes: Array(tensors.joined()))
        }

        /// The packed tensors, apart.
        ///
        /// - Precondition: the sizes add up to the bytes, as those of every decoded request do.
        package var tensors: [[UInt8]] {
            var start = 0
            return sizes.map { size in
                defer { start += size }
                return Array(bytes[start..<start + size])
            }
        }
    }
}

extension Request.Payload {
    /// The part of the header that says what stands behind it.
    struct Form: Hashable {
        var encoding: String
        var width: Int?
        var height: Int?
        var cut: Int?
        var full: String?
        var exit: Int?
        var sizes: [Int]?
    }

    private static let activationsEncoding = "activations"

    var form: Form {
        switch self {
        case .image(let encoding, let width, let height, _): Form(encoding: encoding.rawValue, width: width, height: height)
        case .activations(let activations):
            Form(
                encoding: Self.activationsEncoding, cut: activations.cut, full: activations.digest.description, exit: activations.exit,
                sizes: activations.sizes)
        }
    }

    /// What `form` says of the bytes behind a header; they are copied once all is known to fit.
    init(_ form: Form, _ body: ArraySlice<UInt8>) throws(WireError) {
        try Self.checkCount(body.count)
        if form.encoding == Self.activationsEncoding {
            let cut = try field(form.cut, "request.cut", "missing")
            let digest = try field(DigestText(form.full ?? ""), "request.full", "not 64 lower-case hexadecimal digits")
            let sizes = try field(form.sizes, "request.sizes", "missing")
            try Self.check(cut: cut, exit: form.exit, sizes: sizes, count: body.count)
            self = .activations(.init(cut: cut, digest: digest, exit: form.exit, sizes: sizes, bytes: Array(body)))
        } else {
            let encoding = try field(Request.Encoding(rawValue: form.encoding), "request.encoding", "none of jpeg, png, activations")
            let width = try field(form.width, "request.width", "missing")
            let height = try field(form.height, "request.height", "missing")
            try Self.check(width: width, height: height)
            self = .image(encoding, width: width, height: height, Array(body))
        }
    }

    package func check() throws(WireError) {
        switch self {
        case .image(_, let width, let height, let bytes):
            try Self.checkCount(bytes.count)
            try Self.check(width: width, height: height)
        case .activations(let activations):
            try Self.checkCount(activations.bytes.count)
            try Self.check(cut: activations.cut, exit: activations.exit, sizes: activations.sizes, count: activations.bytes.count)
        }
    }

    private static func checkCount(_ count: Int) throws(WireError) {
        try require(count > 0, "request", "nothing behind the header")
        guard count <= Request.maximumPayloadBytes else {
            throw WireError(.tooLarge, "request", "\(count) bytes behind the header, at most \(Request.maximumPayloadBytes) are allowed")
        }
    }

    private static func check(width: Int, height: Int) throws(WireError) {
        try require((1...16_384).contains(width) && (1...16_384).contains(height), "request.width, height", "outside 1 … 16384")
    }

    private static func check(cut: Int, exit: Int?, sizes: [Int], count: Int) throws(WireError) {
        try require((0...65_535).contains(cut), "request.cut", "outside 0 … 65535")
        try require((0...255).contains(exit ?? 0), "request.exit", "outside 0 … 255")
        try require((1...Request.Activations.maximumTensors).contains(sizes.count), "request.sizes", "\(sizes.count) tensors, expected 1 … 32")
        try require(sizes.allSatisfy { (1...count).contains($0) }, "request.sizes", "a size outside 1 … \(count)")
        let sum = sizes.reduce(0, +)
        try require(sum == count, "request.sizes", "\(sum) bytes in all, \(count) there")
    }
}
