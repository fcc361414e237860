// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors

/// The networks of `Packaging/bench-peers` in miniature: stem, two of the blocks that they are named for, one of them with a smaller image, head. Quantised,
/// random weights, numbers of channels that leave remainders in every tile.
enum Architecture: String, CaseIterable, Sendable {
    case mobilenetV2, mobilenetV3, resnetBasic, resnetBottleneck, squeezenet, googlenet, efficientnet, shufflenet, densenet

    func graph(seed: UInt64) throws -> Graph {
        var network = Miniature(seed: seed)
        var x = try network.stem(channels: self == .shufflenet ? 24 : 20)
        switch self {
        case .mobilenetV2:
            x = try network.invertedResidual(x, expanded: 60, outputs: 20, activation: .clip(low: 0, high: 6))
            x = try network.invertedResidual(x, expanded: 72, outputs: 33, stride: 2, activation: .clip(low: 0, high: 6))
        case .mobilenetV3:
            x = try network.invertedResidual(x, expanded: 56, outputs: 20, size: 5, activation: .hardSwish, gate: .hardSigmoid(alpha: 1 / 6, beta: 0.5))
            x = try network.invertedResidual(x, expanded: 72, outputs: 40, stride: 2, activation: .hardSwish, gate: .hardSigmoid(alpha: 1 / 6, beta: 0.5))
        case .efficientnet:
            x = try network.invertedResidual(x, expanded: 96, outputs: 20, activation: .silu, gate: .sigmoid)
            x = try network.invertedResidual(x, expanded: 120, outputs: 24, size: 5, stride: 2, activation: .silu, gate: .sigmoid)
        case .resnetBasic:
            x = try network.basicBlock(x, outputs: 20)
            x = try network.basicBlock(x, outputs: 36, stride: 2)
        case .resnetBottleneck:
            x = try network.bottleneck(x, inner: 12, outputs: 48)
            x = try network.bottleneck(x, inner: 20, outputs: 48, stride: 2)
        case .squeezenet:
            x = try network.fire(x, squeezed: 9, expanded: 33)
            x = try network.fire(network.maximumPool(x, stride: 2, ceilMode: true), squeezed: 16, expanded: 24)
        case .googlenet:
            x = try network.inception(x, [17, 12, 20, 8, 24, 16])
            x = try network.inception(network.maximumPool(x, stride: 2, ceilMode: true), [32, 16, 33, 4, 12, 10])
        case .shufflenet:
            x = try network.shuffleUnit(x)
            x = try network.shuffleUnit(x, stride: 2)
        case .densenet:
            x = try network.denseBlock(x, layers: 3, growth: 13)
            x = try network.transition(x)
        }
        return try network.finished(x)
    }
}

/// A quantised graph that grows block by block.
private struct Miniature {
    private var builder: NetworkBuilder

    init(seed: UInt64) { builder = NetworkBuilder(seed: seed, isQuantized: true) }

    mutating func stem(channels: Int) throws -> ValueID {
        let image = try builder.input([1, 3, 29, 31])
        return try convolution(image, outputs: channels, size: 3, stride: 2, activation: .relu)
    }

    mutating func finished(_ x: ValueID) throws -> Graph {
        let mean = try builder.apply(.mean(axes: [2, 3], keepsDimensions: true), [x], near(x, 0.5))
        let flat = try builder.move(.reshape, mean, shape: [1, channels(x)])
        builder.graph.outputs = [try builder.gemm(flat, outputs: 21, isFloat: true)]
        try builder.graph.check()
        return builder.graph
    }

    mutating func invertedResidual(
        _ x: ValueID, expanded: Int, outputs: Int, size: Int = 3, stride: Int = 1, activation: Activation, gate: Activation? = nil
    ) throws -> ValueID {
        var y = try activated(convolution(x, outputs: expanded, activation: fusable(activation)), activation)
        y = try activated(convolution(y, outputs: expanded, size: size, stride: stride, groups: expanded, activation: fusable(activation)), activation)
        if let gate { y = try squeezed(y, to: 10, gate: gate) }
        return try convolution(y, outputs: outputs, residual: stride == 1 && outputs == channels(x) ? x : nil)
    }

    private mutating func squeezed(_ x: ValueID, to count: Int, gate: Activation) throws -> ValueID {
        let mean = try builder.apply(.mean(axes: [2, 3], keepsDimensions: true), [x], near(x, 0.5))
        let inner = try convolution(mean, outputs: count, activation: .relu)
        let outer = try convolution(inner, outputs: channels(x))
        let factors = try builder.apply(.activation(gate), [outer], Quantization(scale: 1 / 255, zeroPoint: 0))
        return try builder.apply(.binary(.multiply, activation: .none), [x, factors], near(x, 0.7))
    }

    mutating func basicBlock(_ x: ValueID, outputs: Int, stride: Int = 1) throws -> ValueID {
        let shortcut = stride == 1 && outputs == channels(x) ? x : try convolution(x, outputs: outputs, stride: stride)
        let inner = try convolution(x, outputs: outputs, size: 3, stride: stride, activation: .relu)
        return try convolution(inner, outputs: outputs, size: 3, activation: .relu, residual: shortcut)
    }

