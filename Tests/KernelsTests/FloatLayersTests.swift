// SPDX-License-Identifier: Apache-2.0
import Glibc
import Kernels
import Networks
import Tensors
import Testing
import TestSupport

/// Float results are compared with sums in double. A sum of k products differs from the exact one by at most
/// `(k + 2) · ε · Σ |products|`, where ε = 2⁻²⁴ is half a unit in the last place (Higham, Accuracy and Stability, section 3.1).
private func bound(_ k: Int, _ magnitude: Double) -> Double { Double(k + 4) * 0x1p-24 * magnitude + 1e-37 }

struct FloatLayersTests {
    /// One activation in double.
    static func value(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .none: x
        case .relu: max(x, 0)
        case .clip(let low, let high): min(max(x, Double(low)), Double(high))
        case .leakyRelu(let slope): x < 0 ? Double(slope) * x : x
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let alpha, let beta): min(max(Double(alpha) * x + Double(beta), 0), 1)
        case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
        case .silu: x / (1 + exp(-x))
        }
    }

    static let activations: [Activation] = [
        .none, .relu, .clip(low: -1, high: 1.5), .leakyRelu(slope: 0.1), .sigmoid, .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu,
    ]

    @Test func matrixProductsAreWithinTheBound() {
        var samples = Samples(seed: 32)
        for (m, n, k) in [(1, 7, 5), (6, 1, 9), (13, 21, 34)] {
            let (a, b) = (samples.floats(m * k), samples.floats(n * k))
            var result = [Float](repeating: .nan, count: m * n)
            var span = result.mutableSpan
            FloatMatMul(rows: m, columns: n, depth: k).run(a: a.span, b: b.span, output: &span)
            for index in result.indices {
                let products = (0..<k).map { Double(a[index / n * k + $0]) * Double(b[$0 * n + index % n]) }
                #expect(abs(Double(result[index]) - products.reduce(0, +)) <= bound(k, products.reduce(0) { $0 + abs($1) }))
            }
        }
    }

    @Test func productsOfStoredTransposesAndSumsAreWithinTheBound() {
        var samples = Samples(seed: 33)
        for (m, n, k) in [(1, 7, 5), (6, 1, 9), (13, 21, 34), (1, 1, 1)] {
            for choice in 0..<8 {
                let (transposesA, transposesB, adds) = (choice & 1 > 0, choice & 2 > 0, choice & 4 > 0)
                let (a, b) = (samples.floats(m * k), samples.floats(n * k + 3))
                let before = samples.floats(m * n + 2)
                var result = before
                ComputedProduct(rows: m, columns: n, depth: k, transposesA: transposesA, transposesB: transposesB, adds: adds)
                    .run(a: a, b: b, from: 3, c: &result, at: 1)
                #expect(result.first == before.first && result.last == before.last)
                for index in 0..<m * n {
                    let (row, column) = (index / n, index % n)
                    var terms: [Double] = []
                    for step in 0..<k {
                        let left = a[transposesA ? step * m + row : row * k + step]
                        let right = b[3 + (transposesB ? column * k + step : step * n + column)]
                        terms.append(Double(left) * Double(right))
                    }
                    if adds { terms.append(Double(before[index + 1])) }
                    #expect(abs(Double(result[index + 1]) - terms.reduce(0, +)) <= bound(k + 1, terms.reduce(0) { $0 + abs($1) }))
                }
            }
        }
    }

    @Test(arguments: vectorFeatures)
    func activationsAreWithinAFewUnitsInTheLastPlace(_ features: CPUFeatures) {
        let inputs = (-4000...4000).map { Float($0) / 40 } + [.infinity, -.infinity, 0, -0, 1e-30, 3e38, -3e38]
        for activation in Self.activations {
            var outputs = [Float](repeating: .nan, count: inputs.count)
            var span = outputs.mutableSpan
            FloatActivation(activation, features: features).run(input: inputs.span, output: &span)
            for (input, output) in zip(inputs, outputs) {
                let expected = Self.value(activation, Double(input))
                guard expected.isFinite else {
                    // x · 0 at −∞, where SiLU and hard-swish have no value.
                    #expect(Double(output) == expected || expected.isNaN)
                    continue
                }
                // Below the smallest exponential that is computed, 2⁻¹²⁶, errors are absolute, times the input for SiLU.
                var tolerance = abs(expected) * 4 * 0x1p-23 + 0x1p-125 * max(1, abs(Double(input)))
                // Where the two terms of a linear part cancel, the error is that of the terms.
                if case .hardSigmoid = activation { tolerance += (0.2 * abs(Double(input)) + 0.5) * 0x1p-23 }
                if case .hardSwish = activation { tolerance += (abs(Double(input)) / 6 + 0.5) * 0x1p-23 * abs(Double(input)) }
                #expect(abs(Double(output) - expected) <= tolerance || abs(input) > 1e30, "\(activation) of \(input): \(output) instead of \(expected)")
            }
            var inPlace = inputs
            var inPlaceSpan = inPlace.mutableSpan
            FloatActivation(activation, features: features).run(inPlace: &inPlaceSpan)
            let same = zip(inPlace, outputs).allSatisfy { $0.bitPattern == $1.bitPattern }
            #expect(same)
        }
        var nan: [Float] = [.nan, .nan]
        var nanSpan = nan.mutableSpan
        FloatActivation(.sigmoid, features: features).run(inPlace: &nanSpan)
        #expect(nan[0].isNaN && nan[1].isNaN)
    }

    @Test(arguments: vectorFeatures)
    func softmaxIsWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 33)
        for count in [1, 2, 9, 10, 1000] {
            let logits = samples.floats(3 * count).map { $0 * 30 }
            var result = [Float](repeating: .nan, count: logits.count)
            var span = result.mutableSpan
            FloatSoftmax(rows: 3, count: count, features: features).run(input: logits.span, output: &span)
            for row in 0..<3 {
                let values = logits[row * count..<(row + 1) * count].map(Double.init)
                let largest = values.max() ?? 0
                let exponentials = values.map { exp($0 - largest) }
                let sum = exponentials.reduce(0, +)
                for (index, exponential) in exponentials.enumerated() {
                    let expected = exponential / sum
                    // The difference from the largest is rounded before the exponential: up to 60 · 2⁻²⁴ relative.
                    #expect(abs(Double(result[row * count + index]) - expected) <= expected * 70 * 0x1p-24 + 0x1p-126, "seed 33, \(count)")
                }
            }
        }
    }

    @Test(arguments: vectorFeatures, [Binary.add, .subtract, .multiply, .divide])
    func binaryOperationsAreTheRoundedResults(_ features: CPUFeatures, operation: Binary) {
        var samples = Samples(seed: 34)
        for (aShape, bShape) in QuantizedLayersTests.broadcasts {
            for activation in [Activation.none, .relu] {
                let (a, b) = (samples.floats(aShape.elementCount), samples.floats(bShape.elementCount))
                let rank = max(aShape.count, bShape.count)
                let sizes = [aShape.last ?? 1, bShape.last ?? 1, max(aShape.last ?? 1, bShape.last ?? 1)]
                let steps = sizes.map { $0 + samples.pick([0, 0, 1, 70]) }
                let layer = FloatBinary(
                    operation: operation, aShape: aShape, bShape: bShape, activation: activation, aStep: steps[0], bStep: steps[1],
                    outputStep: steps[2], features: features)
                let (first, second) = (spread(a, channels: sizes[0], step: steps[0], filler: 0), spread(b, channels: sizes[1], step: steps[1], filler: 0))
                var result = [Float](repeating: 7, count: layer.count == 0 ? 0 : (layer.count / sizes[2] - 1) * steps[2] + sizes[2])
                var span = result.mutableSpan
                let cut = samples.int(0...layer.parts)
                layer.run(a: first.span, b: second.span, output: &span, parts: 0..<cut)
                layer.run(a: first.span, b: second.span, output: &span, parts: cut..<layer.parts)
                let left = Array(repeating: 1, count: rank - aShape.count) + aShape
                let right = Array(repeating: 1, count: rank - bShape.count) + bShape
                func element(_ values: [Float], _ shape: [Int], _ index: Int) -> Float {
                    var (rest, stride, position) = (index, 1, 0)
                    for axis in (0..<rank).reversed() {
                        let size = max(left[axis], right[axis])
                        position += shape[axis] == 1 ? 0 : rest % size * stride
                        stride *= shape[axis]
                        rest /= size
                    }
                    return values[position]
                }
                let expected = (0..<layer.count).map { index in
                    let (x, y) = (element(a, left, index), element(b, right, index))
                    let value =
                        switch operation {
                        case .add: x + y
                        case .subtract: x - y
                        case .multiply: x * y
                        case .divide: x / y
                        }
                    return activation == .relu ? max(value, 0) : value
                }
                #expect(
                    result == spread(expected, channels: sizes[2], step: steps[2], filler: 7), "seed 34, \(aShape) \(operation) \(bShape), steps \(steps)")
            }
        }
    }

    @Test(arguments: vectorFeatures)
    func theLargestOfAWindowWithNaNIsNaN(_ features: CPUFeatures) {
        let channels = 33
        let pooling = Pooling(kind: .maximum, window: Window(size: [2, 2]))
        let layer = FloatPooling(inputHeight: 2, inputWidth: 2, channels: channels, pooling: pooling, features: features)
        for damaged in 0..<4 {
            var x = [Float](repeating: 1, count: 4 * channels)
            for channel in 0..<channels { x[damaged * channels + channel] = .nan }
            var result = [Float](repeating: 0, count: channels)
            var span = result.mutableSpan
            layer.run(input: x.span, output: &span, rows: 0..<1)
            #expect(result.allSatisfy { $0.isNaN }, "position \(damaged)")
        }
    }

    @Test(arguments: vectorFeatures)
    func poolingAndMeansAreWithinTheBound(_ features: CPUFeatures) {
        var samples = Samples(seed: 35)
        for trial in 0..<60 {
            let size = samples.int(1...4)
            let (height, width, channels) = (samples.int(6...12), samples.int(6...12), samples.pick([1, 7, 8, 33, 70]))
            let kind: Pooling.Kind = trial % 2 == 0 ? .maximum : .average
            let window = Window(
                size: [size, size], strides: [samples.int(1...3), samples.int(1...3)], padsBefore: [size / 2, samples.int(0...size / 2)],
                padsAfter: [samples.int(0...size / 2), size / 2])
            let pooling = Pooling(kind: kind, window: window, ceilMode: samples.int(0...1) == 1, countsPadding: samples.int(0...1) == 1)
            let x = samples.floats(height * width * channels)
            let (inputStep, outputStep) = (channels + samples.pick([0, 0, 1, 37]), channels + samples.pick([0, 0, 1, 37]))
            let image = spread(x, channels: channels, step: inputStep, filler: .nan)
            let layer = FloatPooling(
                inputHeight: height, inputWidth: width, channels: channels, pooling: pooling, inputStep: inputStep, outputStep: outputStep,
                features: features)
            let count = layer.outputHeight * layer.outputWidth * channels
            var spreadResult = spread([Float](repeating: .nan, count: count), channels: channels, step: outputStep, filler: 7)
            var span = spreadResult.mutableSpan
            layer.run(input: image.span, output: &span, rows: 0..<layer.outputHeight)
            let result = (0..<count).map { spreadResult[$0 / channels * outputStep + $0 % channels] }
            #expect(spread(result, channels: channels, step: outputStep, filler: 7) == spreadResult, "elements between the pixels changed")
            for index in result.indices {
                let (c, ox, oy) = (index % channels, index / channels % layer.outputWidth, index / channels / layer.outputWidth)
                var values: [Double] = []
                var padded = 0
                for ky in 0..<size {
                    for kx in 0..<size {
                        let (iy, ix) = (oy * window.strides[0] + ky - window.padsBefore[0], ox * window.strides[1] + kx - window.padsBefore[1])
                        if iy < height + window.padsAfter[0], ix < width + window.padsAfter[1] { padded += 1 }
                        if (0..<height).contains(iy), (0..<width).contains(ix) { values.append(Double(x[(iy * width + ix) * channels + c])) }
                    }
                }
                let count = Double(pooling.countsPadding ? padded : values.count)
                let expected = kind == .maximum ? values.max() ?? -.infinity : count == 0 ? 0 : values.reduce(0, +) / count
                #expect(abs(Double(result[index]) - expected) <= bound(size * size, values.reduce(0) { $0 + abs($1) }), "seed 35, \(pooling)")
            }
            var means = [Float](repeating: .nan, count: channels)
            var meanSpan = means.mutableSpan
            let mean = FloatMean(pixels: height * width, channels: channels, inputStep: inputStep, features: features)
            mean.run(input: image.span, output: &meanSpan, channels: 0..<channels / 2)
            mean.run(input: image.span, output: &meanSpan, channels: channels / 2..<channels)
            for c in 0..<channels {
                let values = (0..<height * width).map { Double(x[$0 * channels + c]) }
                let expected = values.reduce(0, +) / Double(values.count)
                #expect(abs(Double(means[c]) - expected) <= bound(values.count, values.reduce(0) { $0 + abs($1) }) / Double(values.count))
            }
        }
    }
}
