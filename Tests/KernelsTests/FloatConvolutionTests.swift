// SPDX-License-Identifier: Apache-2.0
import Kernels
import Networks
import Tensors
import Testing
import TestSupport

/// A float32 convolution with everything it needs, and how far each result is from the sum in double.
private struct FloatConvolutionCase: CustomStringConvertible {
    var channels: Int
    var height: Int
    var width: Int
    var outputs: Int
    var convolution: Convolution
    var steps: (input: Int, output: Int, residual: Int)
    var x: [Float]
    var weights: [Float]
    var bias: [Float]?
    var residual: [Float]?

    var description: String { "\(channels)×\(height)×\(width) -> \(outputs), \(convolution), steps \(steps), residual \(residual != nil)" }

    /// - Parameter gaps: elements between pixels that belong to something else.
    init(
        _ samples: inout Samples, channels: Int, height: Int, width: Int, outputs: Int, window: Window, groups: Int = 1,
        activation: Activation = .none, residual hasResidual: Bool = false, gaps: Bool = false
    ) {
        self.channels = channels
        self.height = height
        self.width = width
        self.outputs = outputs
        convolution = Convolution(window: window, groups: groups, activation: activation)
        steps = gaps ? (channels + samples.int(0...5), outputs + samples.int(0...5), outputs + samples.int(0...5)) : (channels, outputs, outputs)
        x = samples.floats(height * width * steps.input)
        weights = samples.floats(outputs * channels / groups * window.size.elementCount)
        bias = samples.int(0...1) == 0 ? nil : samples.floats(outputs)
        let size = (0...1).map { axis in
            ([height, width][axis] + window.padsBefore[axis] + window.padsAfter[axis] - window.extent(axis: axis)) / window.strides[axis] + 1
        }
        residual = hasResidual ? samples.floats(size.elementCount * steps.residual) : nil
    }

    func layer(features: CPUFeatures, isWinograd: Bool? = nil) -> FloatConvolution {
        FloatConvolution(
            weights: Tensor(shape: [outputs, channels / convolution.groups] + convolution.window.size, weights), bias: bias, inputHeight: height,
            inputWidth: width, inputChannels: channels, convolution: convolution, residual: residual != nil,
            steps: (steps.input, steps.output, steps.residual), features: features,
            isWinograd: isWinograd)
    }

    /// Runs the layer piece by piece; what isn't written stays NaN.
    ///
    /// - Parameter divides: the channels, too, where they can be.
    func run(_ layer: FloatConvolution, _ pieces: [Range<Int>], divides: Bool = false) -> [Float] {
        var result = [Float](repeating: .nan, count: layer.outputHeight * layer.outputWidth * steps.output)
        var scratch = [UInt8](repeating: 0xFF, count: layer.scratchBytes)
        var span = result.mutableSpan
        var scratchSpan = scratch.mutableSpan
        for rows in pieces {
            for channels in halves(of: outputs, alignment: divides ? layer.channelAlignment : nil) {
                layer.run(input: x.span, residual: residual?.span, output: &span, scratch: &scratchSpan, rows: rows, channels: channels)
            }
        }
        return result
    }

    /// The sum of one output, and the sum of its terms' magnitudes.
    func sum(_ y: Int, _ x: Int, _ output: Int, width outputWidth: Int) -> (value: Double, magnitude: Double) {
        let window = convolution.window
        let inputs = channels / convolution.groups
        let first = output / (outputs / convolution.groups) * inputs
        let (bias, residual) = (addends(y, x, output, width: outputWidth))
        var (sum, magnitude) = (bias + residual, abs(bias) + abs(residual))
        for ky in 0..<window.size[0] {
            for kx in 0..<window.size[1] {
                let iy = y * window.strides[0] + ky * window.dilations[0] - window.padsBefore[0]
                let ix = x * window.strides[1] + kx * window.dilations[1] - window.padsBefore[1]
                guard (0..<height).contains(iy), (0..<width).contains(ix) else { continue }
                for i in 0..<inputs {
                    let product =
                        Double(self.x[(iy * width + ix) * steps.input + first + i])
                        * Double(weights[((output * inputs + i) * window.size[0] + ky) * window.size[1] + kx])
                    sum += product
                    magnitude += abs(product)
                }
            }
        }
        return (sum, magnitude)
    }

