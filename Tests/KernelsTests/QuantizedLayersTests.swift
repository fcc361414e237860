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
                        let channels = samples.pick([1, 3, 15, 16, 17, 31, 63, 64, 65, 72, 80, 130])
                        let (inputStep, outputStep) = (channels + samples.pick([0, 0, 1, 37]), channels + samples.pick([0, 0, 1, 37]))
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
                            inputStep: inputStep, outputStep: outputStep, features: features)
                        #expect([1, channels, layer.outputHeight, layer.outputWidth] == expected.shape, "\(pooling)")
                        let wanted = spread(
                            interleaved(expected.elements(of: UInt8.self), channels: channels), channels: channels, step: outputStep, filler: 0x55)
                        var result = [UInt8](repeating: 0x55, count: wanted.count)
                        var span = result.mutableSpan
                        let image = spread(interleaved(x, channels: channels), channels: channels, step: inputStep, filler: 255)
                        let half = layer.outputHeight / 2
                        layer.run(input: image.span, output: &span, rows: half..<layer.outputHeight)
                        layer.run(input: image.span, output: &span, rows: 0..<half)
                        #expect(result == wanted, "seed 20, \(pooling), \(channels) channels, steps \(inputStep) and \(outputStep)")
                    }
                }
            }
        }
    }

    @Test(arguments: vectorFeatures)
    func meanEqualsTheDefinition(_ features: CPUFeatures) {
        var samples = Samples(seed: 21)
        for channels in [1, 2, 15, 16, 31, 64, 65, 200] {
            for (height, width) in [(1, 1), (7, 7), (3, 5), (16, 16), (40, 40)] {
                let step = channels + samples.pick([0, 1, 70])
                let (input, output) = (samples.quantization(), samples.quantization())
                let x = samples.bytes(channels * height * width)
                let expected = QuantizedDefinition.mean(
                    Tensor(shape: [1, channels, height, width], x), axes: [2, 3], input: input, output: output)
                let layer = QuantizedMean(
                    pixels: height * width, channels: channels, input: input, output: output, inputStep: step, features: features)
                var result = [UInt8](repeating: 0, count: channels)
                var span = result.mutableSpan
                let image = spread(interleaved(x, channels: channels), channels: channels, step: step, filler: 255)
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
        ([7, 72], [1, 72]), ([1, 72], [7, 72]), ([5, 58], [5, 58]), ([5, 1], [5, 1]), ([5, 1], [1, 7]), ([3, 200], [3, 200]), ([2, 8200], [2, 8200]),
    ]

    /// The mean of 2²³ − 1 pixels, all of them the largest number, at zero point 0.
    @Test(arguments: vectorFeatures)
    func theSumOfAMeanDoesNotOverflow(_ features: CPUFeatures) {
        let pixels = (1 << 23) - 1
        let layer = QuantizedMean(
            pixels: pixels, channels: 1, input: Quantization(scale: 1, zeroPoint: 0), output: Quantization(scale: 1, zeroPoint: 0), features: features)
        let x = [UInt8](repeating: 255, count: pixels)
        var result: [UInt8] = [0]
        var span = result.mutableSpan
        layer.run(input: x.span, output: &span, channels: 0..<1)
        #expect(result == [255])
    }

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
                let sizes = [aShape.last ?? 1, bShape.last ?? 1, expected.shape.last ?? 1]
                let steps = sizes.map { $0 + samples.pick([0, 0, 1, 70]) }
                let layer = QuantizedBinary(
                    operation: operation, aShape: aShape, bShape: bShape, activation: activation, a: scales.0, b: scales.1, output: scales.2,
                    aStep: steps[0], bStep: steps[1], outputStep: steps[2], features: features)
                #expect(layer.count == expected.count)
                let wanted = spread(expected.elements(of: UInt8.self), channels: sizes[2], step: steps[2], filler: 0x55)
                let (first, second) = (spread(a, channels: sizes[0], step: steps[0], filler: 0), spread(b, channels: sizes[1], step: steps[1], filler: 0))
                var result = [UInt8](repeating: 0x55, count: wanted.count)
                var span = result.mutableSpan
                let cut = samples.int(0...layer.parts)
                layer.run(a: first.span, b: second.span, output: &span, parts: cut..<layer.parts)
                layer.run(a: first.span, b: second.span, output: &span, parts: 0..<cut)
                #expect(result == wanted, "seed 22, \(aShape) \(operation) \(bShape), \(activation), steps \(steps)")
            }
        }
    }

    @Test(arguments: vectorFeatures)
    func tablesEqualTheDefinition(_ features: CPUFeatures) {
        var samples = Samples(seed: 23)
        let all = (0...255).map { UInt8($0) }
        let activations: [Activation] = [
            .none, .relu, .clip(low: -1, high: 1.5), .leakyRelu(slope: 0.1), .sigmoid, .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu,
        ]
        for activation in activations {
            for _ in 0..<10 {
                let (input, output) = (samples.quantization(), samples.quantization())
                let expected = QuantizedDefinition.table(Tensor(shape: [256], all), activation: activation, input: input, output: output)
                let table = ActivationTable(activation: activation, input: input, output: output, features: features)
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
    func tablesOfEveryLengthAndStepLookUpTheirRowsOnly(_ features: CPUFeatures) {
        var samples = Samples(seed: 25)
        let table = ActivationTable(activation: .silu, input: samples.quantization(), output: samples.quantization(), features: features)
        for count in 0...140 {
            let rows = samples.int(0...3)
            let (inputStep, outputStep) = (count + samples.pick([0, 1, 50]), count + samples.pick([0, 1, 50]))
            let x = samples.bytes(rows * count)
            let wanted = spread(x.map { table.entries[Int($0)] }, channels: count, step: outputStep, filler: 0x55)
            var result = [UInt8](repeating: 0x55, count: wanted.count)
            var span = result.mutableSpan
            let image = spread(x, channels: count, step: inputStep, filler: 0)
            table.run(input: image.span, inputStep: inputStep, output: &span, outputStep: outputStep, rows: rows, count: count)
            #expect(result == wanted, "seed 25, \(rows) rows of \(count)")
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
