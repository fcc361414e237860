// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Batch normalisations and arithmetic with constants, one factor and one addend a channel, move into the weights of the convolution or
    /// product before them, or else of the one behind them; into the one behind only where no padding would be changed by it.
    package func foldingAffines() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            guard let affine = ChannelAffine(graph.nodes[index], in: graph) else { return false }
            return graph.foldBackward(affine, at: index, uses: uses) || graph.foldForward(affine, at: index, uses: uses)
        }
        return graph.withoutDeadCode()
    }

    /// Batch normalisations and arithmetic with constants that are left over, on images, become depthwise 1 × 1 convolutions.
    package func loweringAffines() -> Graph {
        var graph = self
        graph.rewrite { graph, _, index in
            let node = graph.nodes[index]
            guard let affine = ChannelAffine(node, in: graph), graph[affine.source].shape.count == 4 else { return false }
            let channels = affine.scale.count
            let weights = graph.addConstant("\(node.name).scale", shape: [channels, 1, 1, 1], affine.scale.map(Float.init))
            let bias = graph.addConstant("\(node.name).shift", shape: [channels], affine.shift.map(Float.init))
            let convolution = Convolution(window: Window(size: [1, 1]), groups: channels, activation: affine.activation)
            graph.nodes[index].operation = .convolution(convolution)
            graph.nodes[index].inputs = [affine.source, weights, bias]
            return true
        }
        return graph.withoutDeadCode()
    }

    private mutating func foldBackward(_ affine: ChannelAffine, at index: Int, uses: Uses) -> Bool {
        guard uses.isRead(affine.source, onlyBy: index), !saturatesAtZero(affine.source), let producer = uses.producer(of: affine.source),
            let product = FoldableProduct(nodes[producer], in: self), product.activation == .none, !product.hasResidual,
            product.outputChannels == affine.scale.count
        else { return false }
        let rowLength = product.weights.count / max(product.outputChannels, 1)
        let weights = product.weights.indices.map { Float(Double(product.weights[$0]) * affine.scale[$0 / rowLength]) }
        let bias = product.bias.indices.map { Float(Double(product.bias[$0]) * affine.scale[$0] + affine.shift[$0]) }
        replaceConstants(of: producer, weights: weights, bias: bias)
        nodes[producer].operation.fusedActivation = affine.activation
        nodes[producer].outputs = nodes[index].outputs
        nodes.remove(at: index)
        return true
    }

    private mutating func foldForward(_ affine: ChannelAffine, at index: Int, uses: Uses) -> Bool {
        let result = nodes[index].outputs[0]
        guard affine.activation == .none, !saturatesAtZero(result), let reader = uses.readers(of: result).first, uses.isRead(result, onlyBy: reader),
            let product = FoldableProduct(nodes[reader], in: self), nodes[reader].input(0) == result,
            product.inputChannels == affine.scale.count, !product.pads || affine.shift.allSatisfy({ $0 == 0 })
        else { return false }
        var weights = product.weights
        var bias = product.bias.map(Double.init)
        for position in weights.indices {
            let (output, input) = product.channels(ofWeight: position)
            let weight = Double(weights[position])
            weights[position] = Float(weight * affine.scale[input])
            bias[output] += weight * affine.shift[input]
        }
        replaceConstants(of: reader, weights: weights, bias: bias.map(Float.init))
        nodes[reader].inputs[0] = affine.source
        nodes.remove(at: index)
        return true
    }

    private mutating func replaceConstants(of index: Int, weights: [Float], bias: [Float]) {
        guard let old = nodes[index].input(1) else { return }
        nodes[index].inputs[1] = addConstant(self[old].name, shape: self[old].shape, weights)
        let name = nodes[index].input(2).map { self[$0].name } ?? "\(nodes[index].name).bias"
        let id = addConstant(name, shape: [bias.count], bias)
        if nodes[index].inputs.count > 2 { nodes[index].inputs[2] = id } else { nodes[index].inputs.append(id) }
    }
}

/// A convolution, or a product in normal form, with constant float32 weights `[o, …]` and bias `[o]`.
struct FoldableProduct {
    var weights: [Float]
    /// Zeros where the node has none.
    var bias: [Float]
    var activation: Activation
    var hasResidual = false
    var pads = false
    var outputChannels: Int
    var inputChannels: Int
    private var groups = 1
    /// Elements of one kernel: 1 in a product.
    private var kernelSize = 1

    init?(_ node: Node, in graph: Graph) {
        guard let weights = graph.floats(node.input(1)), let id = node.input(1) else { return nil }
        let shape = graph[id].shape
        switch node.operation {
        case .convolution(let convolution):
            activation = convolution.activation
            groups = convolution.groups
            hasResidual = node.input(3) != nil
            pads = (convolution.window.padsBefore + convolution.window.padsAfter).contains { $0 != 0 }
            kernelSize = shape[2...].reduce(1, *)
        case .gemm(let gemm):
            guard gemm.isNormal else { return nil }
            activation = gemm.activation
        default: return nil
        }
        self.weights = weights
        outputChannels = shape[0]
        inputChannels = shape[1] * groups
        if let biasID = node.input(2) {
            guard let bias = graph.floats(biasID), graph[biasID].shape == [shape[0]] else { return nil }
            self.bias = bias
        } else {
            bias = Array(repeating: 0, count: shape[0])
        }
    }

    /// The channels that the weight at a position of the row-major tensor joins.
    func channels(ofWeight position: Int) -> (output: Int, input: Int) {
        let perGroup = inputChannels / groups
        let output = position / (perGroup * kernelSize)
        let inputInGroup = position / kernelSize % perGroup
        return (output, output / (outputChannels / groups) * perGroup + inputInGroup)
    }
}

extension Gemm {
    /// Whether it computes `activation(a · bᵀ + c)`.
    var isNormal: Bool { !transposesA && transposesB && alpha == 1 && beta == 1 }
}
