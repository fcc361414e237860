// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

/// Why a network can't be compiled.
package struct CompilationError: Error, Hashable, Sendable, CustomStringConvertible {
    package var subject: String
    package var cause: String

    package init(_ subject: String, _ cause: String) {
        self.subject = subject
        self.cause = cause
    }

    package var description: String { "can't compile \(subject): \(cause)" }
}

extension Graph {
    /// The quantised form of a float32 graph that ``optimized(for:)`` prepared for it.
    ///
    /// - Parameters:
    ///   - statistics: of every value that is computed, from calibration.
    ///   - given: quantisations of values that are known beforehand, such as that of an image.
    ///   - joinsConcatenations: all that is concatenated shares one quantisation: fast, but coarse where ranges differ.
    /// - Throws: ``CompilationError`` where statistics are missing, a number isn't finite or too large for int8, or the result is no valid graph.
    package func quantized(
        statistics: [ValueID: ValueStatistics], rule: RangeRule, given: [ValueID: Quantization] = [:], joinsConcatenations: Bool = true
    ) throws(CompilationError) -> Graph {
        try quantized(statistics: statistics, rule: rule, given: given, joinsConcatenations: joinsConcatenations, rounded: [:], kept: []).graph
    }

    /// As above.
    ///
    /// - Parameters:
    ///   - rounded: weights of layers, by output, that are rounded already; the others are rounded to 8 bits.
    ///   - kept: outputs of layers that stay float32.
    /// - Returns: besides, the outputs of the layers that stay float32 although they aren't among `kept`, because sums of theirs could leave 32 bits.
    func quantized(
        statistics: [ValueID: ValueStatistics], rule: RangeRule, given: [ValueID: Quantization], joinsConcatenations: Bool,
        rounded: [ValueID: RoundedWeights], kept: Set<ValueID>
    ) throws(CompilationError) -> (graph: Graph, wide: Set<ValueID>) {
        try checkNumbers()
        var wide: Set<ValueID> = []
        while true {
            let plan = QuantizationPlan(self, joinsConcatenations: joinsConcatenations, kept: kept.union(wide))
            var emitter = QuantizedEmitter(self, plan: plan, statistics: statistics, rule: rule, given: given, rounded: rounded)
            let result = try emitter.run()
            guard emitter.wide.isEmpty else {
                wide.formUnion(emitter.wide)
                continue
            }
            do {
                try result.check()
            } catch {
                throw CompilationError("network '\(name)' to int8", error.description)
            }
            return (result, wide)
        }
    }
}

/// Writes the quantised graph, node by node.
private struct QuantizedEmitter {
    private let source: Graph
    private let plan: QuantizationPlan
    private let parameters: QuantizationParameters
    private let statistics: [ValueID: ValueStatistics]
    private let rounded: [ValueID: RoundedWeights]
    private var target: Graph
    /// Where each value of the source is in the target, as real numbers and quantised.
    private var real: [ValueID: ValueID] = [:]
    private var quantized: [ValueID: ValueID] = [:]
    /// Outputs of layers whose sums could leave 32 bits: what they are in isn't a valid graph.
    private(set) var wide: Set<ValueID> = []

    init(
        _ source: Graph, plan: QuantizationPlan, statistics: [ValueID: ValueStatistics], rule: RangeRule, given: [ValueID: Quantization],
        rounded: [ValueID: RoundedWeights]
    ) {
        self.source = source
        self.plan = plan
        self.statistics = statistics
        self.rounded = rounded
        parameters = QuantizationParameters(source, plan: plan, statistics: statistics, rule: rule, given: given)
        target = Graph(name: source.name)
    }

    mutating func run() throws(CompilationError) -> Graph {
        for id in source.inputs {
            let copy = target.add(source[id])
            target[copy].quantization = nil
            target.inputs.append(copy)
            real[id] = copy
        }
        for (index, node) in source.nodes.enumerated() {
            if plan.isQuantized[index] { try emitQuantized(node) } else { try emitReal(node) }
        }
        for id in source.outputs { try target.outputs.append(realID(id)) }
        return target.withoutDeadCode()
    }

