// SPDX-License-Identifier: Apache-2.0
import Definitions
import Kernels
import Networks
import Tensors
import Testing

struct WinogradTests {
    @Test(arguments: KernelName.runnable(.winograd), [false, true])
    func everySizeOfImageEqualsTheDefinition(_ kernel: KernelName, float: Bool) {
        var samples = Samples(seed: 30)
        for height in 1...7 {
            for width in 1...9 {
                let pads = [max(0, 3 - height), max(0, 3 - width)]
                let window = Window(
                    size: [3, 3], padsBefore: [samples.int(pads[0]...2), samples.int(pads[1]...2)], padsAfter: [samples.int(0...2), samples.int(0...2)])
                let sample = ConvolutionCase(
                    &samples, channels: samples.int(1...40), height: height, width: width, outputs: samples.int(1...40), window: window,
                    activation: samples.pick([.none, .relu, .clip(low: -0.5, high: 0.75)]), residual: samples.int(0...1) == 1, float: float,
                    extremes: samples.int(0...2) == 0)
                let layer = sample.layer(kernel: kernel)
                #expect(layer.kernelName == kernel.name)
                let difference = firstDifference(sample.run(layer), sample.expected())
                #expect(difference == nil, "seed 30, \(sample): \(difference ?? "")")
            }
        }
    }

    @Test(arguments: KernelName.runnable(.winograd))
    func manyTilesAndChannelsEqualTheDefinition(_ kernel: KernelName) {
        var samples = Samples(seed: 31)
        for (channels, outputs, side) in [(3, 16, 40), (17, 33, 23), (64, 20, 14), (130, 48, 13)] {
            let sample = ConvolutionCase(
                &samples, channels: channels, height: side, width: side + 1, outputs: outputs,
                window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1]), residual: true)
            let difference = firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected())
            #expect(difference == nil, "seed 31, \(sample): \(difference ?? "")")
        }
    }

    @Test(arguments: KernelName.runnable(.winograd))
    func extremesAtTheMostChannelsAreExact(_ kernel: KernelName) {
        // 4 · 255 · 127 · 9 · 1841 is the last below 2³¹.
        for (value, weight, zeroPoint) in [(255, -127, 0), (255, 127, 0), (0, -127, 255), (0, 127, 255), (255, 127, 128)] {
            var samples = Samples(seed: 32)
            var sample = ConvolutionCase(
                &samples, channels: 1841, height: 4, width: 5, outputs: 2, window: Window(size: [3, 3], padsBefore: [1, 0], padsAfter: [0, 1]),
                float: true)
            sample.x = Array(repeating: UInt8(value), count: sample.x.count)
            sample.weights = Tensor(shape: sample.weights.shape, [Int8](repeating: Int8(weight), count: sample.weights.count))
            sample.scales.input = Quantization(scale: 1, zeroPoint: Int32(zeroPoint))
            sample.scales.weight = Quantization(channelScales: [1, 1])
            #expect(firstDifference(sample.run(sample.layer(kernel: kernel)), sample.expected()) == nil)
        }
    }

    @Test(arguments: KernelName.runnable(.winograd))
    func rowsMayBeDividedAnywhere(_ kernel: KernelName) {
        var samples = Samples(seed: 33)
        let sample = ConvolutionCase(
            &samples, channels: 24, height: 11, width: 9, outputs: 24, window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1]),
            residual: true)
        let layer = sample.layer(kernel: kernel)
        for pieces in [[0..<11], [0..<5, 5..<11], [6..<11, 0..<6], (0..<11).map { $0..<$0 + 1 }, [0..<3, 3..<3, 3..<11]] {
            #expect(firstDifference(sample.run(layer, pieces: pieces), sample.expected()) == nil)
            #expect(firstDifference(sample.run(layer, pieces: pieces, divides: true), sample.expected()) == nil)
        }
        let part = sample.run(layer, pieces: [3..<6]).elements(of: UInt8.self)
        let row = 9 * 24
        #expect(part[..<(3 * row)].allSatisfy { $0 == 0x55 } && part[(6 * row)...].allSatisfy { $0 == 0x55 }, "rows that weren't asked for changed")
    }

    @Test(arguments: KernelName.runnable(.winograd), [0, 5])
    func imagesMayBePartsOfWiderOnesWithATable(_ kernel: KernelName, gap: Int) {
        var samples = Samples(seed: 34)
        let sample = ConvolutionCase(
            &samples, channels: 20, height: 6, width: 7, outputs: 19, window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1]),
            residual: true)
        let table = ActivationTable(activation: .hardSwish, input: sample.scales.output!, output: samples.quantization())
        let layer = sample.layer(kernel: kernel, steps: (20 + gap, 19 + gap, 19 + 2 * gap), table: table)
        let input = interleaved(sample.x, channels: 20).spread(20, step: 20 + gap, filler: 7)
        let residual = interleaved(sample.residual!, channels: 19).spread(19, step: 19 + 2 * gap, filler: 1)
        var output = [UInt8](repeating: 0x55, count: 6 * 7 * (19 + gap))
        var scratch = [UInt8](repeating: 0xAA, count: layer.scratchBytes)
        var outputSpan = output.mutableSpan
        var scratchSpan = scratch.mutableSpan
        layer.run(input: input.span, residual: residual.span, output: &outputSpan, scratch: &scratchSpan, rows: 0..<6)
        let expected = sample.expected().elements(of: UInt8.self).map { table.entries[Int($0)] }
        #expect(output == expected.spread(19, step: 19 + gap, filler: 0x55))
    }
}
