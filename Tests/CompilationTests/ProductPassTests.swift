// SPDX-License-Identifier: Apache-2.0
import Compilation
import Definitions
import Networks
import Tensors
import TestSupport
import Testing

/// Passes that change weights leave a graph that computes the same.
@Suite struct ProductPassTests {
    @Test(arguments: [1, 2, 6]) func normalisationMovesIntoTheConvolutionBefore(groups: Int) throws {
        for bias in [false, true] {
            var builder = GraphBuilder()
            let x = builder.input([1, 6, 5, 5])
            let y = try builder.normalization(builder.convolution(x, channels: 6, groups: groups, bias: bias))
            let graph = try builder.finish(y)
            let folded = graph.foldingAffines()
            #expect(folded.kinds == "convolution")
            try expectSame(folded, as: graph)
        }
    }

    @Test(arguments: [1, 2, 6]) func normalisationMovesIntoTheConvolutionBehindWhereNothingIsPadded(groups: Int) throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 6, 5, 5])
        let y = try builder.convolution(builder.normalization(x), channels: 6, pad: 0, groups: groups)
        let graph = try builder.finish(y)
        #expect(graph.foldingAffines().kinds == "convolution")
        try expectSame(graph.foldingAffines(), as: graph)
    }

    @Test func normalisationBeforePaddingBecomesADepthwiseConvolution() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 6, 5, 5])
        let y = try builder.convolution(builder.normalization(x), channels: 4, pad: 1)
        let graph = try builder.finish(y)
        #expect(graph.foldingAffines().kinds == "batchNormalization convolution")
        let lowered = graph.loweringAffines()
        #expect(lowered.kinds == "convolution convolution")
        try expectSame(lowered, as: graph)
    }

    @Test func scalingMovesThroughPadding() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 3, 5, 5])
        let scaled = try builder.add(.binary(.divide, activation: .none), [x, builder.constant([1, 3, 1, 1], in: 0.5...2)])
        let graph = try builder.finish(builder.convolution(scaled, channels: 4, pad: 1))
        #expect(graph.foldingAffines().kinds == "convolution")
        try expectSame(graph.foldingAffines(), as: graph)
    }

    @Test func arithmeticWithConstantsMovesIntoProducts() throws {
        for (binary, first) in [(.add, true), (.add, false), (.subtract, true), (.subtract, false), (.multiply, false), (.divide, false)]
            as [(Binary, Bool)]
        {
            for shape in [[], [4, 1, 1], [1, 4, 1, 1]] {
                var builder = GraphBuilder()
                let x = builder.input([2, 3, 4, 4])
                let y = try builder.convolution(x, channels: 4, bias: false)
                let constant = builder.constant(shape, in: 0.5...2)
                let z = try builder.add(.binary(binary, activation: .relu), first ? [constant, y] : [y, constant])
                let graph = try builder.finish(z)
                #expect(graph.foldingAffines().kinds == "convolution+relu", "\(binary) \(shape)")
                try expectSame(graph.foldingAffines(), as: graph)
            }
        }
    }

    @Test func whatIsNotAffineByChannelStays() throws {
        func check(_ build: (inout GraphBuilder, ValueID) throws -> ValueID) throws {
            var builder = GraphBuilder()
            let x = builder.input([1, 4, 4, 4])
            let y = try builder.convolution(x, channels: 4)
            let graph = try builder.finish(try build(&builder, y))
            #expect(graph.foldingAffines().kinds == graph.kinds)
            #expect(graph.loweringAffines().kinds == graph.kinds)
        }
        try check { try $0.add(.binary(.divide, activation: .none), [$0.constant([], in: 1...2), $1]) }
        try check { try $0.add(.binary(.add, activation: .none), [$1, $0.constant([4])]) }
        try check { try $0.add(.binary(.multiply, activation: .none), [$1, $0.constant([1, 1, 4, 4])]) }
        try check { try $0.add(.binary(.add, activation: .none), [$1, $0.constant([2, 4, 1, 1])]) }
        try check { try $0.add(.binary(.divide, activation: .none), [$1, $0.scalar(0)]) }
    }

    @Test func productsGetOneForm() throws {
        func check(_ build: (inout GraphBuilder, ValueID) throws -> ValueID) throws {
            var builder = GraphBuilder()
            let x = builder.input([2, 5])
            let graph = try builder.finish(try build(&builder, x))
            let normal = graph.normalizingProducts()
            guard case .gemm(let gemm) = normal.nodes[0].operation else {
                Issue.record("\(normal.kinds)")
                return
            }
            #expect(gemm.transposesB && gemm.alpha == 1 && gemm.beta == 1)
            try expectSame(normal, as: graph)
            let folded = normal.foldingAffines()
            #expect(folded.nodes.count == 1)
            try expectSame(folded, as: graph)
        }
        try check { try $0.add(.matMul, [$1, $0.constant([5, 3])]) }
        try check { try $0.add(.binary(.add, activation: .relu), [$0.add(.matMul, [$1, $0.constant([5, 3])]), $0.constant([3])]) }
        try check { try $0.normalization($0.add(.matMul, [$1, $0.constant([5, 3])])) }
        try check { try $0.add(.gemm(Gemm(alpha: 0.5, beta: 2)), [$1, $0.constant([5, 3]), $0.constant([1, 3])]) }
        try check { try $0.add(.gemm(Gemm(alpha: 0.5, transposesB: true)), [$1, $0.constant([3, 5]), $0.constant([])]) }
        try check { try $0.add(.gemm(Gemm(transposesB: true, activation: .relu)), [$1, $0.constant([3, 5])]) }
    }

    /// A small network with everything in it, over many seeds.
    @Test(arguments: 1...10) func anOptimisedNetworkComputesTheSame(seed: UInt64) throws {
        var builder = GraphBuilder(seed: seed)
        let x = builder.input([1, 3, 9, 9])
        var y = try builder.add(.binary(.subtract, activation: .none), [x, builder.constant([3, 1, 1])])
        y = try builder.add(.pad(Padding(mode: .constant, before: [0, 0, 1, 1], after: [0, 0, 1, 1])), [y])
        y = try builder.normalization(builder.convolution(y, channels: 8, stride: 2, pad: 0, bias: false))
        y = try builder.add(.clip, [y, builder.scalar(0), builder.scalar(6)])
        let branch = y
        y = try builder.add(.activation(.relu), [builder.normalization(builder.convolution(y, channels: 8, groups: 8))])
        let gate = try builder.add(.activation(.sigmoid), [builder.convolution(
            builder.add(.mean(axes: [2, 3], keepsDimensions: true), [y]), channels: 8, size: 1)])
        y = try builder.add(.binary(.multiply, activation: .none), [y, gate])
        y = try builder.normalization(builder.convolution(y, channels: 8, size: 1))
        y = try builder.add(.activation(.relu), [builder.add(.binary(.add, activation: .none), [branch, y])])
        y = try builder.convolution(y, channels: 4)
        y = try builder.add(.binary(.multiply, activation: .none), [y, builder.add(.activation(.sigmoid), [y])])
        y = try builder.add(.reshape, [y], shape: [1, 100])
        y = try builder.add(.binary(.add, activation: .none), [builder.add(.matMul, [y, builder.constant([100, 5])]), builder.constant([5])])
        let graph = try builder.finish(y)
        for target in [Target.float, .quantized] {
            let optimized = try graph.optimized(for: target)
            try expectSame(optimized, as: graph, tolerance: 2e-5)
            #expect(
                optimized.kinds == (target == .float
                    ? "convolution convolution+clip convolution+relu mean convolution+sigmoid multiply convolution+relu+residual convolution+silu reshape gemm"
                    : "convolution convolution+clip convolution+relu mean convolution sigmoid multiply convolution+relu+residual convolution silu reshape gemm"))
        }
    }
}
