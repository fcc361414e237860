// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Value {
    /// Checks that the scales and zero points are as many, and as large, as ``Quantization`` says.
    func checkQuantization() throws(GraphError) {
        guard let quantization else { return }
        let expected: Int
        if let axis = quantization.axis {
            try expectAxis(axis, rank: shape.count)
            expected = shape[axis]
        } else {
            expected = 1
        }
        guard quantization.scales.count == expected, quantization.zeroPoints.count == expected else {
            throw GraphError(
                .quantization,
                "\(quantization.scales.count) scales and \(quantization.zeroPoints.count) zero points, expected \(expected)")
        }
        guard quantization.scales.allSatisfy({ $0.isNormal && $0 > 0 }) else {
            throw GraphError(.quantization, "a scale that isn't positive and normal")
        }
        let range: ClosedRange<Int32>
        switch type {
        case .uint8: range = 0...255
        case .int8: range = -128...127
        case .uint16: range = 0...65535
        case .int16: range = -32768...32767
        case .int32: range = 0...0
        default: throw GraphError(.type, "\(type) can't be quantised")
        }
        guard quantization.zeroPoints.allSatisfy(range.contains) else {
            throw GraphError(.quantization, "a zero point outside \(range.lowerBound) … \(range.upperBound)")
        }
    }
}

extension Operation {
    /// Checks what quantised inputs ask of the outputs.
    func checkQuantization(inputs: [Value?], outputs: [Value]) throws(GraphError) {
        guard let first = inputs.first ?? nil else { return }
        if case .quantize = self { return }
        if case .dequantize = self { return }
        if keepsQuantization {
            guard first.quantization?.axis == nil, outputs.allSatisfy({ $0.type == .int64 || $0.quantization == first.quantization }) else {
                throw GraphError(.quantization, "input and output of this operation share one scale and zero point")
            }
            return
        }
        guard first.isQuantizedActivation else {
            guard (inputs.compactMap(\.self) + outputs).allSatisfy({ $0.quantization == nil }) else {
                throw GraphError(.quantization, "a quantised operand beside plain numbers")
            }
            return
        }
        try checkMultipliers(inputs: inputs, outputs: outputs)
        switch self {
        case .convolution, .gemm:
            try Self.checkAccumulators(weights: inputs[1], bias: inputs.count > 2 ? inputs[2] : nil)
            guard outputs.allSatisfy({ $0.isQuantizedActivation || ($0.type == .float32 && $0.quantization == nil) }) else {
                throw GraphError(.quantization, "a quantised input needs a quantised or float32 output")
            }
        case .activation, .binary, .pool, .mean, .concatenation:
            guard outputs.allSatisfy(\.isQuantizedActivation) else {
                throw GraphError(.quantization, "a quantised input needs a quantised output")
            }
        default: throw GraphError(.quantization, "this operation has no quantised form")
        }
    }

    /// Whether elements are only moved or selected, so that results mean what the input's elements meant.
    package var keepsQuantization: Bool {
        switch self {
        case .split, .slice, .pad, .gather, .transpose, .reshape: true
        case .pool(let pooling): pooling.kind == .maximum
        default: false
        }
    }

    /// The largest factor between two quantised numbers: with it a 32-bit accumulator stays finite in float32.
    private static let largestMultiplier = 0x1p64

    /// Checks that every factor from an accumulator or an operand to the output is at most ``largestMultiplier``.
    private func checkMultipliers(inputs: [Value?], outputs: [Value]) throws(GraphError) {
        let scales = inputs.map { Double($0?.quantization?.scales.max() ?? 0) }
        let output = outputs.compactMap { $0.quantization?.scales.min() }.min().map(Double.init) ?? 1
        var factors = scales
        switch self {
        case .convolution, .gemm, .binary(.multiply, _):
            if scales.count > 1 { factors = [scales[0] * scales[1]] + scales.dropFirst(3) }
        default: break
        }
        guard factors.allSatisfy({ $0 / output <= Self.largestMultiplier }) else {
            throw GraphError(.quantization, "scales of input and output that are too far apart")
        }
    }

    /// Checks that no sum `Σ (x − zx) · w + bias` can leave 32 bits, whatever x is, and that weights avoid −128.
    private static func checkAccumulators(weights: Value?, bias: Value?) throws(GraphError) {
        guard let weights = weights?.constant else { throw GraphError(.quantization, "quantised weights must be constant") }
        let biases = bias?.constant?.elements(of: Int32.self)
        guard bias == nil || biases != nil else { throw GraphError(.quantization, "a quantised bias must be constant") }
        let channels = weights.shape[0]
        guard channels > 0 else { return }
        let length = weights.count / channels
        let stored = weights.storage.packed?.storage ?? weights.storage
        guard unsafe !stored.withUnsafeBytes({ unsafe $0.bindMemory(to: Int8.self).holds(-128) }) else {
            throw GraphError(.quantization, "a weight of −128, expected −127 … 127")
        }
        // Few sums can be that large: then none has to be taken.
        let largestBias = biases?.reduce(0) { max($0, Int64($1.magnitude)) } ?? 0
        guard Int64(length) * 255 * 127 + largestBias > Int64(Int32.max) else { return }
        try weights.withElements(of: Int8.self) { elements throws(GraphError) in
            for channel in 0..<channels {
                guard sumsFit32Bits(elements.extracting(channel * length..<(channel + 1) * length), bias: biases?[channel] ?? 0) else {
                    throw GraphError(.quantization, "the sums of output channel \(channel) don't fit 32 bits")
                }
            }
        }
    }

    /// Whether `Σ (x − zx) · w + bias` stays within 32 bits, whatever 8-bit x and zx are.
    package static func sumsFit32Bits(_ weights: Span<Int8>, bias: Int32) -> Bool {
        var bound = Int64(bias.magnitude)
        for index in weights.indices { bound += Int64(weights[index].magnitude) * 255 }
        return bound <= Int64(Int32.max)
    }
}

extension UnsafeBufferPointer<Int8> {
    /// Whether some element is `value`: without a branch for each, so that vectors can compare.
    fileprivate func holds(_ value: Int8) -> Bool {
        var found: UInt8 = 0
        for index in indices { unsafe found |= self[index] == value ? 1 : 0 }
        return found != 0
    }
}
