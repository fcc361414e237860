// SPDX-License-Identifier: Apache-2.0
import Inference
import Networks
import Tensors
import TestSupport
import Testing

/// A run in two parts, on two executors, gives the bits of one run.
struct SegmentTests {
    @Test(arguments: 0..<40, [false, true]) func everyCutOfARandomNetworkCanBeRun(seed: UInt64, isQuantized: Bool) throws {
        var network = try RandomNetwork(seed: 6000 + seed, isQuantized: isQuantized, batch: seed % 5 == 0 ? 2 : 1)
        network.keepOneOutput()
        let graph = network.graph
        let inputs = network.inputs()
        let expected = try Executor(graph).run(inputs).map(\.floats)
        let options = ExecutorOptions(cuts: Set(0...graph.nodes.count))
        let first = try Executor(graph, options: options)
        let second = try Executor(graph, options: options)
        #expect(try first.run(inputs).map(\.floats) == expected)
        for position in 0...graph.nodes.count {
            try first.load(inputs, at: 0)
            try first.run(segment: 0..<position)
            let crossing = try first.crossingTensors(at: position)
            #expect(try crossing.map(\.shape) == second.crossing(at: position).map(\.shape))
            let bytes = crossing.flatMap { tensor in unsafe tensor.storage.withUnsafeBytes { unsafe Array($0) } }
            var copy = [UInt8](repeating: 0xAA, count: bytes.count + 1)
            try first.copyCrossing(at: position, into: &copy)
            #expect(copy == bytes + [0xAA], "seed \(6000 + seed), cut \(position)")
            // What isn't loaded must not be read.
            _ = try second.run(noise(like: inputs, seed: seed))
            try second.load(crossing, at: position)
            try second.run(segment: position..<graph.nodes.count)
            let executor = position == graph.nodes.count ? first : second
            let found = executor.withOutput { span in span.indices.map { span[$0] } }
            #expect(found.map(\.bitPattern) == expected[0].map(\.bitPattern), "seed \(6000 + seed), cut \(position)")
        }
    }

    /// Wherever each begins, and from whichever step on they are run together.
    @Test(arguments: 0..<20, [(false, 1), (true, 1), (false, 3)]) func lanesGiveTheBitsOfOneRun(seed: UInt64, form: (isQuantized: Bool, threads: Int)) throws {
        var network = try RandomNetwork(seed: 7000 + seed, isQuantized: form.isQuantized, batch: 1)
        network.keepOneOutput()
        let graph = network.graph
        let end = graph.nodes.count
        let all = Set(0...end)
        let lone = try Executor(graph, options: ExecutorOptions(cuts: all))
        var generator = SeededGenerator(seed: seed)
        for share in [0, lone.plan.count / 2, lone.plan.count] {
            let executor = try Executor(graph, options: ExecutorOptions(threads: form.threads, barrier: .zero, cuts: all, lanes: 4, firstSharedStep: share))
            let count = Int.random(in: 1...4, using: &generator)
            var expected: [[UInt32]] = []
            var runs: [LaneRun] = []
            for lane in 0..<count {
                let inputs = noise(like: network.inputs(), seed: 10 * seed + UInt64(lane))
                expected.append(try lone.run(inputs)[0].floats.map(\.bitPattern))
                let cut = Int.random(in: 0..<end, using: &generator)
                try lone.load(inputs, at: 0)
                try lone.run(segment: 0..<cut)
                try executor.load(lone.crossingTensors(at: cut), at: cut, lane: lane)
                runs.append(LaneRun(segment: cut..<end))
            }
            try executor.run(lanes: runs)
            for lane in 0..<count {
                let found = executor.withOutput(lane: lane) { span in span.indices.map { span[$0].bitPattern } }
                #expect(found == expected[lane], "seed \(7000 + seed), shared from \(share), lane \(lane) of \(count)")
            }
        }
    }

