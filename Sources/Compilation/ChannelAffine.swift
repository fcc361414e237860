// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// `y = scale[c] · x + shift[c]` along axis 1, then an activation: what batch normalisation and arithmetic with constants amount to.
struct ChannelAffine {
    var source: ValueID
    var scale: [Double]
    var shift: [Double]
    var activation: Activation

    /// The affine map that a node of `graph` computes; `nil` where it computes something else.
    init?(_ node: Node, in graph: Graph) {
        guard node.outputs.count == 1, graph[node.outputs[0]].type == .float32, graph[node.outputs[0]].shape.count >= 2 else { return nil }
        switch node.operation {
        case .batchNormalization(let epsilon):
            self.init(normalization: node, epsilon: epsilon, in: graph)
        case .binary(let binary, let activation):
            guard let a = node.input(0), let b = node.input(1) else { return nil }
            if graph[a].constant != nil {
                self.init(binary, source: b, constant: a, constantIsFirst: true, activation: activation, node: node, in: graph)
            } else {
                self.init(binary, source: a, constant: b, constantIsFirst: false, activation: activation, node: node, in: graph)
            }
        default: return nil
        }
    }

    private init?(normalization node: Node, epsilon: Float, in graph: Graph) {
        guard let source = node.input(0), let gamma = graph.floats(node.input(1)), let beta = graph.floats(node.input(2)),
            let mean = graph.floats(node.input(3)), let variance = graph.floats(node.input(4))
        else { return nil }
        self.source = source
        scale = zip(gamma, variance).map { Double($0) / (Double($1) + Double(epsilon)).squareRoot() }
        shift = zip(zip(beta, mean), scale).map { Double($0.0) - Double($0.1) * $1 }
        activation = .none
    }

    private init?(
        _ binary: Binary, source: ValueID, constant: ValueID, constantIsFirst: Bool, activation: Activation, node: Node, in graph: Graph
    ) {
        let shape = graph[source].shape
        guard graph[source].constant == nil, graph[source].type == .float32, shape == graph[node.outputs[0]].shape,
            let channels = Self.channels(of: constant, shape: shape, in: graph)
        else { return nil }
        self.source = source
        self.activation = activation
        let ones = channels.map { _ in 1.0 }
        switch (binary, constantIsFirst) {
        case (.add, _): (scale, shift) = (ones, channels)
        case (.subtract, false): (scale, shift) = (ones, channels.map { -$0 })
        case (.subtract, true): (scale, shift) = (ones.map { -$0 }, channels)
        case (.multiply, _): (scale, shift) = (channels, ones.map { _ in 0 })
        case (.divide, false):
            guard channels.allSatisfy({ $0 != 0 }) else { return nil }
            (scale, shift) = (channels.map { 1 / $0 }, ones.map { _ in 0 })
        case (.divide, true): return nil
        }
    }

    /// The elements of a constant that is broadcast to `shape` along every axis but 1: one a channel.
    private static func channels(of id: ValueID, shape: [Int], in graph: Graph) -> [Double]? {
        guard let elements = graph.floats(id), let first = elements.first else { return nil }
        if elements.count == 1 { return Array(repeating: Double(first), count: shape[1]) }
        let constant = graph[id].shape
        guard constant.count <= shape.count else { return nil }
        let aligned = Array(repeating: 1, count: shape.count - constant.count) + constant
        guard aligned.indices.allSatisfy({ aligned[$0] == ($0 == 1 ? shape[1] : 1) }) else { return nil }
        return elements.map(Double.init)
    }
}
