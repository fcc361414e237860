// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Activations that are written as several nodes become one node each: clip with constant limits, a PReLU with one slope,
    /// `x · sigmoid(x)`, `x · hardSigmoid(x)`, `clip(x + 3, 0, 6) / 6` and `x · clip(x + 3, 0, 6) / 6`.
    package func recognizingActivations() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            let node = graph.nodes[index]
            guard node.outputs.count == 1, graph[node.outputs[0]].type == .float32,
                let (source, activation) = graph.recognized(node, uses: uses), node.operation != .activation(activation)
            else { return false }
            graph.nodes[index].operation = .activation(activation)
            graph.nodes[index].inputs = [source]
            return true
        }
        return graph.withoutDeadCode()
    }

    /// What the node, with the nodes before it, computes of which value.
    private func recognized(_ node: Node, uses: Uses) -> (source: ValueID, activation: Activation)? {
        switch node.operation {
        case .clip: recognizedClip(node)
        case .activation(.clip(low: 0, high: .infinity)): node.input(0).map { ($0, .relu) }
        case .prelu:
            if let x = node.input(0), let slopes = floats(node.input(1)), let slope = slopes.first, slopes.allSatisfy({ $0 == slope }) {
                (x, .leakyRelu(slope: slope))
            } else {
                nil
            }
        case .binary(.multiply, .none): recognizedGate(node, uses: uses) ?? recognizedScaling(node, uses: uses)
        case .binary(.divide, .none): recognizedScaling(node, uses: uses)
        default: nil
        }
    }

    private func recognizedClip(_ node: Node) -> (ValueID, Activation)? {
        guard let x = node.input(0) else { return nil }
        let low = node.input(1) == nil ? -Float.infinity : scalar(node.input(1))
        let high = node.input(2) == nil ? Float.infinity : scalar(node.input(2))
        guard let low, let high, !low.isNaN, !high.isNaN else { return nil }
        // Where the limits cross, ONNX lets the upper one win.
        return (x, low == 0 && high == .infinity ? .relu : .clip(low: min(low, high), high: high))
    }

    /// `x · f(x)`
    private func recognizedGate(_ node: Node, uses: Uses) -> (ValueID, Activation)? {
        for (x, gate) in [(node.input(0), node.input(1)), (node.input(1), node.input(0))] {
            guard let x, let producer = uses.producer(of: gate), case .activation(let function) = nodes[producer].operation,
                nodes[producer].input(0) == x
            else { continue }
            if function == .sigmoid { return (x, .silu) }
            if case .hardSigmoid(let alpha, let beta) = function, Self.isSixth(alpha), beta == 0.5 { return (x, .hardSwish) }
        }
        return nil
    }

    /// `t / 6` or `t · (1/6)` with `t = clip(x + 3, 0, 6)` or `t = x · clip(x + 3, 0, 6)`.
    private func recognizedScaling(_ node: Node, uses: Uses) -> (ValueID, Activation)? {
        let scaled: ValueID?
        switch node.operation {
        case .binary(.divide, _): scaled = scalar(node.input(1)) == 6 ? node.input(0) : nil
        default:
            if scalar(node.input(1)).map(Self.isSixth) == true {
                scaled = node.input(0)
            } else {
                scaled = scalar(node.input(0)).map(Self.isSixth) == true ? node.input(1) : nil
            }
        }
        guard let scaled, self[scaled].shape == self[node.outputs[0]].shape else { return nil }
        if let x = shiftedClip(scaled, uses: uses) { return (x, .hardSigmoid(alpha: 1 / 6, beta: 0.5)) }
        guard let product = uses.producer(of: scaled), nodes[product].operation == .binary(.multiply, activation: .none) else { return nil }
        let (a, b) = (nodes[product].input(0), nodes[product].input(1))
        if let a, shiftedClip(b, uses: uses) == a { return (a, .hardSwish) }
        if let b, shiftedClip(a, uses: uses) == b { return (b, .hardSwish) }
        return nil
    }

    /// The x of `clip(x + 3, 0, 6)`.
    private func shiftedClip(_ id: ValueID?, uses: Uses) -> ValueID? {
        guard let clip = uses.producer(of: id), nodes[clip].operation == .activation(.clip(low: 0, high: 6)),
            let sum = uses.producer(of: nodes[clip].input(0)), nodes[sum].operation == .binary(.add, activation: .none)
        else { return nil }
        let shape = self[nodes[sum].outputs[0]].shape
        for (x, shift) in [(nodes[sum].input(0), nodes[sum].input(1)), (nodes[sum].input(1), nodes[sum].input(0))] {
            if let x, scalar(shift) == 3, self[x].shape == shape { return x }
        }
        return nil
    }

    private static func isSixth(_ value: Float) -> Bool { abs(value - 1 / 6) < 1e-6 }

    /// Activations move into the convolution, product or binary operation that they follow.
    ///
    /// - Parameter fuses: which of them may.
    package func fusingActivations(where fuses: (Activation) -> Bool = { _ in true }) -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            let node = graph.nodes[index]
            guard case .activation(let activation) = node.operation, fuses(activation), let source = node.input(0),
                graph[source].type == .float32, uses.isRead(source, onlyBy: index), let producer = uses.producer(of: source),
                let first = graph.nodes[producer].operation.fusedActivation, let both = first.followed(by: activation)
            else { return false }
            graph.nodes[producer].operation.fusedActivation = both
            graph.nodes[producer].outputs = node.outputs
            graph.nodes.remove(at: index)
            return true
        }
        return graph.withoutDeadCode()
    }
}

