// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// Converts an output of another type to float32: quantised values to what they stand for, integers to the nearest float.
struct FloatOutputStep: Step {
    var source: Slot
    var value: Value
    var destination: Slot

    func run(parts: Range<Int>, in memory: Memory, worker: Int) {
        switch value.type {
        case .uint8, .bool:
            if let quantization = value.quantization, quantization.axis == nil {
                let scale = quantization.scale
                let zeroPoint = quantization.zeroPoint
                convert(UInt8.self, memory) { scale * Float(Int32($0) - zeroPoint) }
            } else {
                convert(UInt8.self, memory) { Float($0) }
            }
        case .int8: convert(Int8.self, memory) { Float($0) }
        case .int16: convert(Int16.self, memory) { Float($0) }
        case .uint16: convert(UInt16.self, memory) { Float($0) }
        case .int32: convert(Int32.self, memory) { Float($0) }
        case .uint32: convert(UInt32.self, memory) { Float($0) }
        case .int64: convert(Int64.self, memory) { Float($0) }
        case .uint64: convert(UInt64.self, memory) { Float($0) }
        case .float16: convert(UInt16.self, memory) { Float(halfBits: $0) }
        case .float32: convert(Float.self, memory) { $0 }
        case .float64: convert(Double.self, memory) { Float($0) }
        }
    }

    private func convert<Element: TensorElement>(_ type: Element.Type, _ memory: Memory, _ body: (Element) -> Float) {
        memory.with(reading: source, of: type, writing: destination, of: Float.self, scratchOf: 0) { source, destination, _ in
            for index in source.indices { destination[index] = body(source[index]) }
        }
    }
}
