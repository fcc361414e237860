// SPDX-License-Identifier: Apache-2.0
import Definitions
import Kernels
import Networks
import Tensors
import Testing
import TestSupport

struct QuantizedLayersTests {
    @Test(arguments: vectorFeatures, [Pooling.Kind.maximum, .average])
    func poolingEqualsTheDefinition(_ features: CPUFeatures, kind: Pooling.Kind) {
        var samples = Samples(seed: 20)
        for size in 1...4 {
            for stride in 1...3 {
                for ceilMode in [false, true] {
                    for countsPadding in [false, true] {
                        let channels = samples.pick([1, 3, 16, 63, 64, 65, 130])
                        let (height, width) = (samples.int(8...11), samples.int(5...9))
                        // Pads are narrower than the window, as in every graph that passes its checks.
                        let other = samples.int(1...4)
                        let window = Window(
                            size: [size, other], strides: [stride, samples.int(1...3)],
                            dilations: kind == .maximum ? [samples.int(1...2), 1] : nil, padsBefore: [size / 2, samples.int(0...other / 2)],
                            padsAfter: [samples.int(0...size / 2), other / 2])
                        let pooling = Pooling(kind: kind, window: window, ceilMode: ceilMode, countsPadding: countsPadding)
                        let input = samples.quantization()
                        let output = kind == .maximum ? input : samples.quantization()
                        let x = samples.bytes(channels * height * width)
                        let expected = QuantizedDefinition.pool(
                            Tensor(shape: [1, channels, height, width], x), pooling, input: input, output: output)
                        let layer = QuantizedPooling(
                            inputHeight: height, inputWidth: width, channels: channels, pooling: pooling, input: input, output: output,
                            features: features)
                        #expect([1, channels, layer.outputHeight, layer.outputWidth] == expected.shape, "\(pooling)")
                        var result = [UInt8](repeating: 0, count: expected.count)
                        var span = result.mutableSpan
                        let image = interleaved(x, channels: channels)
                        let half = layer.outputHeight / 2
                        layer.run(input: image.span, output: &span, rows: half..<layer.outputHeight)
                        layer.run(input: image.span, output: &span, rows: 0..<half)
                        #expect(result == interleaved(expected.elements(of: UInt8.self), channels: channels), "seed 20, \(pooling), \(channels) channels")
                    }
                }
            }
        }
    }

    @Test(arguments: vectorFeatures)
    func meanEqualsTheDefinition(_ features: CPUFeatures) {
        var samples = Samples(seed: 21)
        for channels in [1, 2, 31, 64, 65, 200] {
            for (height, width) in [(1, 1), (7, 7), (3, 5), (40, 40)] {
                let (input, output) = (samples.quantization(), samples.quantization())
                let x = samples.bytes(channels * height * width)
                let expected = QuantizedDefinition.mean(
                    Tensor(shape: [1, channels, height, width], x), axes: [2, 3], input: input, output: output)
                let layer = QuantizedMean(pixels: height * width, channels: channels, input: input, output: output, features: features)
                var result = [UInt8](repeating: 0, count: channels)
                var span = result.mutableSpan
                let image = interleaved(x, channels: channels)
                let cut = samples.int(0...channels)
                layer.run(input: image.span, output: &span, channels: 0..<cut)
                layer.run(input: image.span, output: &span, channels: cut..<channels)
                #expect(result == expected.elements(of: UInt8.self), "seed 21, \(channels) channels, \(height)×\(width)")
            }
        }
    }

    /// Shapes as they lie in memory.
    static let broadcasts: [([Int], [Int])] = [
        ([1, 4, 5, 6], [1, 4, 5, 6]), ([1, 4, 5, 6], [1, 1, 1, 6]), ([1, 1, 1, 6], [1, 4, 5, 6]), ([1, 4, 5, 6], [1]), ([1], [7]),
        ([1, 4, 5, 6], [1, 4, 5, 1]), ([1, 4, 1, 6], [1, 1, 5, 6]), ([3, 1, 5, 1], [1, 4, 1, 2]), ([2, 3], [3]), ([], [5]), ([], []),
        ([1, 90, 100, 3], [1, 90, 100, 3]), ([1, 1, 1, 100], [1, 3, 3, 100]), ([2, 1, 3, 1, 4], [1, 5, 1, 2, 1]), ([16411], [16411]),
    ]