extension Graph {
    /// Activations that products and sums apply to their results become nodes of their own: the contrary of ``fusingActivations(_:)``.
    func separatingActivations(_ separates: (Activation) -> Bool) -> Graph {
        var graph = self
        graph.nodes = []
        for var node in nodes {
            guard let activation = node.operation.fusedActivation, separates(activation) else {
                graph.nodes.append(node)
                continue
            }
            let result = node.outputs[0]
            let sum = graph.add(Value(name: "\(self[result].name).linear", type: self[result].type, shape: self[result].shape))
            node.operation.fusedActivation = Activation.none
            node.outputs = [sum]
            graph.nodes.append(node)
            graph.nodes.append(Node(name: "\(node.name).activation", operation: .activation(activation), inputs: [sum], outputs: [result]))
        }
        return graph
    }
}

extension Operation {
    /// The activation that the operation applies to its result; `nil` for operations that can't.
    var fusedActivation: Activation? {
        get {
            switch self {
            case .convolution(let convolution): convolution.activation
            case .gemm(let gemm): gemm.activation
            case .binary(_, let activation): activation
            default: nil
            }
        }
        set {
            guard let newValue else { return }
            switch self {
            case .convolution(var convolution):
                convolution.activation = newValue
                self = .convolution(convolution)
            case .gemm(var gemm):
                gemm.activation = newValue
                self = .gemm(gemm)
            case .binary(let binary, _): self = .binary(binary, activation: newValue)
            default: break
            }
        }
    }
}

extension Activation {
    /// One activation that does what this one and then `second` do; `nil` where there is none.
    func followed(by second: Activation) -> Activation? {
        if self == .none { return second }
        if second == .none { return self }
        guard let (low, high) = limits, let (nextLow, nextHigh) = second.limits, low <= high, nextLow <= nextHigh else { return nil }
        let result = (low: min(max(low, nextLow), nextHigh), high: min(max(high, nextLow), nextHigh))
        return result.low == 0 && result.high == .infinity ? .relu : .clip(low: result.low, high: result.high)
    }

    /// The limits of an activation that only limits.
    var limits: (low: Float, high: Float)? {
        switch self {
        case .none: (-.infinity, .infinity)
        case .relu: (0, .infinity)
        case .clip(let low, let high): (low, high)
        case .leakyRelu, .sigmoid, .hardSigmoid, .hardSwish, .silu: nil
        }
    }

    /// Whether no result is below 0.
    var isNonnegative: Bool {
        switch self {
        case .relu, .sigmoid, .hardSigmoid: true
        case .clip(let low, _): low >= 0
        case .none, .leakyRelu, .hardSwish, .silu: false
        }
    }
}