    private mutating func emitReal(_ node: Node) throws(CompilationError) {
        var inputs: [ValueID?] = []
        for input in node.inputs {
            if let input { try inputs.append(realID(input)) } else { inputs.append(nil) }
        }
        let outputs = node.outputs.map { addReal($0) }
        target.nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, outputs: outputs))
        for (id, exact) in zip(node.outputs, outputs) where source[id].quantization != nil {
            // Readers of real numbers get the rounded and limited ones, too.
            target[exact].name += ".unrounded"
            _ = try quantizedID(id)
            real[id] = nil
        }
    }

    private mutating func emitQuantized(_ node: Node) throws(CompilationError) {
        switch node.operation {
        case .convolution, .gemm: try emitProduct(node)
        default:
            var inputs: [ValueID?] = []
            let activations = Set(node.activationInputs)
            for input in node.inputs {
                guard let input else {
                    inputs.append(nil)
                    continue
                }
                try inputs.append(activations.contains(input) ? quantizedID(input) : realID(input))
            }
            let scale = node.operation.keepsQuantization ? inputs[0].flatMap { target[$0].quantization } : nil
            var outputs: [ValueID] = []
            var conversions: [Node] = []
            for output in node.outputs {
                let wanted = try addQuantized(output)
                guard let scale, target[wanted].quantization != scale else {
                    outputs.append(wanted)
                    continue
                }
                // A quantised model gave the result another scale than what it is made from.
                let unconverted = target.add(
                    Value(name: "\(source[output].name).unconverted", type: .uint8, shape: source[output].shape, quantization: scale))
                outputs.append(unconverted)
                conversions.append(
                    Node(name: "\(node.name).convert", operation: .activation(.none), inputs: [unconverted], outputs: [wanted]))
            }
            target.nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, outputs: outputs))
            target.nodes += conversions
        }
    }

    private mutating func emitProduct(_ node: Node) throws(CompilationError) {
        guard let x = node.input(0), let w = node.input(1), let product = FoldableProduct(node, in: source) else {
            throw CompilationError("node '\(node.name)'", "its weights aren't constant")
        }
        let input = try quantizedID(x)
        let inputScale = target[input].quantization?.scale ?? 1
        let narrow = rounded[node.outputs[0]].flatMap { WeightQuantization($0, bias: product.bias, inputScale: inputScale) }
        guard
            let weights = narrow
                ?? WeightQuantization(
                    weights: product.weights, bias: product.bias, inputScale: inputScale, given: source.givenScales(w, channels: product.outputChannels),
                    inputMeans: product.inputMeans(statistics[x]))
        else {
            throw CompilationError("node '\(node.name)' to int8", "its weights or biases hold a number that isn't finite, or too large")
        }
        if !weights.sumsFit32Bits { wide.insert(node.outputs[0]) }
        let weightsID = target.add(
            Value(
                name: source[w].name, constant: Tensor(shape: source[w].shape, weights.weights),
                quantization: Quantization(channelScales: weights.scales)))
        var inputs: [ValueID?] = [input, weightsID, nil]
        if weights.bias.contains(where: { $0 != 0 }) {
            inputs[2] = target.add(
                Value(
                    name: node.input(2).map { source[$0].name } ?? "\(node.name).bias", constant: Tensor(shape: [weights.bias.count], weights.bias),
                    quantization: Quantization(channelScales: weights.scales.map { biasScale(inputScale, $0) })))
        }
        let output = node.outputs[0]
        guard !plan.takesQuantizedForm(output) else {
            if let residual = node.input(3) { try inputs.append(quantizedID(residual)) }
            try target.nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, outputs: [addQuantized(output)]))
            return
        }
        guard let residual = node.input(3) else {
            target.nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, outputs: [addReal(output)]))
            return
        }
        // A float32 result takes no residual in: the sum follows in float32.
        let sum = target.add(Value(name: "\(source[output].name).product", type: .float32, shape: source[output].shape))
        var operation = node.operation
        operation.fusedActivation = Activation.none
        target.nodes.append(Node(name: node.name, operation: operation, inputs: inputs, outputs: [sum]))
        try target.nodes.append(
            Node(
                name: "\(node.name).sum", operation: .binary(.add, activation: product.activation), inputs: [sum, realID(residual)],
                outputs: [addReal(output)]))
    }

    private func biasScale(_ input: Float, _ weight: Float) -> Float { max(input * weight, .leastNormalMagnitude) }

    private mutating func addReal(_ id: ValueID) -> ValueID {
        var value = source[id]
        value.quantization = nil
        let copy = target.add(value)
        real[id] = copy
        return copy
    }

    private mutating func addQuantized(_ id: ValueID) throws(CompilationError) -> ValueID {
        let value = source[id]
        let copy = try target.add(
            Value(
                name: plan.isOutput(id) ? "\(value.name).quantized" : value.name, type: .uint8, shape: value.shape,
                quantization: parameters.quantization(of: id)))
        quantized[id] = copy
        return copy
    }

    /// The value as real numbers, dequantised if need be.
    private mutating func realID(_ id: ValueID) throws(CompilationError) -> ValueID {
        if let present = real[id] { return present }
        if source[id].constant != nil { return addReal(id) }
        guard let bytes = quantized[id] else { throw CompilationError("value '\(source[id].name)'", "it is used before it is computed") }
        let copy = target.add(
            Value(name: plan.isOutput(id) ? source[id].name : "\(source[id].name).real", type: .float32, shape: source[id].shape))
        target.nodes.append(
            Node(name: "\(source[id].name).dequantize", operation: .dequantize(axis: 0, blockSize: 0), inputs: [bytes], outputs: [copy]))
        real[id] = copy
        return copy
    }

    /// The value quantised.
    private mutating func quantizedID(_ id: ValueID) throws(CompilationError) -> ValueID {
        if let present = quantized[id] { return present }
        let value = source[id]
        let quantization = try parameters.quantization(of: id)
        if let constant = value.constant {
            let bytes = Tensor(shape: value.shape, constant.floats.map(quantization.quantize))
            let copy = target.add(Value(name: value.name, constant: bytes, quantization: quantization))
            quantized[id] = copy
            return copy
        }
        let present = try realID(id)
        let copy = target.add(Value(name: "\(value.name).quantized", type: .uint8, shape: value.shape, quantization: quantization))
        target.nodes.append(
            Node(name: "\(value.name).quantize", operation: .quantize(axis: 0, blockSize: 0), inputs: [present], outputs: [copy]))
        quantized[id] = copy
        return copy
    }
}

extension Graph {
    /// The scales that a quantised model brought for its weights.
    func givenScales(_ id: ValueID, channels: Int) -> [Float]? {
        guard let quantization = self[id].quantization, quantization.zeroPoints.allSatisfy({ $0 == 0 }) else { return nil }
        if quantization.axis == 0, quantization.scales.count == channels { return quantization.scales }
        return quantization.axis == nil ? Array(repeating: quantization.scale, count: channels) : nil
    }
}

extension FoldableProduct {
    /// The mean of what each weight is multiplied with, padding left aside, where the input's statistics tell.
    func inputMeans(_ statistics: ValueStatistics?) -> [Float]? {
        guard let means = statistics?.channelMeans, means.count == inputChannels, means.allSatisfy(\.isFinite) else { return nil }
        return weights.indices.map { means[channels(ofWeight: $0).input] }
    }
}
