// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// Turns 8-bit pixels into the first activation of a network with one look-up an element.
///
/// A quantised network's look-up gives the 8-bit activation at once, exactly what quantising the float input would give.
struct PixelEntry: Sendable {
    /// One 256-element table a channel, one after another.
    private enum Tables: Sendable {
        case floats([Float], Slot)
        case quantized([UInt8], Slot)
    }

    private let tables: [Tables]
    private let channels: Int
    private let count: Int
    /// By entry of the program: what the tables have done already.
    let skips: [Bool]

    init(_ preprocessing: Preprocessing, graph: Graph, program: Program) throws(InferenceError) {
        let channels = preprocessing.channels
        let wanted = [1, channels, preprocessing.height, preprocessing.width]
        guard program.inputs.count == 1, program.inputs[0].value.type == .float32, program.inputs[0].value.shape == wanted else {
            throw InferenceError(
                .preprocessing, "network '\(graph.name)'",
                "pixels make one float32 input \(wanted), the network takes \(program.inputs.map { "\($0.value.type) \($0.value.shape)" })")
        }
        guard preprocessing.mean.count == channels, preprocessing.deviation.count == channels else {
            throw InferenceError(
                .preprocessing, "network '\(graph.name)'",
                "expected \(channels) means and deviations, found \(preprocessing.mean.count) and \(preprocessing.deviation.count)")
        }
        self.channels = channels
        count = wanted.elementCount
        let reals = (0..<channels).flatMap { preprocessing.table(channel: $0) }
        var skips = Array(repeating: false, count: program.entries.count)
        let input = graph.inputs[0]
        let users = graph.nodes.filter { $0.inputs.contains(input) }.count + graph.outputs.filter { $0 == input }.count
        let quantizations = program.quantizations.filter { $0.input == input }
        if !quantizations.isEmpty, quantizations.count == users {
            for quantization in quantizations { skips[quantization.entry] = true }
            tables = quantizations.map { target in .quantized(reals.map { target.quantization.quantize($0) }, target.slot) }
        } else {
            tables = [.floats(reals, program.inputs[0].slot)]
        }
        self.skips = skips
    }

    func fill(from pixels: Span<UInt8>, _ memory: Memory) throws(InferenceError) {
        guard pixels.count == count else {
            throw InferenceError(.input, "pixels", "expected \(count) bytes, found \(pixels.count)")
        }
        for table in tables {
            switch table {
            case .floats(let table, let slot): memory.write(slot, of: Float.self) { look(up: pixels, in: table.span, &$0) }
            case .quantized(let table, let slot): memory.write(slot, of: UInt8.self) { look(up: pixels, in: table.span, &$0) }
            }
        }
    }

    @inline(__always)
    @_lifetime(output: copy output)
    private func look<Element>(up pixels: Span<UInt8>, in tables: Span<Element>, _ output: inout MutableSpan<Element>) {
        // What holds for the whole image is checked here, not for each of its bytes.
        precondition(pixels.count.isMultiple(of: channels) && output.count >= pixels.count && tables.count == channels << 8, "a table a channel")
        for channel in 0..<channels {
            let table = tables.extracting(channel << 8..<(channel + 1) << 8)
            var index = channel
            while index < pixels.count {
                unsafe output[unchecked: index] = table[unchecked: Int(pixels[unchecked: index])]
                index += channels
            }
        }
    }
}
