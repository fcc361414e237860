// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// A head with its weights, as a graph has them.
package struct TrainedHead: Sendable {
    package let design: HeadDesign
    /// `[o, i, 3, 3]` and `[o]` of each convolution.
    private var convolutions: [(weights: [Float], bias: [Float])] = []
    /// `[classes, channels · grid · grid]` and `[classes]`.
    private var product: (weights: [Float], bias: [Float])

    /// What a network has learnt from scaled features, for features as they are.
    ///
    /// - Parameter design: the network's, or the one of which that is the ``HeadDesign/averaged`` form.
    init(_ network: HeadNetwork, design: HeadDesign, scaling: ChannelScaling) {
        self.design = design
        func numbers(_ range: Range<Int>) -> [Float] { Array(network.parameters[range]) }
        let stages = design.stages
        for layer in design.convolutions.indices {
            let (from, to) = (stages[layer].channels, stages[layer + 1].channels)
            let ranges = network.parameters(ofLayer: layer)
            let learnt = numbers(ranges.weights)
            var weights = [Float](repeating: 0, count: learnt.count)
            for (position, weight) in learnt.enumerated() {
                // [o, 3 · 3, i] to [o, i, 3 · 3]
                let (output, place, input) = (position / (9 * from), position / from % 9, position % from)
                weights[(output * from + input) * 9 + place] = layer == 0 ? weight * scaling.scales[input] : weight
            }
            precondition(weights.count == to * from * 9)
            convolutions.append((weights, numbers(ranges.biases)))
        }
        let ranges = network.parameters(ofLayer: design.convolutions.count)
        let learnt = numbers(ranges.weights)
        product = (learnt, numbers(ranges.biases))
        let channels = stages[design.convolutions.count].channels
        let cells = design.grid * design.grid
        for (position, weight) in learnt.enumerated() {
            // [classes, cells, i] to [classes, i, cells]
            let (label, cell, input) = (position / design.pooled, position % design.pooled / channels, position % channels)
            var weight = weight
            if convolutions.isEmpty {
                weight *= scaling.scales[input]
                product.bias[label] -= weight * scaling.offsets[input]
            }
            product.weights[(label * channels + input) * cells + cell] = weight
        }
    }

    /// Adds the head to a graph.
    ///
    /// - Parameters:
    ///   - source: the value that the head reads.
    ///   - name: of its result, and what the names of its nodes begin with.
    ///   - endsInSoftmax: it gives probabilities, as the end does.
    /// - Returns: the result, `[1, classes]`.
    func add(to graph: inout Graph, reading source: ValueID, name: String, endsInSoftmax: Bool) -> ValueID {
        let stages = design.stages
        var value = source
        func shape(_ stage: HeadDesign.Stage) -> [Int] { [1, stage.channels, stage.height, stage.width] }
        for (layer, numbers) in convolutions.enumerated() {
            let own = "\(name)/convolution\(layer + 1)"
            let weights = graph.addConstant("\(own).weights", shape: [stages[layer + 1].channels, stages[layer].channels, 3, 3], numbers.weights)
            let bias = graph.addConstant("\(own).bias", shape: [numbers.bias.count], numbers.bias)
            let window = Window(size: [3, 3], strides: [2, 2], padsBefore: [1, 1], padsAfter: [1, 1])
            value = graph.add(
                .convolution(Convolution(window: window, activation: .relu)), name: own, inputs: [value, weights, bias],
                output: Value(name: "\(own)/output", type: .float32, shape: shape(stages[layer + 1])))
        }
        let last = stages[convolutions.count]
        let pooledShape = [1, last.channels, design.grid, design.grid]
        let pooling: Networks.Operation =
            design.grid == 1
            ? .mean(axes: [2, 3], keepsDimensions: true)
            : .pool(Pooling(kind: .average, window: Window(size: cell(of: last), strides: cell(of: last))))
        value = graph.add(pooling, name: "\(name)/pool", inputs: [value], output: Value(name: "\(name)/pool/output", type: .float32, shape: pooledShape))
        value = graph.add(
            .reshape, name: "\(name)/flatten", inputs: [value], output: Value(name: "\(name)/flatten/output", type: .float32, shape: [1, design.pooled]))
        let weights = graph.addConstant("\(name)/classes.weights", shape: [design.classes, design.pooled], product.weights)
        let bias = graph.addConstant("\(name)/classes.bias", shape: [design.classes], product.bias)
        value = graph.add(
            .gemm(Gemm(transposesB: true)), name: "\(name)/classes", inputs: [value, weights, bias],
            output: Value(name: endsInSoftmax ? "\(name)/logits" : name, type: .float32, shape: [1, design.classes]))
        guard endsInSoftmax else { return value }
        return graph.add(
            .softmax(axis: 1), name: "\(name)/softmax", inputs: [value], output: Value(name: name, type: .float32, shape: [1, design.classes]))
    }

    private func cell(of stage: HeadDesign.Stage) -> [Int] { [stage.height / design.grid, stage.width / design.grid] }
}