    @Test(arguments: vectorFeatures, [Binary.add, .subtract, .multiply])
    func binaryOperationsEqualTheDefinition(_ features: CPUFeatures, operation: Binary) {
        var samples = Samples(seed: 22)
        for (aShape, bShape) in Self.broadcasts {
            for activation in [Activation.none, .relu, .clip(low: -0.25, high: 0.5)] {
                let (a, b) = (samples.bytes(aShape.elementCount), samples.bytes(bShape.elementCount))
                let scales = (samples.quantization(), samples.quantization(), samples.quantization())
                let expected = QuantizedDefinition.binary(
                    Tensor(shape: aShape, a), Tensor(shape: bShape, b), operation, activation: activation, aQuantization: scales.0,
                    bQuantization: scales.1, output: scales.2)
                let layer = QuantizedBinary(
                    operation: operation, aShape: aShape, bShape: bShape, activation: activation, a: scales.0, b: scales.1, output: scales.2,
                    features: features)
                #expect(layer.count == expected.count)
                var result = [UInt8](repeating: 0, count: layer.count)
                var span = result.mutableSpan
                let cut = samples.int(0...layer.parts)
                layer.run(a: a.span, b: b.span, output: &span, parts: cut..<layer.parts)
                layer.run(a: a.span, b: b.span, output: &span, parts: 0..<cut)
                #expect(result == expected.elements(of: UInt8.self), "seed 22, \(aShape) \(operation) \(bShape), \(activation)")
            }
        }
    }

    @Test func tablesEqualTheDefinition() {
        var samples = Samples(seed: 23)
        let all = (0...255).map { UInt8($0) }
        let activations: [Activation] = [
            .none, .relu, .clip(low: -1, high: 1.5), .leakyRelu(slope: 0.1), .sigmoid, .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu,
        ]
        for activation in activations {
            for _ in 0..<10 {
                let (input, output) = (samples.quantization(), samples.quantization())
                let expected = QuantizedDefinition.table(Tensor(shape: [256], all), activation: activation, input: input, output: output)
                let table = ActivationTable(activation: activation, input: input, output: output)
                var result = [UInt8](repeating: 0, count: 256)
                var span = result.mutableSpan
                table.run(input: all.span, output: &span)
                #expect(result == expected.elements(of: UInt8.self), "seed 23, \(activation), \(input) to \(output)")
                var inPlace = all
                var inPlaceSpan = inPlace.mutableSpan
                table.run(inPlace: &inPlaceSpan)
                #expect(inPlace == result)
            }
        }
    }

    @Test(arguments: vectorFeatures)
    func conversionsEqualTheDefinition(_ features: CPUFeatures) {
        var samples = Samples(seed: 24)
        for count in 0..<70 {
            let quantization = samples.quantization()
            let conversion = QuantizedConversion(quantization, features: features)
            var reals = samples.floats(count).map { $0 * 6 }
            // Ties, values far outside, and what isn't a number.
            let special: [Float] = [.nan, .infinity, -.infinity, 1e30, -1e30, 0, -0, quantization.scale * 0.5, quantization.scale * 1.5, -quantization.scale * 2.5]
            for (index, value) in special.enumerated() where index < count { reals[index] = value }
            var bytes = [UInt8](repeating: 0, count: count)
            var byteSpan = bytes.mutableSpan
            conversion.quantize(reals.span, into: &byteSpan)
            let expected = reals.map { quantization.quantize($0) }
            #expect(bytes == expected, "seed 24, \(quantization)")
            var back = [Float](repeating: .nan, count: count)
            var backSpan = back.mutableSpan
            conversion.dequantize(bytes.span, into: &backSpan)
            let expectedBack = bytes.map { quantization.dequantize($0) }
            #expect(back == expectedBack)
        }
    }
}