    mutating func bottleneck(_ x: ValueID, inner: Int, outputs: Int, stride: Int = 1) throws -> ValueID {
        let shortcut = stride == 1 && outputs == channels(x) ? x : try convolution(x, outputs: outputs, stride: stride)
        let first = try convolution(x, outputs: inner, activation: .relu)
        let second = try convolution(first, outputs: inner, size: 3, stride: stride, activation: .relu)
        return try convolution(second, outputs: outputs, activation: .relu, residual: shortcut)
    }

    mutating func fire(_ x: ValueID, squeezed: Int, expanded: Int) throws -> ValueID {
        let inner = try convolution(x, outputs: squeezed, activation: .relu)
        return try joined([convolution(inner, outputs: expanded, activation: .relu), convolution(inner, outputs: expanded, size: 3, activation: .relu)])
    }

    mutating func inception(_ x: ValueID, _ widths: [Int]) throws -> ValueID {
        let first = try convolution(x, outputs: widths[0], activation: .relu)
        let second = try convolution(convolution(x, outputs: widths[1], activation: .relu), outputs: widths[2], size: 3, activation: .relu)
        let third = try convolution(convolution(x, outputs: widths[3], activation: .relu), outputs: widths[4], size: 3, activation: .relu)
        let fourth = try convolution(maximumPool(x, stride: 1, ceilMode: true), outputs: widths[5], activation: .relu)
        return try joined([first, second, third, fourth])
    }

    mutating func shuffleUnit(_ x: ValueID, stride: Int = 1) throws -> ValueID {
        let half = channels(x) / 2
        var (left, right) = (x, x)
        if stride == 1 {
            left = try builder.apply(.split(axis: 1, sizes: [half, half]), [x], builder.graph[x].quantization)
            right = ValueID(rawValue: left.rawValue + 1)
        } else {
            left = try convolution(convolution(x, outputs: channels(x), size: 3, stride: stride, groups: channels(x)), outputs: half, activation: .relu)
        }
        right = try convolution(right, outputs: half, activation: .relu)
        right = try convolution(convolution(right, outputs: half, size: 3, stride: stride, groups: half), outputs: half, activation: .relu)
        let both = try joined([left, right])
        let s = builder.graph[both].shape
        let split = try builder.move(.reshape, both, shape: [s[0], 2, s[1] / 2, s[2], s[3]])
        return try builder.move(.reshape, builder.move(.transpose(permutation: [0, 2, 1, 3, 4]), split), shape: s)
    }

    mutating func denseBlock(_ x: ValueID, layers: Int, growth: Int) throws -> ValueID {
        var features = [x]
        for _ in 0..<layers {
            let inner = try convolution(normalized(features.count == 1 ? x : joined(features)), outputs: 4 * growth, activation: .relu)
            features.append(try convolution(inner, outputs: growth, size: 3))
        }
        return try joined(features)
    }

    mutating func transition(_ x: ValueID) throws -> ValueID {
        let narrowed = try convolution(normalized(x), outputs: channels(x) / 2)
        return try builder.apply(.pool(Pooling(kind: .average, window: Window(size: [2, 2], strides: [2, 2]))), [narrowed], near(narrowed, 0.8))
    }

    /// What is left of a normalisation that no convolution can take in: a factor and a term a channel, then relu.
    private mutating func normalized(_ x: ValueID) throws -> ValueID {
        let shape = [1, channels(x), 1, 1]
        let scaled = try builder.apply(.binary(.multiply, activation: .none), [x, builder.operand(shape)], near(x, 1))
        return try builder.apply(.binary(.add, activation: .relu), [scaled, builder.operand(shape)], near(scaled, 1.2))
    }

    mutating func maximumPool(_ x: ValueID, stride: Int, ceilMode: Bool) throws -> ValueID {
        let pads = stride == 1 ? [1, 1] : [0, 0]
        let window = Window(size: [3, 3], strides: [stride, stride], padsBefore: pads, padsAfter: pads)
        return try builder.apply(.pool(Pooling(kind: .maximum, window: window, ceilMode: ceilMode)), [x], builder.graph[x].quantization)
    }

    private func channels(_ x: ValueID) -> Int { builder.graph[x].shape[1] }

    private mutating func near(_ x: ValueID, _ factor: Float) -> Quantization? {
        builder.graph[x].quantization.map { builder.activationQuantization($0.scale * factor) }
    }

    private mutating func joined(_ parts: [ValueID]) throws -> ValueID {
        try builder.apply(.concatenation(axis: 1), parts, builder.number(0...1) == 0 ? builder.graph[parts[0]].quantization : near(parts[0], 1))
    }

    /// What a quantised convolution can apply itself.
    private func fusable(_ activation: Activation) -> Activation {
        switch activation {
        case .relu, .clip: activation
        default: .none
        }
    }

    private mutating func activated(_ x: ValueID, _ activation: Activation) throws -> ValueID {
        guard fusable(activation) == .none else { return x }
        return try builder.apply(.activation(activation), [x], near(x, 1))
    }

    private mutating func convolution(
        _ x: ValueID, outputs: Int, size: Int = 1, stride: Int = 1, groups: Int = 1, activation: Activation = .none, residual: ValueID? = nil
    ) throws -> ValueID {
        let pads = [size / 2, size / 2]
        let window = Window(size: [size, size], strides: [stride, stride], padsBefore: pads, padsAfter: pads)
        return try builder.convolution(x, Convolution(window: window, groups: groups, activation: activation), outputs: outputs, residual: residual)
    }
}