    private func addends(_ y: Int, _ x: Int, _ output: Int, width: Int) -> (Double, Double) {
        (Double(bias?[output] ?? 0), Double(residual?[(y * width + x) * steps.residual + output] ?? 0))
    }

    /// The magnitude in the bound of Winograd's F(4×4, 3×3): `|A|ᵀ (Σ |G| |w| |G|ᵀ · |B|ᵀ |d| |B|) |A|`, and what is added to it.
    func winogradMagnitudes(width outputWidth: Int, height outputHeight: Int) -> [Double] {
        let a: [[Double]] = [[1, 1, 1, 1, 1, 0], [0, 1, 1, 2, 2, 0], [0, 1, 1, 4, 4, 0], [0, 1, 1, 8, 8, 1]]
        let b: [[Double]] = [[4, 0, 5, 0, 1, 0], [0, 4, 4, 1, 1, 0], [0, 4, 4, 1, 1, 0], [0, 2, 1, 2, 1, 0], [0, 2, 1, 2, 1, 0], [0, 4, 0, 5, 0, 1]]
        let g: [[Double]] = [[0.25, 0, 0], [1 / 6, 1 / 6, 1 / 6], [1 / 6, 1 / 6, 1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, 1 / 12, 1 / 6], [0, 0, 1]]
        func both(_ m: [[Double]], _ from: (Int, Int) -> Double) -> [Double] {
            let size = m[0].count
            let half = m.map { row in (0..<size).map { x in (0..<size).reduce(0) { $0 + row[$1] * from($1, x) } } }
            return half.flatMap { line in m.map { row in (0..<size).reduce(0) { $0 + row[$1] * line[$1] } } }
        }
        let window = convolution.window
        let u = (0..<outputs * channels).map { index in both(g) { Double(abs(weights[index * 9 + $0 * 3 + $1])) } }
        var result = [Double](repeating: 0, count: outputHeight * outputWidth * outputs)
        for top in stride(from: 0, to: outputHeight, by: 4) {
            for left in stride(from: 0, to: outputWidth, by: 4) {
                let v = (0..<channels).map { channel in
                    both(b) { y, x in
                        let (iy, ix) = (top + y - window.padsBefore[0], left + x - window.padsBefore[1])
                        guard (0..<height).contains(iy), (0..<width).contains(ix) else { return 0 }
                        return Double(abs(self.x[(iy * width + ix) * steps.input + channel]))
                    }
                }
                for output in 0..<outputs {
                    var sums = [Double](repeating: 0, count: 36)
                    for channel in 0..<channels {
                        for f in 0..<36 { sums[f] += u[output * channels + channel][f] * v[channel][f] }
                    }
                    let tile = both(a) { sums[$0 * 6 + $1] }
                    for y in 0..<min(4, outputHeight - top) {
                        for x in 0..<min(4, outputWidth - left) {
                            let (bias, residual) = addends(top + y, left + x, output, width: outputWidth)
                            result[((top + y) * outputWidth + left + x) * outputs + output] = tile[y * 4 + x] + abs(bias) + abs(residual)
                        }
                    }
                }
            }
        }
        return result
    }

    /// The largest error as a share of its bound. Half a unit in the last place is 2⁻²⁴.
    func worst(_ result: [Float], _ layer: FloatConvolution) -> Double {
        let depth = channels / convolution.groups * convolution.window.size.elementCount
        let magnitudes = layer.isWinograd ? winogradMagnitudes(width: layer.outputWidth, height: layer.outputHeight) : []
        var worst = 0.0
        for y in 0..<layer.outputHeight {
            for x in 0..<layer.outputWidth {
                for output in 0..<outputs {
                    let pixel = y * layer.outputWidth + x
                    let (sum, magnitude) = sum(y, x, output, width: layer.outputWidth)
                    let bound =
                        layer.isWinograd
                        ? Double(channels + 18) * 0x1p-24 * magnitudes[pixel * outputs + output]
                        : Double(depth + 4) * 0x1p-24 * magnitude
                    let error = abs(Double(result[pixel * steps.output + output]) - FloatLayersTests.value(convolution.activation, sum))
                    worst = error.isNaN ? .infinity : max(worst, error / (bound + 1e-37))
                }
            }
        }
        return worst
    }

