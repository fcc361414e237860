// SPDX-License-Identifier: Apache-2.0
internal import Kernels
package import Networks
internal import Tensors

extension KernelContest {
    /// One contest for each distinct shape of the convolutions and matrix products with constant weights of a graph, in the order of the graph; no two
    /// are called the same.
    package static func all(of graph: Graph) -> [KernelContest] {
        var contests: [KernelContest] = []
        var positions: [Layer.Shape: Int] = [:]
        for node in graph.nodes {
            guard let layer = Layer(node, graph) else { continue }
            if let position = positions[layer.shape] {
                contests[position].places += 1
                continue
            }
            guard let contest = layer.contest(macs: graph.cost(of: node).multiplyAccumulates) else { continue }
            positions[layer.shape] = contests.count
            contests.append(contest)
        }
        return contests
    }
}

/// A convolution, or a matrix product as one over pixels that lie below each other.
private struct Layer {
    /// What decides how fast a kernel computes it.
    struct Shape: Hashable {
        /// Without an activation that limits, which takes no time.
        var convolution: Convolution
        var input: [Int]
        var outputChannels: Int
        var hasResidual: Bool
        var isQuantized: Bool
        var isFloatOutput: Bool
    }

    let shape: Shape
    private let weights: Tensor
    private let bias: Tensor?
    private let input: Quantization?
    private let weight: Quantization?
    private let output: Quantization?
    private let residual: Quantization?

    init?(_ node: Node, _ graph: Graph) {
        guard let x = node.inputs[0], node.inputs.count > 1, let w = node.inputs[1], let constant = graph[w].constant else { return nil }
        var convolution: Convolution
        let image: [Int]
        switch node.operation {
        case .convolution(let value) where value.window.size.count == 2:
            (convolution, image, weights) = (value, graph[x].shape, constant)
        case .gemm(let gemm) where gemm.transposesB && !gemm.transposesA && graph[x].type == .uint8:
            convolution = Convolution(window: Window(size: [1, 1]), activation: gemm.activation)
            image = [1, graph[x].shape[1], graph[x].shape[0], 1]
            weights = constant.reshaped(constant.shape + [1, 1])
        default: return nil
        }
        func constantInput(_ index: Int) -> Tensor? { index < node.inputs.count ? node.inputs[index].flatMap { graph[$0].constant } : nil }
        bias = constantInput(2)
        let result = graph[node.outputs[0]]
        let addend = node.inputs.count > 3 ? node.inputs[3] : nil
        if convolution.activation.isClamp { convolution.activation = .none }
        (input, weight, output) = (graph[x].quantization, graph[w].quantization, result.quantization)
        residual = addend.flatMap { graph[$0].quantization }
        shape = Shape(
            convolution: convolution, input: image, outputChannels: weights.shape[0], hasResidual: addend != nil,
            isQuantized: graph[x].type == .uint8, isFloatOutput: result.type == .float32)
        guard image[0] == 1, shape.isQuantized == (constant.type == .int8), shape.isQuantized || shape.isFloatOutput else { return nil }
    }

    func contest(macs: Int) -> KernelContest? {
        shape.isQuantized ? quantizedContest(macs: macs) : floatContest(macs: macs)
    }

    private func quantizedContest(macs: Int) -> KernelContest? {
        guard let input, let weight, residual != nil || !shape.hasResidual else { return nil }
        func prepared(_ kernel: KernelName?) -> QuantizedConvolution {
            QuantizedConvolution(
                weights: weights, bias: bias?.elements(of: Int32.self), inputHeight: shape.input[2], inputWidth: shape.input[3],
                inputChannels: shape.input[1], convolution: shape.convolution, input: input, weight: weight, output: output,
                residual: residual, kernel: kernel)
        }
        let kernels = KernelName.computing(
            shape.convolution, inputHeight: shape.input[2], inputWidth: shape.input[3], inputChannels: shape.input[1],
            outputChannels: shape.outputChannels)
        let layers = kernels.map { prepared($0) }
        return contest(layers, pick: prepared(nil), macs: macs, name: \.kernelName) { layer in
            let count = layer.outputHeight * layer.outputWidth * layer.outputChannels
            return shape.isFloatOutput
                ? runner(layer.scratchBytes, inputs: UInt8.self, outputs: Float.self, count) {
                    layer.run(input: $0, residual: $1, output: &$2, scratch: &$3, rows: 0..<layer.outputHeight)
                }
                : runner(layer.scratchBytes, inputs: UInt8.self, outputs: UInt8.self, count) {
                    layer.run(input: $0, residual: $1, output: &$2, scratch: &$3, rows: 0..<layer.outputHeight)
                }
        }
    }

