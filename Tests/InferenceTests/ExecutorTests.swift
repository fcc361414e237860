// SPDX-License-Identifier: Apache-2.0
import Definitions
import Inference
import Networks
import Tensors
import TestSupport
import Testing

struct ExecutorTests {
    @Test(arguments: [false, true]) func pixelsGiveExactlyWhatTheirFloatsGive(isQuantized: Bool) throws {
        let network = try PixelNetwork(isQuantized: isQuantized)
        let executor = try Executor(network.graph, preprocessing: network.preprocessing)
        let expected = try executor.run([network.input])[0].floats
        try executor.run(pixels: network.pixels.span)
        #expect(executor.withOutput { span in span.indices.map { span[$0] } } == expected)
    }

    @Test func aWrongInputIsAnErrorAndTheExecutorGoesOn() throws {
        let network = try PixelNetwork(isQuantized: true)
        let executor = try Executor(network.graph, preprocessing: network.preprocessing)
        let short: [Float] = [1, 2, 3]
        let few: [UInt8] = [1, 2, 3]
        #expect(throws: InferenceError(.input, "'input 0'", "expected [1, 3, 14, 20], that is 840 elements, found 3")) {
            try executor.run(input: short.span)
        }
        #expect(throws: InferenceError(.input, "pixels", "expected 840 bytes, found 3")) { try executor.run(pixels: few.span) }
        #expect(throws: InferenceError(.input, "run", "expected 1 inputs, found 0")) { try executor.run([]) }
        #expect(throws: InferenceError(.input, "'input 0'", "expected float32 [1, 3, 14, 20], found uint8 [3]")) {
            try executor.run([Tensor(shape: [3], few)])
        }
        #expect(try executor.run([network.input]).count == 1)
    }

    @Test func pixelsNeedAPreprocessingThatFits() throws {
        let network = try PixelNetwork(isQuantized: false)
        let executor = try Executor(network.graph)
        #expect(throws: InferenceError.self) { try executor.run(pixels: network.pixels.span) }
        var other = network.preprocessing
        other.width = 21
        let size = #expect(throws: InferenceError.self) { try Executor(network.graph, preprocessing: other) }
        #expect(size?.code == .preprocessing)
        other = network.preprocessing
        other.mean = [0]
        let means = #expect(throws: InferenceError.self) { try Executor(network.graph, preprocessing: other) }
        #expect(means?.code == .preprocessing)
    }

    @Test func aBrokenGraphIsRefusedWithItsNode() throws {
        var network = try PixelNetwork(isQuantized: false)
        network.graph.values[network.graph.nodes[0].outputs[0].rawValue].shape = [1, 9, 1000, 1000]
        let error = #expect(throws: InferenceError.self) { try Executor(network.graph) }
        #expect(error?.code == .invalidGraph)
        #expect(error?.description.contains("node '0'") == true)
    }

    @Test func aQuantizedFormWithoutMeaningIsRefusedWhenItIsLoaded() throws {
        var network = try PixelNetwork(isQuantized: true)
        let index = try #require(network.graph.nodes.firstIndex { if case .convolution = $0.operation { true } else { false } })
        guard case .convolution(var convolution) = network.graph.nodes[index].operation else { return }
        convolution.activation = .silu
        network.graph.nodes[index].operation = .convolution(convolution)
        let error = #expect(throws: InferenceError.self) { try Executor(network.graph) }
        #expect(error?.description.contains("node '\(network.graph.nodes[index].name)'") == true)
    }

    @Test(arguments: [0, -1, 65]) func absurdNumbersOfThreadsAreRefused(threads: Int) throws {
        let network = try PixelNetwork(isQuantized: false)
        let error = #expect(throws: InferenceError.self) { try Executor(network.graph, options: ExecutorOptions(threads: threads)) }
        #expect(error?.code == .threads)
    }

    @Test func threadsAreBoundWhereTheyMayBe() throws {
        let network = try PixelNetwork(isQuantized: true)
        let expected = try Executor(network.graph).run([network.input])[0].floats
        // Processor 0 may be others' in a container; one that doesn't exist is nobody's.
        let error = #expect(throws: InferenceError.self) {
            try Executor(network.graph, options: ExecutorOptions(threads: 2, cores: [0, 1 << 20]))
        }
        #expect(error?.code == .threads && error?.operation == "processor 1048576")
        let alone = #expect(throws: InferenceError.self) { try Executor(network.graph, options: ExecutorOptions(cores: [1 << 20])) }
        #expect(alone?.code == .threads && alone?.operation == "processor 1048576")
        for patience in [Duration.zero, .milliseconds(1)] {
            let executor = try Executor(network.graph, options: ExecutorOptions(threads: 3, patience: patience, barrier: .zero))
            for _ in 0..<20 { #expect(try executor.run([network.input])[0].floats == expected) }
        }
    }

    @Test func dividingAStepHasACostThatIsMeasuredUnlessItIsGiven() throws {
        let network = try PixelNetwork(isQuantized: true)
        #expect(try Executor(network.graph).barrier == nil)
        #expect(try Executor(network.graph, options: ExecutorOptions(threads: 2, barrier: .milliseconds(3))).barrier == .milliseconds(3))
        let measured = try #require(try Executor(network.graph, options: ExecutorOptions(threads: 2)).barrier)
        #expect(measured > .zero)
    }

    @Test func moreImagesThanThreadsCanShareAreRunByOne() throws {
        for images in [0xF_FFFF, 0x10_0000] {
            var builder = NetworkBuilder(seed: 6, isQuantized: false)
            let input = try builder.input([images, 1, 1, 2])
            let window = Window(size: [1, 2])
            builder.graph.outputs = [try builder.apply(.pool(Pooling(kind: .maximum, window: window)), [input])]
            let executor = try Executor(builder.graph, options: ExecutorOptions(threads: 2, barrier: .zero))
            let numbers = (0..<2 * images).map { Float($0) }
            try executor.run(input: numbers.span)
            #expect(executor.withOutput { span in span.indices.allSatisfy { span[$0] == Float(2 * $0 + 1) } })
        }
    }

    @Test func valuesForWhichAnOperationIsNotDefinedAreAnError() throws {
        var graph = Graph(name: "division")
        let a = graph.add(Value(name: "a", type: .int32, shape: [2]))
        let b = graph.add(Value(name: "b", type: .int32, shape: [2]))
        graph.inputs = [a, b]
        graph.outputs = [graph.add(.binary(.divide, activation: .none), name: "quotient", inputs: [a, b], output: Value(name: "c", type: .int32, shape: [2]))]
        let executor = try Executor(graph)
        #expect(executor.plan.map(\.isDefinition) == [true, false])
        let warning = "1 of 2 steps have no kernel and run their operation's definition: slow, and they reserve memory at each run: quotient"
        #expect(executor.definitionWarning == warning)
        #expect(try Executor(PixelNetwork(isQuantized: true).graph).definitionWarning == nil)
        #expect(try executor.run([Tensor(shape: [2], [7, 9] as [Int32]), Tensor(shape: [2], [2, -2] as [Int32])])[0].integers == [3, -4])
        #expect(executor.withOutput { $0[1] } == -4)
        let error = #expect(throws: InferenceError.self) {
            try executor.run([Tensor(shape: [2], [7, 9] as [Int32]), Tensor(shape: [2], [0, 1] as [Int32])])
        }
        #expect(error?.code == .evaluation && error?.operation == "node 'quotient'")
    }

    @Test func whatNoOutputNeedsIsNotRun() throws {
        var network = try PixelNetwork(isQuantized: false)
        let steps = try Executor(network.graph).plan.count
        network.graph.add(
            .activation(.silu), name: "unused", inputs: [network.graph.inputs[0]], output: Value(name: "unused", type: .float32, shape: [1, 3, 14, 20]))
        #expect(try Executor(network.graph).plan.count == steps)
    }

    @Test func aFlattenedImageIsMultipliedWithoutACopy() throws {
        for isQuantized in [false, true] {
            let network = try PixelNetwork(isQuantized: isQuantized)
            #expect(try Executor(network.graph).plan.allSatisfy { $0.kernel != "copy" })
        }
    }

    @Test func quantizedOutputsAreLentAsTheNumbersThatTheyStandFor() throws {
        var builder = NetworkBuilder(seed: 5, isQuantized: true)
        let input = try builder.input([1, 3, 5, 4])
        let output = try builder.convolution(input, Convolution(window: Window(size: [3, 3])), outputs: 4)
        builder.graph.outputs = [output]
        let executor = try Executor(builder.graph)
        let bytes = try executor.run([Tensor(shape: [1, 3, 5, 4], builder.floats(60))])[0].elements(of: UInt8.self)
        let quantization = try #require(builder.graph[output].quantization)
        #expect(executor.withOutput { span in span.indices.map { span[$0] } } == bytes.map(quantization.dequantize))
    }

    @Test func inputsAndConstantsMayBeOutputs() throws {
        var graph = Graph(name: "nothing")
        let x = graph.add(Value(name: "x", type: .float32, shape: [1, 2, 2, 2]))
        let c = graph.add(Value(name: "c", constant: Tensor(shape: [2], [1, 2] as [Int64])))
        graph.inputs = [x]
        graph.outputs = [x, c, c]
        let executor = try Executor(graph)
        let results = try executor.run([Tensor(shape: [1, 2, 2, 2], (0..<8).map(Float.init))])
        #expect(results[0].floats == (0..<8).map(Float.init))
        #expect(results[1].integers == [1, 2] && results[2].integers == [1, 2])
        #expect(executor.withOutput(2) { $0[1] } == 2)
    }
}