    /// Nothing is written between the pixels, and nothing depends on the pieces.
    func check(_ features: CPUFeatures, isWinograd: Bool? = nil, _ place: Comment) -> Bool {
        let layer = layer(features: features, isWinograd: isWinograd)
        let result = run(layer, [0..<layer.outputHeight])
        let step = layer.rowAlignment
        let pieces = stride(from: 0, to: layer.outputHeight, by: step).map { $0..<min($0 + step, layer.outputHeight) }
        let same = zip(result, run(layer, pieces.reversed(), divides: true)).allSatisfy { $0.bitPattern == $1.bitPattern }
        #expect(same, place)
        let untouched = result.indices.allSatisfy { $0 % steps.output < outputs || result[$0].isNaN }
        #expect(untouched, place)
        let worst = worst(result, layer)
        #expect(worst <= 1, "\(worst) of the bound: \(place)")
        return layer.isWinograd
    }
}

/// Float results are compared with sums in double. A sum of k products differs from the exact one by at most
/// `(k + 2) · ε · Σ |products|`, where ε = 2⁻²⁴ is half a unit in the last place (Higham, Accuracy and Stability, section 3.1).
struct FloatConvolutionTests {
    @Test(arguments: floatFeatures)
    func convolutionsAreWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 30)
        for trial in 0..<120 {
            let depthwise = trial % 3 == 0
            let groups = depthwise ? samples.int(1...70) : samples.pick([1, 1, 2, 3])
            let inputs = depthwise ? 1 : samples.int(1...20)
            let outputs = groups * (depthwise ? 1 : samples.int(1...70))
            let size = samples.pick([1, 1, 2, 3, 4, 5])
            let dilation = samples.pick([1, 1, 2])
            let window = Window(
                size: [size, size], strides: [samples.int(1...2), samples.int(1...2)], dilations: [dilation, samples.pick([1, 1, dilation])],
                padsBefore: [samples.int(0...size / 2), samples.int(0...size / 2)], padsAfter: [samples.int(0...size / 2), samples.int(0...size / 2)])
            let activation = samples.pick([Activation.none, .relu, .clip(low: -0.5, high: 0.5)])
            let test = FloatConvolutionCase(
                &samples, channels: groups * inputs, height: samples.int(size * 2...20), width: samples.int(size * 2...20), outputs: outputs,
                window: window, groups: groups, activation: activation, residual: samples.int(0...1) == 1, gaps: trial % 4 == 1)
            _ = test.check(features, "seed 30, trial \(trial), \(test)")
        }
    }

    /// Strides longer than the image, and windows that lie in the padding altogether, on either side.
    @Test(arguments: floatFeatures)
    func paddingWiderThanWindowsReachIsWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 31)
        for trial in 0..<200 {
            let depthwise = trial % 3 == 0
            let channels = samples.int(1...20)
            let size = samples.int(1...4)
            let window = Window(
                size: [size, size], strides: [samples.int(1...9), samples.int(1...9)], dilations: [samples.int(1...2), samples.int(1...2)],
                padsBefore: [samples.int(0...9), samples.int(0...9)], padsAfter: [samples.int(0...9), samples.int(0...9)])
            let test = FloatConvolutionCase(
                &samples, channels: channels, height: samples.int(size * 2...9), width: samples.int(size * 2...9), outputs: depthwise ? channels : samples.int(1...40),
                window: window, groups: depthwise ? channels : 1, activation: .none, residual: samples.int(0...1) == 1)
            _ = test.check(features, "seed 31, trial \(trial), \(test)")
        }
    }

    /// Every number of pixels and of output channels up to more than the largest tile has.
    @Test(arguments: floatFeatures)
    func everyTileIsWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 36)
        for pixels in 1...30 {
            for outputs in [1, 7, 15, 16, 17, 31, 33, 40, 48, 63, 64, 80, 113] {
                let test = FloatConvolutionCase(
                    &samples, channels: samples.pick([1, 3, 4, 6, 9]), height: 1, width: pixels, outputs: outputs, window: Window(size: [1, 1]),
                    activation: .relu, residual: pixels % 2 == 0)
                _ = test.check(features, "seed 36, \(pixels) pixels, \(outputs) outputs")
            }
        }
    }

    /// Every width, of images as of channels, for the windows that have a loop of their own.
    @Test(arguments: floatFeatures)
    func everyDepthwiseRunIsWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 37)
        for size in [3, 5] {
            for stride in [1, 2] {
                for width in 1...14 {
                    let channels = width == 9 ? 290 : samples.pick([1, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 72])
                    let window = Window(size: [size, size], strides: [stride, stride], padsBefore: [size / 2, size / 2], padsAfter: [size / 2, size / 2])
                    let test = FloatConvolutionCase(
                        &samples, channels: channels, height: 4, width: width, outputs: channels, window: window, groups: channels,
                        activation: .clip(low: -1, high: 1), residual: width % 3 == 0, gaps: width % 2 == 0)
                    _ = test.check(features, "seed 37, \(test)")
                }
            }
        }
    }

    @Test(arguments: floatFeatures)
    func winogradIsWithinItsBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 38)
        var products = 0
        for trial in 0..<12 {
            let window = Window(size: [3, 3], padsBefore: [samples.int(0...2), samples.int(0...2)], padsAfter: [samples.int(0...2), samples.int(0...2)])
            let test = FloatConvolutionCase(
                &samples, channels: samples.pick([32, 48, 64]), height: samples.int(12...22), width: samples.int(12...22),
                outputs: samples.pick([32, 48, 80]), window: window, activation: samples.pick([Activation.none, .relu]), residual: trial % 2 == 0,
                gaps: trial % 3 == 0)
            if test.check(features, "seed 38, trial \(trial), \(test)") { products += 1 }
        }
        #expect(products > 6, "what is tested here is Winograd's method")
    }

    @Test(arguments: floatFeatures)
    func aLayerThatHasBothFormsTakesTheOneThatIsAskedFor(_ features: CPUFeatures) {
        var samples = Samples(seed: 40)
        for (channels, outputs, height, width) in [(16, 16, 3, 3), (16, 48, 5, 9), (64, 32, 13, 14)] {
            let test = FloatConvolutionCase(
                &samples, channels: channels, height: height, width: width, outputs: outputs,
                window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1]), activation: .relu, residual: true)
            for isWinograd in [false, true] {
                #expect(test.check(features, isWinograd: isWinograd, "seed 40, \(test)") == isWinograd)
            }
        }
    }

    @Test(arguments: floatFeatures)
    func everyActivationIsFused(_ features: CPUFeatures) {
        var samples = Samples(seed: 39)
        for activation in FloatLayersTests.activations {
            for (groups, size, channels) in [(1, 1, 20), (1, 3, 48), (20, 3, 20)] {
                let test = FloatConvolutionCase(
                    &samples, channels: channels, height: 14, width: 13, outputs: groups == 1 ? 48 : groups,
                    window: Window(size: [size, size], padsBefore: [size / 2, size / 2], padsAfter: [size / 2, size / 2]), groups: groups,
                    activation: .none, residual: true)
                var fused = test
                fused.convolution.activation = activation
                let layer = fused.layer(features: features)
                let result = fused.run(layer, [0..<layer.outputHeight])
                var expected = test.run(test.layer(features: features), [0..<layer.outputHeight])
                var span = expected.mutableSpan
                FloatActivation(activation, features: features).run(inPlace: &span)
                let worst = zip(result, expected).map { abs($0 - $1) }.max() ?? 0
                #expect(worst <= 8 * .ulpOfOne * (expected.map(abs).max() ?? 0), "\(activation), \(size)×\(size) in \(groups) groups")
            }
        }
    }

    @Test(arguments: floatFeatures)
    func gemmsAreWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 31)
        for (m, n, k) in [(1, 10, 64), (1, 1000, 37), (5, 33, 100), (17, 16, 1)] {
            for transposes in [(false, false), (false, true), (true, false), (true, true)] {
                let gemm = Gemm(alpha: 0.5, beta: 2, transposesA: transposes.0, transposesB: transposes.1, activation: .relu)
                let (a, b) = (samples.floats(m * k), samples.floats(n * k))
                let shape = samples.pick([[n], [1], [m, n], [m, 1], [1, n], []])
                let c = samples.floats(shape.elementCount)
                let layer = FloatGemm(
                    gemm, rows: m, weights: Tensor(shape: transposes.1 ? [n, k] : [k, n], b), addend: Tensor(shape: shape, c), features: features)
                var result = [Float](repeating: .nan, count: m * n)
                var scratch = [UInt8](repeating: 0xFF, count: layer.scratchBytes)
                var span = result.mutableSpan
                var scratchSpan = scratch.mutableSpan
                for columns in halves(of: n, alignment: layer.columnAlignment) {
                    layer.run(input: a.span, output: &span, scratch: &scratchSpan, columns: columns)
                }
                for row in 0..<m {
                    for column in 0..<n {
                        let products = (0..<k).map { depth in
                            Double(a[transposes.0 ? depth * m + row : row * k + depth]) * Double(b[transposes.1 ? column * k + depth : depth * n + column])
                        }
                        let rowOfC = shape.count == 2 && shape[0] != 1 ? row : 0
                        let columnOfC = shape.last.map { $0 != 1 ? column : 0 } ?? 0
                        let addend = 2 * Double(c[rowOfC * (shape.last ?? 1) + columnOfC])
                        let expected = max(0, 0.5 * products.reduce(0, +) + addend)
                        let magnitude = products.reduce(0) { $0 + abs($1) } + abs(addend)
                        let bound = Double(k + 4) * 0x1p-24 * magnitude + 1e-37
                        #expect(abs(Double(result[row * n + column]) - expected) <= bound, "seed 31, \(m)×\(n)×\(k), \(gemm)")
                    }
                }
            }
        }
    }

    /// However many, and whatever tiles they fall into.
    @Test(arguments: floatFeatures)
    func severalGemmsHaveTheBitsOfEach(_ features: CPUFeatures) {
        var samples = Samples(seed: 32)
        for (n, k) in [(10, 64), (1000, 37), (130, 1), (64, 515)] {
            for (activation, shape) in [(Activation.relu, [n]), (.sigmoid, [1, n]), (.none, [])] {
                let gemm = Gemm(transposesB: true, activation: activation)
                let layer = FloatGemm(
                    gemm, rows: 1, weights: Tensor(shape: [n, k], samples.floats(n * k)), addend: Tensor(shape: shape, samples.floats(shape.elementCount)),
                    features: features)
                #expect(layer.takesSeveral)
                var scratch = [UInt8](repeating: 0xFF, count: layer.scratchBytes)
                for count in 1...13 {
                    let inputs = samples.floats(count * k)
                    var alone: [Float] = []
                    for index in 0..<count {
                        var result = [Float](repeating: .nan, count: n)
                        var span = result.mutableSpan
                        var scratchSpan = scratch.mutableSpan
                        layer.run(input: inputs[(index * k)..<((index + 1) * k)].span, output: &span, scratch: &scratchSpan)
                        alone += result
                    }
                    var together = [Float](repeating: .nan, count: count * n)
                    var span = together.mutableSpan
                    layer.run(several: count, input: inputs.span, output: &span)
                    #expect(together.map(\.bitPattern) == alone.map(\.bitPattern), "\(count) of \(n)×\(k), \(activation)")
                }
            }
        }
        #expect(!FloatGemm(Gemm(), rows: 2, weights: Tensor(shape: [4, 3], samples.floats(12)), addend: nil, features: features).takesSeveral)
    }
}
