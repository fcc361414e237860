// SPDX-License-Identifier: Apache-2.0
import Compilation
import Definitions
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct QuantizedGraphTests {
    private func samples(_ graph: Graph, count: Int = 16) -> [[Tensor]] {
        var random = SeededGenerator(seed: 5)
        return (0..<count).map { _ in
            graph.inputs.map { id in
                let shape = graph[id].shape
                return Tensor(shape: shape, (0..<shape.elementCount).map { _ in Float.random(in: -2...2, using: &random) })
            }
        }
    }

    /// The quantised form of a graph, calibrated by the definitions.
    private func quantize(_ graph: Graph, rule: RangeRule = .extremes, images: Int = 16) throws -> Graph {
        let prepared = try graph.takingQuantizationIntoValues().optimized(for: .quantized)
        let plain = prepared.saturating()
        var statistics: [ValueID: ValueStatistics] = [:]
        for inputs in samples(plain, count: images) {
            for (id, input) in zip(plain.inputs, inputs) {
                statistics[id, default: ValueStatistics()].observe(input.floats.span, shape: input.shape)
            }
            _ = try evaluate(plain, inputs: inputs) { id, tensor in
                statistics[id, default: ValueStatistics()].observe(tensor.floats.span, shape: tensor.shape)
            }
        }
        return try prepared.quantized(statistics: statistics, rule: rule)
    }

    /// Squared error over variance.
    private func relativeError(_ quantized: Graph, _ graph: Graph) throws -> Float {
        var (error, spread): (Float, Float) = (0, 0)
        for inputs in samples(graph) {
            for (a, b) in try zip(evaluate(quantized, inputs: inputs), evaluate(graph, inputs: inputs)) {
                #expect(a.type == .float32 && a.shape == b.shape)
                let mean = b.floats.reduce(0, +) / Float(b.count)
                for (x, y) in zip(a.floats, b.floats) {
                    error += (x - y) * (x - y)
                    spread += (y - mean) * (y - mean)
                }
            }
        }
        return error / spread
    }

    private func network(seed: UInt64) throws -> Graph {
        var builder = GraphBuilder(seed: seed)
        let x = builder.input([1, 3, 9, 9])
        var y = try builder.add(.activation(.relu), [builder.normalization(builder.convolution(x, channels: 8, stride: 2))])
        let branch = y
        y = try builder.convolution(y, channels: 8, groups: 8, activation: .clip(low: 0, high: 6))
        y = try builder.add(.binary(.add, activation: .relu), [builder.convolution(y, channels: 8, size: 1), branch])
        let left = try builder.add(.activation(.hardSwish), [builder.convolution(y, channels: 4)])
        let right = try builder.add(
            .pool(Pooling(kind: .maximum, window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1]))), [y])
        y = try builder.add(.concatenation(axis: 1), [left, right])
        y = try builder.add(.mean(axes: [2, 3], keepsDimensions: true), [builder.convolution(y, channels: 12)])
        y = try builder.add(.reshape, [y], shape: [1, 12])
        y = try builder.add(.gemm(Gemm(transposesB: true)), [y, builder.constant([10, 12]), builder.constant([10])])
        return try builder.finish(y)
    }

    @Test(arguments: 1...6) func theQuantisedFormIsCloseToTheNetwork(seed: UInt64) throws {
        let graph = try network(seed: seed)
        for rule in RangeRule.all {
            let quantized = try quantize(graph, rule: rule)
            #expect(try relativeError(quantized, graph) < 0.02, "\(rule)")
            #expect(quantized.nodes.filter { $0.operation == .quantize(axis: 0, blockSize: 0) }.count == 1)
        }
    }

    @Test func theLastProductGivesRealNumbers() throws {
        let quantized = try quantize(network(seed: 1))
        let last = try #require(quantized.nodes.last)
        #expect(quantized[last.outputs[0]].type == .float32)
        #expect(last.inputs.first.flatMap(\.self).map { quantized[$0].type } == .uint8)
        #expect(!quantized.nodes.contains { $0.operation == .dequantize(axis: 0, blockSize: 0) })
    }

    @Test func partsThatOnlyAConcatenationReadsShareItsScale() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 3, 6, 6])
        let parts = try (1...3).map { try builder.convolution(x, channels: $0, activation: .relu) }
        let joined = try builder.add(.concatenation(axis: 1), parts)
        let graph = try builder.finish(builder.convolution(joined, channels: 4))
        let quantized = try quantize(graph)
        let node = try #require(quantized.nodes.first { $0.operation == .concatenation(axis: 1) })
        let all = (node.inputs.compactMap(\.self) + node.outputs).map { quantized[$0].quantization }
        #expect(all.allSatisfy { $0 == all[0] && $0 != nil })
    }

    @Test func whatHasNoQuantisedFormStaysInRealNumbers() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 4, 6, 6])
        var y = try builder.convolution(x, channels: 4, activation: .relu)
        y = try builder.add(.localResponseNormalization(size: 3, alpha: 1, beta: 0.75, bias: 1), [y])
        let graph = try builder.finish(try builder.add(.softmax(axis: 1), [builder.convolution(y, channels: 4)]))
        let quantized = try quantize(graph)
        #expect(quantized.kinds == "quantize convolution+relu localResponseNormalization quantize convolution softmax")
        #expect(try relativeError(quantized, graph) < 0.01)
    }

    @Test func aResultWithAResidualIsAddedInRealNumbers() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 4, 6, 6])
        let y = try builder.convolution(x, channels: 4, activation: .relu)
        let graph = try builder.finish(try builder.add(.binary(.add, activation: .none), [builder.convolution(y, channels: 4), y]))
        let quantized = try quantize(graph)
        #expect(quantized.kinds == "quantize convolution+relu convolution dequantize add")
        #expect(try relativeError(quantized, graph) < 0.01)
    }

    @Test(arguments: [(182, ElementType.uint8), (183, .float32)])
    func aLayerWhoseSumsCouldLeave32BitsStaysInRealNumbers(side: Int, type: ElementType) throws {
        // 255 · 127 · 2 · 182² is just below 2³¹.
        var builder = GraphBuilder()
        let x = builder.input([1, 1, side, side])
        let length = 2 * side * side
        let flat = try builder.add(.reshape, [builder.convolution(x, channels: 2, size: 1, activation: .relu)], shape: [1, length])
        let weights = builder.graph.add(Value(name: "w", constant: Tensor(shape: [2, length], [Float](repeating: 0.5, count: 2 * length))))
        let graph = try builder.finish(builder.add(.gemm(Gemm(transposesB: true)), [flat, weights]))
        let quantized = try quantize(graph, images: 2)
        #expect(quantized.kinds == "quantize convolution+relu reshape gemm")
        #expect(quantized[try #require(quantized.nodes.last?.inputs[0])].type == type)
        #expect(quantized[try #require(quantized.nodes[1].inputs[0])].type == .uint8)
    }

    @Test func scalesOfAQuantisedModelAreKept() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 2, 4, 4])
        let integers: [Int8] = [127, -5, 3, -127, 64, 1]
        let bytes = builder.graph.add(Value(name: "w", constant: Tensor(shape: [3, 2, 1, 1], integers)))
        let scales = builder.graph.add(Value(name: "s", constant: Tensor(shape: [3], [Float(0.01), 0.02, 0.03])))
        let weights = try builder.add(.dequantize(axis: 0, blockSize: 0), [bytes, scales])
        var y = try builder.add(.convolution(Convolution(window: Window(size: [1, 1]))), [builder.pair(x, scale: 0.02, zeroPoint: 4), weights])
        y = try builder.add(.activation(.relu), [y])
        y = try builder.pair(y, scale: 0.015, zeroPoint: -128)
        let graph = try builder.finish(try builder.convolution(y, channels: 2))
        let quantized = try quantize(graph)
        #expect(quantized.kinds == "quantize convolution+relu convolution")
        #expect(quantized[quantized.nodes[0].outputs[0]].quantization == Quantization(scale: 0.02, zeroPoint: 132))
        #expect(quantized[quantized.nodes[1].outputs[0]].quantization == Quantization(scale: 0.015, zeroPoint: 0))
        let kept = quantized[try #require(quantized.nodes[1].inputs[1])]
        #expect(kept.quantization?.scales == [0.01, 0.02, 0.03])
        #expect(kept.constant?.elements(of: Int8.self) == integers)
    }

    @Test(arguments: [(0.02, 0.16, 0.16), (0.16, 0.02, 0.16), (0.02, 0.16, nil)] as [(Float, Float, Float?)])
    func partsOfAConcatenationKeepTheScalesOfAQuantisedModel(first: Float, second: Float, whole: Float?) throws {
        var builder = GraphBuilder(seed: 6)
        let x = try builder.pair(builder.input([1, 4, 5, 5]), scale: 4 / 255, zeroPoint: 0)
        func part(_ scale: Float) throws -> ValueID {
            let (limit, channels) = (scale * 127, 4)
            let weights = builder.constant([channels, 4, 1, 1], in: -limit / 3...limit / 3)
            return try builder.pair(builder.add(.convolution(Convolution(window: Window(size: [1, 1]))), [x, weights]), scale: scale, zeroPoint: 0)
        }
        var y = try builder.add(.concatenation(axis: 1), [part(first), part(second)])
        if let whole { y = try builder.pair(y, scale: whole, zeroPoint: 0) }
        let graph = try builder.finish(builder.add(.convolution(Convolution(window: Window(size: [1, 1]))), [y, builder.constant([3, 8, 1, 1])]))
        let quantized = try quantize(graph)
        #expect(quantized.kinds == "quantize convolution convolution concatenation convolution")
        #expect(quantized[quantized.nodes[1].outputs[0]].quantization?.scale == first)
        #expect(quantized[quantized.nodes[2].outputs[0]].quantization?.scale == second)
        if let whole { #expect(quantized[quantized.nodes[3].outputs[0]].quantization?.scale == whole) }
        #expect(try relativeError(quantized, graph) < 0.001)
    }

    @Test func aResultOfAnotherScaleThanWhatItIsPickedFromIsConverted() throws {
        var builder = GraphBuilder(seed: 7)
        let x = try builder.pair(builder.input([1, 4, 6, 6]), scale: 4 / 255, zeroPoint: 0)
        let pool = Pooling(kind: .maximum, window: Window(size: [2, 2], strides: [2, 2]))
        // Half of what comes in saturates.
        let y = try builder.pair(builder.add(.pool(pool), [x]), scale: 1 / 127, zeroPoint: 0)
        let graph = try builder.finish(builder.add(.convolution(Convolution(window: Window(size: [1, 1]))), [y, builder.constant([3, 4, 1, 1])]))
        let quantized = try quantize(graph)
        #expect(quantized.kinds == "quantize maximum none convolution")
        #expect(try relativeError(quantized, graph) < 0.001)
    }

    @Test(arguments: ["", "softmax", "add"]) func theLastSaturationOfAQuantisedModelIsKept(end: String) throws {
        var builder = GraphBuilder(seed: 4)
        let x = try builder.pair(builder.input([1, 4, 6, 6]), scale: 4 / 255, zeroPoint: -1)
        var y = try builder.convolution(x, channels: 4, size: 1)
        if end == "softmax" { y = try builder.add(.softmax(axis: 1), [y]) }
        if end == "add" { y = try builder.add(.binary(.add, activation: .none), [y, x]) }
        // Some of a softmax's results are above it, and some of the others below, too.
        let (scale, zeroPoint) = (Float(0.5) / 127, Int8(0))
        let graph = try builder.finish(builder.pair(y, scale: scale, zeroPoint: zeroPoint))
        let quantized = try quantize(graph)
        #expect(quantized[quantized.outputs[0]].name == graph[graph.outputs[0]].name)
        var saturated = 0
        for inputs in samples(graph) {
            let (wanted, found) = try (evaluate(graph, inputs: inputs)[0].floats, evaluate(quantized, inputs: inputs)[0].floats)
            // Weights in 8 bits move what isn't at the end of the range by a few steps.
            for (a, b) in zip(wanted, found) { #expect(abs(a - b) <= 4 * scale) }
            #expect(found.max() == scale * 127)
            saturated += found.count { $0 == scale * 127 }
        }
        #expect(saturated > 16)
    }

    @Test func anActivationThatAQuantisedModelLeavesToSaturationHolds() throws {
        // No relu: the zero point does what it would do.
        var builder = GraphBuilder(seed: 9)
        let x = builder.input([1, 3, 6, 6])
        let y = try builder.pair(builder.convolution(x, channels: 6), scale: 0.02, zeroPoint: -128)
        let graph = try builder.finish(builder.convolution(y, channels: 2))
        #expect(try relativeError(quantize(graph), graph) < 0.01)
        // What quantised forms are held against, and calibrated on, is limited, too.
        let reference = try graph.takingQuantizationIntoValues().optimized(for: .quantized).saturating()
        #expect(try relativeError(reference, graph) < 0.001)
    }

    @Test(arguments: ["normalization", "sum", "behind"]) func nothingIsFoldedAcrossAnActivationLeftToSaturation(what: String) throws {
        var builder = GraphBuilder(seed: 11)
        let x = try builder.pair(builder.input([1, 4, 6, 6]), scale: 4 / 255, zeroPoint: 0)
        var y = what == "normalization" ? try builder.normalization(x) : try builder.convolution(x, channels: 4)
        y = try builder.pair(y, scale: 0.04, zeroPoint: -128)
        if what == "sum" { y = try builder.pair(builder.add(.binary(.add, activation: .none), [y, x]), scale: 0.06, zeroPoint: -60) }
        if what == "behind" { y = try builder.pair(builder.normalization(y), scale: 0.1, zeroPoint: 0) }
        let graph = try builder.finish(builder.convolution(y, channels: 2, size: 1))
        #expect(try relativeError(quantize(graph), graph) < 0.005)
    }

    @Test func aHugeBiasBesideTinyWeightsKeepsItsValue() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 1, 2, 2])
        let weights = builder.graph.add(Value(name: "w", constant: Tensor(shape: [2, 1, 1, 1], [Float(1e-20), 0])))
        let bias = builder.graph.add(Value(name: "b", constant: Tensor(shape: [2], [Float(5), -3])))
        let graph = try builder.finish(builder.add(.convolution(Convolution(window: Window(size: [1, 1]))), [x, weights, bias]))
        let quantized = try quantize(graph)
        let output = try evaluate(quantized, inputs: samples(graph, count: 1)[0])[0].floats
        for (value, wanted) in zip(output, [Float](repeating: 5, count: 4) + [Float](repeating: -3, count: 4)) {
            #expect(abs(value - wanted) < 1e-4)
        }
    }

    @Test(arguments: [[], [1]]) func aScaleOfOneElementGoesWithAZeroPointOfOne(shape: [Int]) throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 2, 4, 4])
        func dequantized(_ tensor: Tensor, zeroPoint: Tensor) throws -> ValueID {
            let inputs = [tensor, Tensor(shape: shape.isEmpty ? [1] : [], [Float(0.02)]), zeroPoint]
            return try builder.add(.dequantize(axis: 0, blockSize: 0), inputs.map { builder.graph.add(Value(name: "c", constant: $0)) })
        }
        let weights = try dequantized(Tensor(shape: [2, 2, 1, 1], [Int8(100), -5, 3, -127]), zeroPoint: Tensor(shape: shape, [Int8(0)]))
        let bias = try dequantized(Tensor(shape: [2], [Int32(50), -70]), zeroPoint: Tensor(shape: shape, [Int32(0)]))
        let graph = try builder.finish(builder.add(.convolution(Convolution(window: Window(size: [1, 1]))), [x, weights, bias]))
        #expect(try relativeError(quantize(graph), graph) < 0.01)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 3e38, -3e38]) func aNumberThatInt8CannotHoldIsAnError(number: Float) throws {
        var random = SeededGenerator(seed: 21)
        var refused = 0
        for seed in UInt64(1)...4 {
            let sound = try network(seed: seed)
            for index in sound.values.indices where sound.values[index].constant?.type == .float32 {
                var graph = sound
                var floats = graph.values[index].constant?.floats ?? []
                floats[Int.random(in: 0..<floats.count, using: &random)] = number
                graph.values[index].constant = Tensor(shape: graph.values[index].shape, floats)
                // A large number may be harmless, one that isn't finite never is.
                do { try quantize(graph).check() } catch is CompilationError { refused += 1 }
            }
        }
        #expect(refused > 0)
    }

    @Test func anInputThatIsNotFiniteIsAnErrorThatNamesIt() throws {
        let graph = try network(seed: 1).optimized(for: .quantized)
        for number in [Float.nan, .infinity, -3e38] {
            var statistics: [ValueID: ValueStatistics] = [:]
            for index in graph.values.indices {
                let shape = graph.values[index].shape
                statistics[ValueID(rawValue: index), default: ValueStatistics()].observe(
                    [Float](repeating: number, count: shape.elementCount).span, shape: shape)
            }
            let error = #expect(throws: CompilationError.self) { try graph.quantized(statistics: statistics, rule: .extremes) }
            #expect(error?.description.contains("calibration") == true)
        }
    }

    @Test func withoutCalibrationThereIsAnError() throws {
        let graph = try network(seed: 1).optimized(for: .quantized)
        #expect(throws: CompilationError.self) { try graph.quantized(statistics: [:], rule: .extremes) }
    }
}