    private func floatContest(macs: Int) -> KernelContest? {
        func prepared(_ kernel: KernelName?, isWinograd: Bool?) -> FloatConvolution {
            FloatConvolution(
                weights: weights, bias: bias?.elements(of: Float.self), inputHeight: shape.input[2], inputWidth: shape.input[3],
                inputChannels: shape.input[1], convolution: shape.convolution, residual: shape.hasResidual, kernel: kernel,
                isWinograd: isWinograd)
        }
        var layers: [FloatConvolution] = []
        for set in KernelName.floatSets() {
            let forms = [false, true].map { prepared(set, isWinograd: $0) }
            layers += forms[0].kernelName == forms[1].kernelName ? [forms[0]] : forms
        }
        return contest(layers, pick: prepared(nil, isWinograd: nil), macs: macs, name: \.kernelName) { layer in
            runner(
                layer.scratchBytes, inputs: Float.self, outputs: Float.self, layer.outputHeight * layer.outputWidth * layer.outputChannels
            ) { layer.run(input: $0, residual: $1, output: &$2, scratch: &$3, rows: 0..<layer.outputHeight) }
        }
    }

    private func contest<Prepared>(
        _ layers: [Prepared], pick: Prepared, macs: Int, name: (Prepared) -> String, run: (Prepared) -> () -> Void
    ) -> KernelContest {
        var contestants = layers.map { KernelContest.Contestant(kernel: name($0), run: run($0)) }
        let position = contestants.firstIndex { $0.kernel == name(pick) } ?? contestants.count
        if position == contestants.count { contestants.append(.init(kernel: name(pick), run: run(pick))) }
        return KernelContest(layer: description, places: 1, macs: macs, contestants: contestants, pick: position)
    }

    /// What runs a prepared layer over memory of its own, filled with random numbers.
    private func runner<Input: RandomElement, Output: RandomElement>(
        _ scratchBytes: Int, inputs _: Input.Type, outputs _: Output.Type, _ count: Int,
        _ body: @escaping (Span<Input>, Span<Input>?, inout MutableSpan<Output>, inout MutableSpan<UInt8>) -> Void
    ) -> () -> Void {
        var random = SystemRandomNumberGenerator()
        let input = (0..<shape.input.elementCount).map { _ in Input.random(using: &random) }
        let residual = shape.hasResidual ? (0..<count).map { _ in Input.random(using: &random) } : nil
        var output = [Output](repeating: .random(using: &random), count: count)
        var scratch = [UInt8](repeating: 0, count: scratchBytes)
        return {
            var target = output.mutableSpan
            var area = scratch.mutableSpan
            if let residual {
                body(input.span, residual.span, &target, &area)
            } else {
                body(input.span, nil, &target, &area)
            }
        }
    }

    private var description: String {
        let window = shape.convolution.window
        let isDepthwise = shape.convolution.groups == shape.input[1] && shape.outputChannels == shape.input[1]
        var text = "\(window.size[0])×\(window.size[1])"
        if window.strides != [1, 1] { text += " /\(byAxis(window.strides))" }
        if window.dilations != [1, 1] { text += " dilated \(byAxis(window.dilations))" }
        text += isDepthwise ? " depthwise \(shape.outputChannels)" : " \(shape.input[1]) → \(shape.outputChannels)"
        if shape.convolution.groups > 1, !isDepthwise { text += " in \(shape.convolution.groups) groups" }
        text += " of \(shape.input[2])×\(shape.input[3])"
        let usual = window.size.indices.map { (window.extent(axis: $0) - 1) / 2 }
        if window.padsBefore != usual || window.padsAfter != usual {
            text += window.padsBefore == window.padsAfter
                ? " padded \(byAxis(window.padsBefore))" : " padded \(byAxis(window.padsBefore)) and \(byAxis(window.padsAfter))"
        }
        if shape.hasResidual { text += " + residual" }
        if shape.convolution.activation != .none { text += " + \(shape.convolution.activation)" }
        if shape.isQuantized, shape.isFloatOutput { text += " to float32" }
        return text
    }

    /// One number where they are the same.
    private func byAxis(_ numbers: [Int]) -> String {
        Set(numbers).count == 1 ? "\(numbers[0])" : numbers.map(String.init).joined(separator: "×")
    }
}

/// What the inputs of a kernel are made of.
private protocol RandomElement: BitwiseCopyable {
    static func random(using random: inout SystemRandomNumberGenerator) -> Self
}

extension UInt8: RandomElement {
    fileprivate static func random(using random: inout SystemRandomNumberGenerator) -> UInt8 { .random(in: 0...255, using: &random) }
}

extension Float: RandomElement {
    fileprivate static func random(using random: inout SystemRandomNumberGenerator) -> Float { .random(in: -1...1, using: &random) }
}
