// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import TestSupport

/// A small network of the kinds of blocks that image networks are made of, chosen by the seed.
struct RandomNetwork {
    var builder: NetworkBuilder
    private var images: [ValueID] = []

    var graph: Graph { builder.graph }

    init(seed: UInt64, isQuantized: Bool, blocks: Int = 10, batch: Int = 1, isLarge: Bool = false) throws {
        builder = NetworkBuilder(seed: seed, isQuantized: isQuantized)
        let size = isLarge ? 48 : builder.number(5...12)
        images = [try builder.input([batch, builder.pick([1, 3, 4]), size, size + builder.number(0...3)])]
        let channels = isLarge ? builder.pick([32, 64]) : builder.pick([4, 8, 12, 16])
        images.append(try builder.convolution(images[0], Convolution(window: Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])), outputs: channels))
        for _ in 0..<blocks { try addBlock() }
        try addHead()
        try builder.graph.check()
    }

    private mutating func addBlock() throws {
        let x = builder.number(0...2) == 0 ? builder.pick(images) : images[images.count - 1]
        let result: ValueID?
        switch builder.number(0...14) {
        case 0, 1: result = try convolution(x)
        case 2: result = try depthwise(x)
        case 3: result = try residual(x)
        case 4: result = try pool(x)
        case 5: result = try activation(x)
        case 6: result = try combination(x)
        case 7: result = try squeeze(x)
        case 8: result = try shuffle(x)
        case 9: result = try concatenation(x)
        case 10: result = try slice(x)
        case 11: result = try split(x)
        case 12: result = try pad(x)
        case 13: result = builder.isQuantized ? nil : try normalization(x)
        default: result = try transpose(x)
        }
        if let result { images.append(result) }
    }

    private func shape(_ id: ValueID) -> [Int] { builder.graph[id].shape }

    private mutating func window(_ x: ValueID) -> Window {
        let size = [builder.pick([1, 3, 3, 2]), builder.pick([1, 3, 3, 5])]
        let dilation = builder.pick([1, 1, 1, 2])
        let pads = { (b: inout NetworkBuilder, k: Int) in b.number(0...((k - 1) * dilation)) }
        let before = [pads(&builder, size[0]), pads(&builder, size[1])]
        // Enough at the other side that the window fits.
        let after = [0, 1].map { axis -> Int in
            let reach = (size[axis] - 1) * dilation - before[axis]
            return max(reach, reach + 1 - shape(x)[2 + axis], 0)
        }
        return Window(
            size: size, strides: [builder.pick([1, 1, 2]), builder.pick([1, 1, 2])], dilations: [dilation, dilation], padsBefore: before,
            padsAfter: after)
    }

    private mutating func fused() -> Activation {
        builder.isQuantized
            ? builder.pick([.none, .relu, .clip(low: 0, high: 6), .clip(low: -0.5, high: 0.7)])
            : builder.pick([.none, .relu, .clip(low: 0, high: 6), .leakyRelu(slope: 0.1), .hardSwish, .silu, .sigmoid])
    }

    private mutating func convolution(_ x: ValueID) throws -> ValueID {
        let channels = shape(x)[1]
        let groups = channels % 2 == 0 ? builder.pick([1, 1, 1, 2]) : 1
        return try builder.convolution(
            x, Convolution(window: window(x), groups: groups, activation: fused()), outputs: groups * builder.pick([2, 5, 8, 17]),
            bias: builder.number(0...3) > 0)
    }

    private mutating func depthwise(_ x: ValueID) throws -> ValueID {
        try builder.convolution(x, Convolution(window: window(x), groups: shape(x)[1], activation: fused()), outputs: shape(x)[1])
    }

    private mutating func residual(_ x: ValueID) throws -> ValueID {
        let window = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
        let inner = try builder.convolution(x, Convolution(window: window, activation: .relu), outputs: 6)
        return try builder.convolution(inner, Convolution(window: window, activation: fused()), outputs: shape(x)[1], residual: x)
    }

    private mutating func pool(_ x: ValueID) throws -> ValueID? {
        var window = window(x)
        for axis in 0...1 {
            // Pads smaller than the window, so that every window has an element.
            window.padsBefore[axis] = min(window.padsBefore[axis], window.size[axis] - 1)
            window.padsAfter[axis] = min(window.padsAfter[axis], window.size[axis] - 1)
            window.dilations[axis] = 1
            guard window.size[axis] <= shape(x)[2 + axis] else { return nil }
        }
        let kind = builder.pick([Pooling.Kind.maximum, .average])
        let pooling = Pooling(kind: kind, window: window, ceilMode: builder.pick([true, false]), countsPadding: kind == .average && builder.pick([true, false]))
        let quantization = builder.graph[x].quantization
        return try builder.apply(
            .pool(pooling), [x], kind == .maximum ? quantization : quantization.map { builder.activationQuantization($0.scale) })
    }

    private mutating func activation(_ x: ValueID) throws -> ValueID {
        let activation: Activation = builder.pick([
            .relu, .clip(low: -0.2, high: 0.9), .leakyRelu(slope: 0.2), .sigmoid, .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .silu,
        ])
        return try builder.apply(.activation(activation), [x], builder.graph[x].quantization.map { builder.activationQuantization($0.scale) })
    }

    private mutating func combination(_ x: ValueID) throws -> ValueID {
        let same = images.filter { shape($0) == shape(x) }
        let other = builder.pick([
            builder.pick(same), builder.pick(same), builder.operand([1, shape(x)[1], 1, 1]), builder.operand([shape(x)[1], 1, 1]), builder.operand([]),
            builder.operand([shape(x)[3]]), builder.operand([1, 1, shape(x)[2], 1]),
        ])
        let binary: Binary = builder.pick([.add, .subtract, .multiply])
        let quantization = builder.graph[x].quantization.map { builder.activationQuantization(binary == .multiply ? $0.scale : 1.6 * $0.scale) }
        let order = builder.number(0...1) == 0 ? [x, other] : [other, x]
        return try builder.apply(.binary(binary, activation: fused()), order, quantization)
    }

    private mutating func squeeze(_ x: ValueID) throws -> ValueID {
        let quantization = builder.graph[x].quantization
        let mean = try builder.apply(
            .mean(axes: [2, 3], keepsDimensions: true), [x], quantization.map { builder.activationQuantization($0.scale * 0.4) })
        let point = Convolution(window: Window(size: [1, 1]), activation: .relu)
        let reduced = try builder.convolution(mean, point, outputs: 3)
        let expanded = try builder.convolution(reduced, Convolution(window: Window(size: [1, 1])), outputs: shape(x)[1])
        let gate = try builder.apply(
            .activation(.hardSigmoid(alpha: 1 / 6, beta: 0.5)), [expanded], quantization.map { _ in Quantization(scale: 1 / 255, zeroPoint: 0) })
        return try builder.apply(.binary(.multiply, activation: .none), [x, gate], quantization.map { builder.activationQuantization($0.scale * 0.6) })
    }

    private mutating func shuffle(_ x: ValueID) throws -> ValueID? {
        let s = shape(x)
        guard s[1] % 2 == 0 else { return nil }
        let split = try builder.move(.reshape, x, shape: [s[0], 2, s[1] / 2, s[2], s[3]])
        let swapped = try builder.move(.transpose(permutation: [0, 2, 1, 3, 4]), split)
        return try builder.move(.reshape, swapped, shape: s)
    }

    private mutating func concatenation(_ x: ValueID) throws -> ValueID {
        let axis = builder.pick([1, 1, 1, 2, 3])
        let fitting = images.filter { other in (0..<4).allSatisfy { $0 == axis || shape(other)[$0] == shape(x)[$0] } }
        return try builder.apply(.concatenation(axis: axis), [x, builder.pick(fitting), x], builder.graph[x].quantization)
    }

    private mutating func slice(_ x: ValueID) throws -> ValueID {
        let axis = builder.number(1...3)
        let size = shape(x)[axis]
        let step = builder.pick([1, 1, 2, -1])
        let count = (builder.number(1...size) + abs(step) - 1) / abs(step)
        let start = step < 0 ? size - 1 : builder.number(0...(size - (count - 1) * step - 1))
        return try builder.move(.slice([SliceRange(axis: axis, start: start, step: step, count: count)]), x)
    }

    private mutating func split(_ x: ValueID) throws -> ValueID? {
        let size = shape(x)[1]
        guard size >= 2 else { return nil }
        let first = builder.number(1...(size - 1))
        let quantization = builder.graph[x].quantization
        let result = try builder.apply(.split(axis: 1, sizes: [first, size - first]), [x], quantization)
        images.append(ValueID(rawValue: result.rawValue + 1))
        return result
    }

    private mutating func pad(_ x: ValueID) throws -> ValueID {
        let before = [0, 0, builder.number(0...2), builder.number(-1...2)]
        let after = [0, builder.number(0...1), builder.number(0...2), builder.number(0...2)]
        return try builder.move(.pad(Padding(mode: .constant, before: before, after: after)), x)
    }

    private mutating func normalization(_ x: ValueID) throws -> ValueID {
        let c = shape(x)[1]
        switch builder.number(0...2) {
        case 0:
            let inputs = [x, builder.constant([c], in: 0.5...1.5), builder.constant([c]), builder.constant([c]), builder.constant([c], in: 0.5...2)]
            return try builder.apply(.batchNormalization(epsilon: 1e-5), inputs)
        case 1: return try builder.apply(.prelu, [x, builder.constant(builder.pick([[c, 1, 1], [1]]), in: 0...0.5)])
        default: return try builder.apply(.localResponseNormalization(size: 3, alpha: 0.1, beta: 0.75, bias: 1), [x])
        }
    }

    private mutating func transpose(_ x: ValueID) throws -> ValueID {
        try builder.move(.transpose(permutation: [0, 1, 3, 2]), x)
    }

    private mutating func addHead() throws {
        var x = images[images.count - 1]
        // Quantised sums over more elements don't fit 32 bits.
        if builder.number(0...1) == 0 || shape(x).elementCount / shape(x)[0] > 40_000 {
            let quantization = builder.graph[x].quantization
            x = try builder.apply(
                .mean(axes: [2, 3], keepsDimensions: builder.pick([true, false])), [x], quantization.map { builder.activationQuantization($0.scale * 0.4) })
        }
        let batch = shape(x)[0]
        let flat = try builder.move(.reshape, x, shape: [batch, shape(x).elementCount / batch])
        let hidden = try builder.gemm(flat, outputs: 20, activation: fused())
        let logits = try builder.gemm(hidden, outputs: 7, isFloat: true)
        let answer = try builder.apply(.softmax(axis: 1), [logits])
        builder.graph.outputs = [logits, answer]
    }

    /// Makes outputs of up to three images, before those that there are: as they are, behind a mean, behind a concatenation with another one, or behind a window.
    mutating func addExits() throws {
        for _ in 0..<3 {
            var x = builder.pick(images)
            switch builder.number(0...3) {
            case 0:
                let quantization = builder.graph[x].quantization
                x = try builder.apply(.mean(axes: [2, 3], keepsDimensions: false), [x], quantization.map { builder.activationQuantization($0.scale) })
                x = try builder.gemm(x, outputs: 5, isFloat: true)
            case 1: x = try concatenation(x)
            case 2: x = try convolution(x)
            default: break
            }
            if !builder.graph.outputs.contains(x) { builder.graph.outputs.insert(x, at: 0) }
        }
        // The earliest first.
        let outputs = builder.graph.outputs
        let positions = builder.graph.orderedByExits().exitPositions
        builder.graph.outputs = outputs.indices.sorted { (positions[$0], $0) < (positions[$1], $1) }.map { outputs[$0] }
        try builder.graph.check()
    }

    /// Tensors for the graph's inputs.
    mutating func inputs() -> [Tensor] {
        builder.graph.inputs.map { id in
            let shape = builder.graph[id].shape
            return Tensor(shape: shape, builder.floats(shape.elementCount, in: -1...1))
        }
    }
}
