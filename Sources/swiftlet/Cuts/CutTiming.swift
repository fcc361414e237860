// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Images
internal import Inference
internal import Networks
internal import Packing
internal import Tensors

/// What it takes to pack what crosses each cut and to unpack it, beside the part of the network before it: in the processor's time of one thread, which other
/// work on the machine lengthens little.
struct CutTiming {
    static let forms = [PackingForm.planesLZ4, .symbols, .mixed]

    /// One form at one number of bits; each list has an element an image, times in milliseconds.
    struct Choice {
        var bits: Int
        var form: PackingForm
        var packing: [Double] = []
        var unpacking: [Double] = []
        var bytes: [Double] = []
    }

    struct Place {
        var place: CutPlace
        /// The network in float32 up to here.
        var prefix: [Double] = []
        /// From floats to codes, at any number of bits.
        var quantising: [Double] = []
        /// From codes to floats.
        var dequantising: [Double] = []
        var choices: [Choice]
    }

    let name: String
    let multiplyAccumulates: Int
    private(set) var images = 0
    private(set) var cuts: [Place]
    private let executor: Executor
    private var preprocessor: Preprocessor

    init(_ file: ModelFile, isThorough: Bool) throws {
        guard let preprocessing = file.details.preprocessing else {
            throw CommandFailure(.badData, "\(file.path) doesn't say how images become its input")
        }
        let (graph, places) = try file.divisible(isThorough: isThorough)
        let choices = QuantizedActivation.permittedBits.flatMap { bits in Self.forms.map { Choice(bits: bits, form: $0) } }
        name = file.details.name
        cuts = places.map { Place(place: $0, choices: choices) }
        multiplyAccumulates = graph.backboneMultiplyAccumulates
        executor = try Executor(
            graph, preprocessing: preprocessing, options: ExecutorOptions(threads: 1, cuts: Set(places.map(\.cut.position))))
        preprocessor = Preprocessor(preprocessing)
    }

    mutating func measure(_ image: Image) throws {
        preprocessor.prepare(image)
        images += 1
        for index in cuts.indices {
            let place = cuts[index].place
            let start = Self.processorTime
            try executor.begin(pixels: preprocessor.pixels.span)
            try executor.run(segment: 0..<place.cut.position)
            cuts[index].prefix.append(Self.processorTime - start)
            let crossing = try executor.crossingTensors(at: place.cut.position)
            var (quantising, dequantising) = (0.0, 0.0)
            for bits in QuantizedActivation.permittedBits {
                let before = Self.processorTime
                let activations = try zip(crossing, place.shapes).map { tensor, shape in
                    try tensor.withElements(of: Float.self) { numbers throws(PackingError) in try QuantizedActivation(numbers, shape: shape, bits: bits) }
                }
                let between = Self.processorTime
                let reals = activations.map(\.reals)
                precondition(reals.count == crossing.count)
                quantising += between - before
                dequantising += Self.processorTime - between
                for choice in cuts[index].choices.indices where cuts[index].choices[choice].bits == bits {
                    try Self.measure(activations, &cuts[index].choices[choice])
                }
            }
            cuts[index].quantising.append(quantising / Double(QuantizedActivation.permittedBits.count))
            cuts[index].dequantising.append(dequantising / Double(QuantizedActivation.permittedBits.count))
        }
    }

    private static func measure(_ activations: [QuantizedActivation], _ choice: inout Choice) throws {
        let start = processorTime
        let packed = activations.map { $0.packed(as: choice.form) }
        let between = processorTime
        let unpacked = try packed.map { bytes throws(PackingError) in try QuantizedActivation(unpacking: bytes) }
        choice.unpacking.append(processorTime - between)
        choice.packing.append(between - start)
        choice.bytes.append(Double(packed.reduce(0) { $0 + $1.count }))
        guard unpacked == activations else { throw CommandFailure(.failure, "\(choice.form) at \(choice.bits) bits doesn't unpack to what was packed") }
    }

    /// Of this thread so far, in milliseconds.
    private static var processorTime: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }
}
