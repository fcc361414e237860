// SPDX-License-Identifier: Apache-2.0
import Definitions
import Kernels
import Networks
import Tensors
import Testing
import TestSupport

struct QuantizedConvolutionTests {
    @Test func kernelsThatThisProcessorCannotRunAreNamed() {
        for kernel in KernelName.skipped { print("skipped: \(kernel) needs \(kernel.features), this processor has \(CPUFeatures.detected)") }
        #expect(!KernelName.runnable(.convolution).isEmpty && !KernelName.runnable(.depthwise).isEmpty)
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned))
    func everyDepthAndWidthOfATileEqualsTheDefinition(_ kernel: KernelName) {
        var samples = Samples(seed: 1)
        for depth in 1...40 {
            for (pixels, outputs) in [(1, 1), (2, 3), (5, 8), (7, 15), (12, 16), (13, 17), (25, 33), (14, 48), (29, 65), (4, 64)] {
                let sample = ConvolutionCase(
                    &samples, channels: depth, height: pixels, width: 1, outputs: outputs, window: Window(size: [1, 1]),
                    residual: depth % 2 == 0, float: depth % 5 == 0)
                let difference = firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected())
                #expect(difference == nil, "seed 1, \(sample): \(difference ?? "")")
            }
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned), [false, true])
    func everyTailOfPixelsAndOutputsEqualsTheDefinition(_ kernel: KernelName, float: Bool) {
        var samples = Samples(seed: 2)
        for pixels in 1...29 {
            for outputs in Array(1...35) + [48, 49, 63, 64, 65, 127, 129] {
                let sample = ConvolutionCase(
                    &samples, channels: samples.int(1...9), height: 1, width: pixels, outputs: outputs, window: Window(size: [1, 1]),
                    residual: samples.int(0...1) == 1, float: float)
                let difference = firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected())
                #expect(difference == nil, "seed 2, \(sample): \(difference ?? "")")
            }
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned))
    func everyWindowEqualsTheDefinition(_ kernel: KernelName) {
        var samples = Samples(seed: 3)
        for size in 1...4 {
            for stride in 1...3 {
                for dilation in 1...2 {
                    for pad in 0...2 {
                        let window = Window(
                            size: [size, max(1, size - 1)], strides: [stride, samples.int(1...3)], dilations: [dilation, samples.int(1...2)],
                            padsBefore: [pad, samples.int(0...2)], padsAfter: [samples.int(0...2), pad])
                        let groups = samples.pick([1, 1, 2, 3])
                        let sample = ConvolutionCase(
                            &samples, channels: groups * samples.int(1...5), height: samples.int(7...10), width: samples.int(5...9),
                            outputs: groups * samples.int(1...6), window: window, groups: groups,
                            activation: samples.pick([.none, .relu, .clip(low: 0, high: 1)]), residual: samples.int(0...1) == 1,
                            float: samples.int(0...3) == 0)
                        let difference = firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected())
                        #expect(difference == nil, "seed 3, \(sample): \(difference ?? "")")
                    }
                }
            }
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned), 10...17)
    func randomShapesEqualTheDefinition(_ kernel: KernelName, seed: Int) {
        var samples = Samples(seed: UInt64(seed))
        for _ in 0..<6 {
            let groups = samples.pick([1, 1, 1, 2, 4])
            let size = samples.pick([1, 3, 3, 5, 7])
            let sample = ConvolutionCase(
                &samples, channels: groups * samples.int(1...40), height: samples.int(size...14), width: samples.int(size...14),
                outputs: groups * samples.int(1...40),
                window: Window(
                    size: [size, size], strides: [samples.int(1...2), samples.int(1...2)],
                    padsBefore: [samples.int(0...size / 2), samples.int(0...size / 2)],
                    padsAfter: [samples.int(0...size / 2), samples.int(0...size / 2)]),
                groups: groups, activation: samples.pick([.none, .relu, .clip(low: -0.5, high: 0.75)]), residual: samples.int(0...1) == 1,
                float: samples.int(0...3) == 0, extremes: samples.int(0...3) == 0)
            let difference = firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected())
            #expect(difference == nil, "seed \(seed), \(sample): \(difference ?? "")")
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned))
    func extremesAtDeepReductionsAreExact(_ kernel: KernelName) {
        // 255 · 127 · 65 536 + the bias stays below 2³¹; each sign of weight, and each zero point, reaches its limit.
        for (value, weight, zeroPoint) in [(255, -127, 0), (255, 127, 0), (0, -127, 255), (0, 127, 255), (255, 127, 128), (0, 127, 128)] {
            var samples = Samples(seed: 4)
            for depth in [4609, 65536] {
                var sample = ConvolutionCase(
                    &samples, channels: depth, height: 3, width: 1, outputs: 2, window: Window(size: [1, 1]), float: true)
                sample.x = Array(repeating: UInt8(value), count: sample.x.count)
                sample.weights = Tensor(shape: sample.weights.shape, [Int8](repeating: Int8(weight), count: sample.weights.count))
                sample.scales.input.zeroPoints = [Int32(zeroPoint)]
                sample.scales.input.scales = [1]
                sample.scales.weight = Quantization(channelScales: [1, 1])
                let result = sample.run(sample.layer(kernel: kernel))
                #expect(firstDifference(result, sample.expected()) == nil)
                #expect(result.floats[0] == Float(Int32(value - zeroPoint) * Int32(weight) * Int32(depth) + sample.bias[0]))
            }
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned, .depthwise))
    func accumulatorsFarBeyondTheRangeSaturate(_ kernel: KernelName) {
        guard kernel.runs(size: 3) else { return }
        var samples = Samples(seed: 5)
        var sample = ConvolutionCase(&samples, channels: 40, height: 4, width: 5, outputs: 40, window: Window(size: [3, 3]), groups: 40)
        sample.bias = (0..<40).map { $0 % 2 == 0 ? Int32.max / 2 : Int32.min / 2 }
        sample.scales.weight = Quantization(channelScales: (0..<40).map { Float($0 + 1) })
        let difference = firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected())
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned, .depthwise))
    func tiesRoundToEven(_ kernel: KernelName) {
        guard kernel.runs(size: 1) else { return }
        // One weight of 1 and a multiplier of 1/2: every second input lies halfway between two results.
        var samples = Samples(seed: 6)
        var sample = ConvolutionCase(&samples, channels: 32, height: 8, width: 8, outputs: 32, window: Window(size: [1, 1]), groups: 32)
        sample.weights = Tensor(shape: [32, 1, 1, 1], [Int8](repeating: 1, count: 32))
        sample.bias = Array(repeating: 0, count: 32)
        sample.scales.input = Quantization(scale: 1, zeroPoint: 128)
        sample.scales.weight = Quantization(channelScales: Array(repeating: 0.5, count: 32))
        sample.scales.output = Quantization(scale: 1, zeroPoint: 100)
        let expected = interleaved(sample.x, channels: 32).map { UInt8((Float(Int($0) - 128) / 2).rounded(.toNearestOrEven) + 100) }
        #expect(sample.run(sample.layer(kernel: kernel)).elements(of: UInt8.self) == expected)
    }

    @Test(arguments: KernelName.runnable(.depthwise))
    func everyDepthwiseWindowEqualsTheDefinition(_ kernel: KernelName) {
        var samples = Samples(seed: 7)
        for size in [1, 2, 3, 4, 5, 7] {
            for stride in 1...2 {
                for channels in [1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 80, 81, 96, 97, 128, 150] {
                    let pad = samples.int(0...size / 2)
                    let window = Window(
                        size: [size, size], strides: [stride, stride], dilations: samples.pick([[1, 1], [1, 1], [2, 1]]),
                        padsBefore: [pad, samples.int(0...size / 2)], padsAfter: [samples.int(0...size / 2), pad])
                    let sample = ConvolutionCase(
                        &samples, channels: channels, height: samples.int(13...14), width: samples.int(7...9), outputs: channels, window: window,
                        groups: channels, activation: samples.pick([.none, .relu, .clip(low: 0, high: 1)]), residual: samples.int(0...2) == 0,
                        float: samples.int(0...3) == 0, extremes: samples.int(0...3) == 0)
                    guard kernel.runs(size: size) else { continue }
                    let layer = sample.layer(kernel: kernel)
                    #expect(layer.kernelName == kernel.name)
                    let difference = firstDifference(sample.run(layer), sample.expected())
                    #expect(difference == nil, "seed 7, \(sample): \(difference ?? "")")
                }
            }
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned, .depthwise))
    func imagesMayBePartsOfWiderOnes(_ kernel: KernelName) {
        var samples = Samples(seed: 18)
        for size in [1, 3] where kernel.runs(size: size) {
            for channels in [1, 16, 20, 32, 37, 64, 72] {
                let groups = kernel.kind == .depthwise ? channels : 1
                let outputs = kernel.kind == .depthwise ? channels : samples.int(1...70)
                let sample = ConvolutionCase(
                    &samples, channels: channels, height: samples.int(3...6), width: samples.int(3...16), outputs: outputs,
                    window: Window(size: [size, size], strides: [samples.int(1...2), samples.int(1...2)], padsBefore: [size / 2, size / 2]),
                    groups: groups, residual: true)
                let steps = (input: channels + samples.int(1...9), output: outputs + samples.int(1...9), residual: outputs + samples.int(1...9))
                let layer = sample.layer(kernel: kernel, steps: steps)
                let input = interleaved(sample.x, channels: channels).spread(channels, step: steps.input, filler: samples.int(0...255))
                let residual = interleaved(sample.residual!, channels: outputs).spread(outputs, step: steps.residual, filler: 1)
                var output = [UInt8](repeating: 0x55, count: layer.outputHeight * layer.outputWidth * steps.output)
                var scratch = [UInt8](repeating: 0xAA, count: layer.scratchBytes)
                var outputSpan = output.mutableSpan
                var scratchSpan = scratch.mutableSpan
                layer.run(
                    input: input.span, residual: residual.span, output: &outputSpan, scratch: &scratchSpan, rows: 0..<layer.outputHeight)
                let expected = sample.expected().elements(of: UInt8.self).spread(outputs, step: steps.output, filler: 0x55)
                #expect(output == expected, "seed 18, \(sample), steps \(steps)")
            }
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned, .depthwise), [0, 5])
    func aTableReplacesWhatTheLayerAloneGives(_ kernel: KernelName, gap: Int) {
        guard kernel.runs(size: 3) else { return }
        var samples = Samples(seed: 19)
        let sample = ConvolutionCase(
            &samples, channels: 24, height: 9, width: 8, outputs: 24, window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1]),
            groups: kernel.kind == .depthwise ? 24 : 1)
        let table = ActivationTable(activation: .hardSwish, input: sample.scales.output!, output: samples.quantization())
        let layer = sample.layer(kernel: kernel, steps: (nil, 24 + gap, nil), table: table)
        var output = [UInt8](repeating: 0x55, count: 9 * 8 * (24 + gap))
        var scratch = [UInt8](repeating: 0xAA, count: layer.scratchBytes)
        var outputSpan = output.mutableSpan
        var scratchSpan = scratch.mutableSpan
        layer.run(input: interleaved(sample.x, channels: 24).span, residual: nil, output: &outputSpan, scratch: &scratchSpan, rows: 0..<9)
        let expected = sample.expected().elements(of: UInt8.self).map { table.entries[Int($0)] }
        #expect(output == expected.spread(24, step: 24 + gap, filler: 0x55))
    }

    @Test func resultsDoNotDependOnHowRowsAreDivided() {
        var samples = Samples(seed: 8)
        for (groups, window) in [
            (1, Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])), (24, Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])),
            (1, Window(size: [1, 1])),
        ] {
            let sample = ConvolutionCase(
                &samples, channels: 24, height: 11, width: 9, outputs: 24, window: window, groups: groups, residual: true)
            let layer = sample.layer()
            let whole = sample.run(layer)
            #expect(firstDifference(whole, sample.expected()) == nil)
            for pieces in [[0..<5, 5..<11], [6..<11, 0..<6], (0..<11).map { $0..<$0 + 1 }, [0..<3, 3..<3, 3..<11]] {
                #expect(firstDifference(sample.run(layer, pieces: pieces), whole) == nil)
            }
            let part = sample.run(layer, pieces: [2..<4]).elements(of: UInt8.self)
            let row = 9 * 24
            #expect(part[..<(2 * row)].allSatisfy { $0 == 0x55 } && part[(4 * row)...].allSatisfy { $0 == 0x55 }, "rows that weren't asked for changed")
        }
    }

    @Test(arguments: KernelName.runnable(.convolution, .binned))
    func channelsThatAreComputedByThemselvesEqualTheDefinition(_ kernel: KernelName) {
        var samples = Samples(seed: 9)
        for outputs in [17, 64, 100, 129, 300] {
            for size in [1, 3] {
                let window = Window(size: [size, size], padsBefore: [size / 2, size / 2], padsAfter: [size / 2, size / 2])
                let sample = ConvolutionCase(
                    &samples, channels: samples.int(1...40), height: 7, width: samples.int(5...8), outputs: outputs, window: window,
                    residual: samples.int(0...1) == 1, float: samples.int(0...2) == 0)
                let layer = sample.layer(kernel: kernel)
                let difference = firstDifference(sample.run(layer, divides: true), sample.expected())
                #expect(difference == nil, "seed 9, \(sample): \(difference ?? "")")
            }
        }
    }

    @Test func gemmEqualsTheDefinition() {
        var samples = Samples(seed: 9)
        for (m, n, k) in [(1, 10, 64), (1, 1000, 37), (5, 33, 100), (17, 16, 1)] {
            for float in [false, true] {
                let (input, output) = (samples.quantization(), samples.quantization())
                let weight = Quantization(channelScales: (0..<n).map { _ in samples.scale() / 1000 })
                let a = Tensor(shape: [m, k], samples.bytes(m * k))
                let weights = Tensor(shape: [n, k], samples.weights(n * k))
                let bias = (0..<n).map { _ in Int32(samples.int(-5000...5000)) }
                let expected = QuantizedDefinition.gemm(
                    a, weights: weights, bias: Tensor(shape: [n], bias), activation: .relu,
                    scales: .init(input: input, weight: weight, output: float ? nil : output))
                let layer = QuantizedGemm(
                    weights: weights, bias: bias, rows: m, activation: .relu, input: input, weight: weight, output: float ? nil : output)
                var scratch = [UInt8](repeating: 0, count: layer.scratchBytes)
                var scratchSpan = scratch.mutableSpan
                if float {
                    var result = [Float](repeating: .nan, count: m * n)
                    var span = result.mutableSpan
                    layer.run(input: a.elements(of: UInt8.self).span, output: &span, scratch: &scratchSpan, rows: 0..<m)
                    #expect(firstDifference(Tensor(shape: [m, n], result), expected) == nil)
                } else {
                    var result = [UInt8](repeating: 0, count: m * n)
                    var span = result.mutableSpan
                    layer.run(input: a.elements(of: UInt8.self).span, output: &span, scratch: &scratchSpan, rows: 0..<m)
                    #expect(firstDifference(Tensor(shape: [m, n], result), expected) == nil)
                }
            }
        }
    }
}

extension [UInt8] {
    /// Pixels of so many channels, `step` apart.
    func spread(_ channels: Int, step: Int, filler: Int) -> [UInt8] {
        stride(from: 0, to: count, by: channels).flatMap {
            self[$0..<$0 + channels] + [UInt8](repeating: UInt8(filler), count: step - channels)
        }
    }
}

extension KernelName {
    /// Depthwise kernels may be made for one size of window; the name says which: `qdepthwise3x3_…`.
    func runs(size: Int) -> Bool {
        guard let mark = name.split(separator: "_").first, mark.hasPrefix("qdepthwise"), mark != "qdepthwise" else { return true }
        return mark == "qdepthwise\(size)x\(size)"
    }
}
