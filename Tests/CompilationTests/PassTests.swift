// SPDX-License-Identifier: Apache-2.0
import Compilation
import Definitions
import Inference
import Networks
import Tensors
import TestSupport
import Testing

/// Each pass leaves a graph that computes the same.
@Suite struct PassTests {
    @Test func constantsAreComputedOnce() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 4])
        let sum = try builder.add(.binary(.add, activation: .relu), [builder.constant([1, 4]), builder.constant([4])])
        let y = try builder.add(.binary(.multiply, activation: .none), [x, sum])
        let graph = try builder.finish(y)
        let folded = try graph.foldingConstants()
        #expect(folded.kinds == "multiply")
        #expect(folded.values.count == 3)
        try expectSame(folded, as: graph)
    }

    @Test func quantisationOfConstantsStaysWhereItIsAskedFor() throws {
        var builder = GraphBuilder()
        let x = builder.input([2])
        let bytes = builder.graph.add(Value(name: "w", constant: Tensor(shape: [2], [Int8(3), -5])))
        let w = try builder.add(.dequantize(axis: 0, blockSize: 0), [bytes, builder.scalar(0.5)])
        let y = try builder.add(.binary(.add, activation: .none), [x, w])
        let graph = try builder.finish(y)
        #expect(try graph.foldingConstants(keepsQuantization: true).kinds == "dequantize add")
        let folded = try graph.foldingConstants()
        #expect(folded.kinds == "add")
        try expectSame(folded, as: graph)
    }

    @Test func nodesThatChangeNothingDisappear() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 2, 3, 3])
        var y = try builder.add(.activation(.none), [x])
        y = try builder.add(.reshape, [y], shape: [1, 2, 3, 3])
        y = try builder.add(.transpose(permutation: [0, 1, 2, 3]), [y])
        y = try builder.add(.activation(.relu), [y])
        y = try builder.add(.pad(Padding(mode: .constant, before: [0, 0, 0, 0], after: [0, 0, 0, 0])), [y])
        y = try builder.add(.slice([SliceRange(axis: 1, start: 0, step: 1, count: 2)]), [y])
        y = try builder.add(.concatenation(axis: 1), [y])
        y = try builder.add(.reshape, [y], shape: [1, 18])
        y = try builder.add(.reshape, [y], shape: [2, 9])
        let graph = try builder.finish(y)
        let rewritten = graph.droppingIdentities()
        #expect(rewritten.kinds == "relu reshape")
        try expectSame(rewritten, as: graph)
    }

    @Test func anIdentityBetweenInputAndOutputStays() throws {
        var builder = GraphBuilder()
        let x = builder.input([2])
        let y = try builder.add(.activation(.none), [x])
        let graph = try builder.finish(y)
        #expect(graph.droppingIdentities().kinds == "none")
        try expectSame(graph.droppingIdentities(), as: graph)
    }

    @Test func anIdentityBetweenTwoOutputsStays() throws {
        var builder = GraphBuilder()
        let x = builder.input([2])
        let y = try builder.add(.activation(.relu), [x])
        let z = try builder.add(.activation(.none), [y])
        let graph = try builder.finish(y, z)
        try expectSame(graph.droppingIdentities(), as: graph)
    }

    @Test func clipWithConstantLimitsBecomesAnActivation() throws {
        for (low, high, kinds) in [(0, nil, "relu"), (0, 6, "clip"), (nil, 1, "clip"), (2, 1, "clip")] as [(Float?, Float?, String)] {
            var builder = GraphBuilder()
            let x = builder.input([1, 8])
            let y = try builder.add(.clip, [x, low.map { builder.scalar($0) }, high.map { builder.scalar($0) }])
            let graph = try builder.finish(y)
            let rewritten = graph.recognizingActivations()
            #expect(rewritten.kinds == kinds)
            try expectSame(rewritten, as: graph)
        }
    }

    @Test func decomposedActivationsAreRecognised() throws {
        func check(_ expected: String, _ build: (inout GraphBuilder, ValueID) throws -> ValueID) throws {
            var builder = GraphBuilder()
            let x = builder.input([1, 3, 4, 4])
            let y = try build(&builder, x)
            let graph = try builder.finish(y)
            let rewritten = graph.recognizingActivations()
            #expect(rewritten.kinds == expected)
            try expectSame(rewritten, as: graph, inputs: -8...8)
        }
        let add = Networks.Operation.binary(.add, activation: .none)
        let multiply = Networks.Operation.binary(.multiply, activation: .none)
        let divide = Networks.Operation.binary(.divide, activation: .none)
        func shifted(_ builder: inout GraphBuilder, _ x: ValueID) throws -> ValueID {
            let sum = try builder.add(add, [builder.scalar(3), x])
            return try builder.add(.clip, [sum, builder.scalar(0), builder.scalar(6)])
        }
        try check("silu") { try $0.add(multiply, [$1, $0.add(.activation(.sigmoid), [$1])]) }
        try check("silu") { try $0.add(multiply, [$0.add(.activation(.sigmoid), [$1]), $1]) }
        try check("hardSwish") { try $0.add(multiply, [$1, $0.add(.activation(.hardSigmoid(alpha: 1 / 6, beta: 0.5)), [$1])]) }
        try check("hardSigmoid") { try $0.add(divide, [shifted(&$0, $1), $0.scalar(6)]) }
        try check("hardSwish") { try $0.add(divide, [$0.add(multiply, [$1, shifted(&$0, $1)]), $0.scalar(6)]) }
        try check("hardSwish") { try $0.add(multiply, [$0.add(multiply, [shifted(&$0, $1), $1]), $0.scalar(1 / 6)]) }
        try check("hardSwish") { try $0.add(multiply, [$1, $0.add(divide, [shifted(&$0, $1), $0.scalar(6)])]) }
        try check("leakyRelu") { builder, x in
            let slope = builder.graph.add(Value(name: "slope", constant: Tensor(shape: [3, 1, 1], [Float](repeating: 0.25, count: 3))))
            return try builder.add(.prelu, [x, slope])
        }
        try check("hardSigmoid multiply") { try $0.add(multiply, [$1, $0.add(.activation(.hardSigmoid(alpha: 0.2, beta: 0.5)), [$1])]) }
    }

    @Test func activationsMoveIntoWhatComesBefore() throws {
        for activation in [.relu, .clip(low: -1, high: 2), .leakyRelu(slope: 0.1), .sigmoid, .hardSwish, .silu] as [Activation] {
            var builder = GraphBuilder()
            let x = builder.input([1, 3, 5, 5])
            let y = try builder.add(.activation(activation), [builder.convolution(x, channels: 4)])
            let z = try builder.add(.activation(activation), [builder.add(.binary(.add, activation: .none), [y, y])])
            let graph = try builder.finish(z)
            let fused = graph.fusingActivations()
            #expect(fused.nodes.count == 2)
            try expectSame(fused, as: graph)
            #expect(graph.fusingActivations { $0.isClamp }.nodes.count == (activation.isClamp ? 2 : 4))
        }
    }

    @Test func limitsOfLimitsBecomeOne() throws {
        let limits: [Activation] = [.relu, .clip(low: -1, high: 2), .clip(low: 3, high: 4), .clip(low: -3, high: -2)]
        for first in limits {
            for second in limits {
                var builder = GraphBuilder()
                let x = builder.input([1, 4])
                let y = try builder.add(.binary(.add, activation: first), [x, builder.constant([1, 4])])
                let graph = try builder.finish(try builder.add(.activation(second), [y]))
                #expect(graph.fusingActivations().nodes.count == 1)
                try expectSame(graph.fusingActivations(), as: graph)
            }
        }
    }

    @Test func aValueThatOthersReadKeepsItsActivationApart() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 3, 4, 4])
        let y = try builder.convolution(x, channels: 3)
        let z = try builder.add(.activation(.relu), [y])
        let graph = try builder.finish(builder.add(.binary(.add, activation: .none), [z, y]), y)
        let fused = graph.fusingActivations()
        #expect(fused.kinds == graph.kinds)
    }

    @Test func paddingMovesIntoWindows() throws {
        let padding = Padding(mode: .constant, before: [0, 0, 1, 0], after: [0, 0, 0, 2])
        func check(_ expected: String, _ build: (inout GraphBuilder, ValueID) throws -> ValueID) throws {
            var builder = GraphBuilder()
            let x = builder.input([1, 2, 6, 6])
            let y = try build(&builder, x)
            let graph = try builder.finish(y)
            let folded = graph.foldingPads()
            #expect(folded.kinds == expected)
            try expectSame(folded, as: graph)
        }
        let window = Window(size: [3, 3], strides: [2, 2])
        let maximum = Networks.Operation.pool(Pooling(kind: .maximum, window: window))
        let average = Networks.Operation.pool(Pooling(kind: .average, window: window))
        try check("convolution") { try $0.convolution($0.add(.pad(padding), [$1]), channels: 3, pad: 1) }
        try check("average") { try $0.add(average, [$0.add(.pad(padding), [$1])]) }
        try check("relu maximum") { try $0.add(maximum, [$0.add(.pad(padding), [$0.add(.activation(.relu), [$1])])]) }
        try check("pad maximum") { try $0.add(maximum, [$0.add(.pad(padding), [$1])]) }
        var wide = padding
        wide.before[2] = 3
        try check("relu pad maximum") { try $0.add(maximum, [$0.add(.pad(wide), [$0.add(.activation(.relu), [$1])])]) }
        var valued = padding
        valued.value = 1
        try check("pad convolution") { try $0.convolution($0.add(.pad(valued), [$1]), channels: 3) }
        var channels = padding
        channels.before[1] = 1
        try check("pad convolution") { try $0.convolution($0.add(.pad(channels), [$1]), channels: 3) }
    }

    @Test func anAverageOfEverythingIsAMean() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 3, 4, 5])
        let graph = try builder.finish(try builder.add(.pool(Pooling(kind: .average, window: Window(size: [4, 5]))), [x]))
        #expect(graph.averagingWholeImages().kinds == "mean")
        try expectSame(graph.averagingWholeImages(), as: graph)
    }

    @Test func sumsMoveIntoTheLaterConvolution() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 3, 4, 4])
        let early = try builder.convolution(x, channels: 3)
        let late = try builder.convolution(builder.convolution(x, channels: 2, activation: .relu), channels: 3)
        let sum = try builder.add(.binary(.add, activation: .relu), [late, early])
        let again = try builder.add(.binary(.add, activation: .none), [builder.add(.activation(.relu), [sum]), sum])
        let graph = try builder.finish(again)
        let fused = graph.fusingResiduals()
        #expect(fused.kinds == "convolution convolution+relu convolution+relu+residual relu add")
        try expectSame(fused, as: graph)
    }

    @Test func sumsThatBroadcastStay() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 3, 4, 4])
        let y = try builder.convolution(x, channels: 3)
        let pixel = try builder.add(.mean(axes: [2, 3], keepsDimensions: true), [x])
        let graph = try builder.finish(builder.add(.binary(.add, activation: .none), [y, pixel]))
        #expect(graph.fusingResiduals().kinds == graph.kinds)
    }

    @Test func signedPairsOfAQuantisedModelGoThroughBytesThatHaveKernels() throws {
        var builder = GraphBuilder(seed: 3)
        var y = try builder.pair(builder.input([1, 3, 5, 5]), scale: 0.02, zeroPoint: -7)
        y = try builder.pair(builder.convolution(y, channels: 4, activation: .relu), scale: 0.05, zeroPoint: -128)
        let graph = try builder.finish(builder.pair(builder.convolution(y, channels: 2), scale: 0.03, zeroPoint: 127))
        let optimized = try graph.optimized()
        #expect(!optimized.nodes.contains { $0.outputs.contains { optimized[$0].type == .int8 } })
        #expect(try Executor(optimized).plan.allSatisfy { !$0.isDefinition })
        try expectSame(optimized, as: graph)
    }
}
