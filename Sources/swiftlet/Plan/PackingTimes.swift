// SPDX-License-Identifier: Apache-2.0
internal import Images
internal import Inference
internal import Networks
internal import Packing
internal import Planning
internal import Tensors

/// What packing and unpacking take on this machine: of one image, and of what crosses the board's cuts for it.
struct PackingTimes {
    private let executor: Executor
    private let pixels: [UInt8]
    private let image: Image

    /// - Parameter executor: loaded with preprocessing and the cuts that are asked about.
    init(_ executor: Executor, pixels: [UInt8], preprocessing: Preprocessing) {
        self.executor = executor
        self.pixels = pixels
        // In which order the channels are makes no difference here.
        image = Image(width: preprocessing.width, height: preprocessing.height, channels: preprocessing.channels, pixels: pixels)
    }

    /// Seconds, each the median of several.
    func times(of upload: Upload) throws -> (packing: Double, unpacking: Double) {
        switch upload.payload {
        case .jpeg(let quality):
            let bytes = try JPEG.encode(image, quality: Int(quality))
            return (try Self.median { _ = try JPEG.encode(image, quality: Int(quality)) }, try Self.median { _ = try JPEG.decode(bytes) })
        case .png:
            let bytes = try PNG.encode(image)
            return (try Self.median { _ = try PNG.encode(image) }, try Self.median { _ = try PNG.decode(bytes) })
        case .tensors(let bits, let form): return try times(at: upload.cut, bits: Int(bits), form: form)
        case .floats: return try times(at: upload.cut, bits: PackedActivation.realsBits, form: .planes)
        }
    }

    private func times(at cut: Int, bits: Int, form: PackingForm) throws -> (packing: Double, unpacking: Double) {
        try executor.begin(pixels: pixels.span)
        try executor.run(segment: 0..<cut)
        let crossing = Array(zip(try executor.crossingTensors(at: cut), try executor.crossing(at: cut).map(\.quantization)))
        func packed() throws -> [[UInt8]] { try crossing.map { try PackedActivation($0, $1, bits: bits).packed(as: form) } }
        let bytes = try packed()
        return (try Self.median { _ = try packed() }, try Self.median { for part in bytes { _ = try PackedActivation(unpacking: part).reals } })
    }

    private static func median(_ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let times = try (0..<5).map { _ in
            let start = clock.now
            try body()
            return (clock.now - start).milliseconds / 1000
        }
        return times.sorted()[2]
    }
}