    @Test func whatLanesGainIsMeasuredAndChangesNoResult() throws {
        let network = try PixelNetwork(isQuantized: false)
        let executor = try Executor(network.graph, preprocessing: network.preprocessing, options: ExecutorOptions(cuts: [0, network.graph.nodes.count], lanes: 3))
        try executor.run(pixels: network.pixels.span)
        let expected = executor.withOutput { span in span.indices.map { span[$0] } }
        try executor.measureLanes()
        #expect(executor.lanes == (executor.firstSharedStep == nil ? 1 : 3))
        let run = LaneRun(segment: 0..<network.graph.nodes.count)
        for lane in 0..<executor.lanes { try executor.begin(pixels: network.pixels.span, lane: lane) }
        try executor.run(lanes: Array(repeating: run, count: executor.lanes))
        for lane in 0..<executor.lanes { #expect(executor.withOutput(lane: lane) { span in span.indices.map { span[$0] } } == expected) }
    }

    @Test func whatCrossesACutIsWhatTheGraphSays() throws {
        let network = try PixelNetwork(isQuantized: true)
        let graph = network.graph
        let executor = try Executor(graph, preprocessing: network.preprocessing, options: ExecutorOptions(cuts: [2]))
        #expect(try executor.crossing(at: 2).map(\.name) == graph.cuts[2].crossing.map { graph[$0].name })
        try executor.begin(pixels: network.pixels.span)
        try executor.run(segment: 0..<2)
        let other = try Executor(graph, options: ExecutorOptions(cuts: [2]))
        try other.load(executor.crossingTensors(at: 2), at: 2)
        try other.run(segment: 2..<graph.nodes.count)
        try executor.run(pixels: network.pixels.span)
        let expected = executor.withOutput { span in span.indices.map { span[$0] } }
        #expect(other.withOutput { span in span.indices.map { span[$0] } } == expected)
    }

    @Test func aCutThatWasNotAskedForIsAnError() throws {
        let network = try PixelNetwork(isQuantized: true)
        let executor = try Executor(network.graph, options: ExecutorOptions(cuts: [1]))
        let error = #expect(throws: InferenceError.self) { try executor.crossing(at: 2) }
        #expect(error?.code == .input)
        #expect(throws: InferenceError.self) { try executor.load([], at: 1) }
        #expect(throws: InferenceError.self) { try executor.load([Tensor(shape: [1], [Float(1)])], at: 1) }
    }

    @Test func anExitCostsOnlyWhatItNeeds() throws {
        var builder = NetworkBuilder(seed: 9, isQuantized: true)
        var x = try builder.input([1, 3, 14, 20])
        let window = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
        x = try builder.convolution(x, Convolution(window: window, activation: .relu), outputs: 8)
        let backbone = try builder.convolution(x, Convolution(window: window, activation: .relu), outputs: 8)
        let quantization = builder.graph[x].quantization.map { builder.activationQuantization($0.scale) }
        func head(_ image: ValueID) throws -> ValueID {
            let mean = try builder.apply(.mean(axes: [2, 3], keepsDimensions: false), [image], quantization)
            return try builder.gemm(mean, outputs: 5, isFloat: true)
        }
        let last = try head(backbone)
        let early = try head(x)
        builder.graph.outputs = [early, last]
        let graph = builder.graph
        let network = try PixelNetwork(isQuantized: true)
        let executor = try Executor(graph, preprocessing: network.preprocessing)
        try executor.run(pixels: network.pixels.span)
        let whole = (0...1).map { index in executor.withOutput(index) { span in span.indices.map { span[$0] } } }
        let exit = try #require(executor.exitPositions.first)
        let end = graph.nodes.count
        #expect(executor.exitPositions == [exit, end])
        // Quantise and convolution; mean and product; nothing of the backbone behind the exit.
        #expect(try executor.steps(of: 0..<exit) == [0, 1])
        #expect(executor.steps(ofHead: 0) == [2, 3])
        #expect(try executor.steps(of: exit..<end) == Array(4..<executor.plan.count))
        let fresh = try Executor(graph, preprocessing: network.preprocessing)
        try fresh.begin(pixels: network.pixels.span)
        try fresh.run(segment: 0..<exit)
        try fresh.run(head: 0)
        #expect(fresh.withOutput(0) { span in span.indices.map { span[$0] } } == whole[0])
        try fresh.run(segment: exit..<end)
        #expect(fresh.withOutput(1) { span in span.indices.map { span[$0] } } == whole[1])
        #expect(fresh.withOutput(0) { span in span.indices.map { span[$0] } } == whole[0])
        // Without the head, on memory that another image has filled.
        let others = network.pixels.map { 255 - $0 }
        try fresh.run(pixels: others.span)
        #expect(fresh.withOutput(1) { span in span.indices.map { span[$0] } } != whole[1])
        try fresh.begin(pixels: network.pixels.span)
        try fresh.run(segment: 0..<exit)
        try fresh.run(segment: exit..<end)
        #expect(fresh.withOutput(1) { span in span.indices.map { span[$0] } } == whole[1])
    }

    @Test(arguments: 0..<60, [false, true]) func anyHeadMayBeLeftOut(seed: UInt64, isQuantized: Bool) throws {
        var network = try RandomNetwork(seed: 9000 + seed, isQuantized: isQuantized)
        try network.addExits()
        let graph = network.graph.orderedByExits()
        let inputs = network.inputs()
        let reference = try Executor(graph)
        _ = try reference.run(inputs)
        let expected = graph.outputs.indices.map { output in reference.withOutput(output) { span in span.indices.map { span[$0] } } }
        let executor = try Executor(graph)
        let positions = executor.exitPositions
        #expect(positions == positions.sorted())
        // Each subset of at most four exits.
        for asked in 0..<1 << min(positions.count - 1, 4) {
            _ = try executor.run(noise(like: inputs, seed: seed))
            try executor.load(inputs, at: 0)
            var position = 0
            for (exit, next) in positions.enumerated() {
                try executor.run(segment: position..<next)
                position = next
                guard exit == positions.count - 1 || asked >> exit & 1 == 1 else { continue }
                try executor.run(head: exit)
                let found = executor.withOutput(exit) { span in span.indices.map { span[$0] } }
                #expect(found.map(\.bitPattern) == expected[exit].map(\.bitPattern), "seed \(9000 + seed), exits \(asked), output \(exit)")
            }
        }
    }

    private func noise(like inputs: [Tensor], seed: UInt64) -> [Tensor] {
        var random = SeededGenerator(seed: seed + 1)
        return inputs.map { Tensor(shape: $0.shape, (0..<$0.count).map { _ in Float.random(in: -1...1, using: &random) }) }
    }
}

extension RandomNetwork {
    /// Keeps the last output alone, so that the order of the nodes stays.
    mutating func keepOneOutput() { builder.graph.outputs = [builder.graph.outputs[builder.graph.outputs.count - 1]] }
}
