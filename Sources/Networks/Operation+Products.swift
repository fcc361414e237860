// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension OperationInputs {
    /// The result's type of a convolution or product of inputs `x`, `weights`, `bias?`, `residual?`:
    /// one type throughout, or the quantised form.
    func productType(activation: Activation, allowsIntegers: Bool = false) throws(GraphError) -> ElementType {
        let x = try required(0, "x")
        let weights = try required(1, "weights")
        if isQuantized {
            try weights.expectQuantizedWeights("weights")
            try optional(2)?.expect("bias", type: .int32)
            try optional(3)?.expectQuantizedActivation("residual")
            guard activation.isClamp else { throw GraphError(.parameter, "a quantised product fuses only relu and clip") }
            return quantizedResultType
        }
        if allowsIntegers, activation == .none { try x.expectNumeric("x") } else { try x.expectFloatingPoint("x") }
        for (name, other) in [("input 1", weights), ("input 2", optional(2)), ("input 3", optional(3))] {
            try other?.expect(name, type: x.type)
        }
        return x.type
    }
}

extension Gemm {
    func output(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["a", "b", "c"], required: 2)
        let a = try inputs.required(0, "a")
        let b = try inputs.required(1, "b")
        guard a.shape.count == 2, b.shape.count == 2 else {
            throw GraphError(.shape, "expected two matrices, found \(a.shape) and \(b.shape)")
        }
        let (m, k) = transposesA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
        let (otherK, n) = transposesB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        guard k == otherK else { throw GraphError(.shape, "matrices \(a.shape) and \(b.shape) don't fit: \(k) against \(otherK)") }
        if let c = inputs.optional(2), !c.shape.broadcasts(to: [m, n]) {
            throw GraphError(.shape, "c \(c.shape) doesn't broadcast to \([m, n])")
        }
        if inputs.isQuantized {
            guard transposesB, !transposesA, alpha == 1, beta == 1 else {
                throw GraphError(.parameter, "a quantised product has transposed weights [n, k] and alpha = beta = 1")
            }
            try inputs.optional(2)?.expect("c", shape: [n])
        }
        let isPlain = alpha == 1 && beta == 1
        return TensorType(try inputs.productType(activation: activation, allowsIntegers: isPlain), [m, n])
    }
}

extension Operation {
    /// numpy's rule: a vector is a row on the left and a column on the right, and its added axis disappears from the result.
    static func matMulOutput(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["a", "b"], required: 2)
        let a = try inputs.required(0, "a")
        let b = try inputs.required(1, "b")
        try a.expectNumeric("a")
        try b.expect("b", type: a.type)
        guard let columns = a.shape.last, !b.shape.isEmpty else { throw GraphError(.shape, "expected vectors or matrices, found a scalar") }
        let rows = b.shape.count == 1 ? b.shape[0] : b.shape[b.shape.count - 2]
        guard columns == rows, let batch = a.shape.dropLast(2).map(\.self).broadcast(with: b.shape.dropLast(2).map(\.self)) else {
            throw GraphError(.shape, "matrices \(a.shape) and \(b.shape) don't fit")
        }
        let m = a.shape.count == 1 ? [] : [a.shape[a.shape.count - 2]]
        let n = b.shape.count == 1 ? [] : [b.shape[b.shape.count - 1]]
        return TensorType(a.type, batch + m + n)
    }
}

extension Activation {
    /// Whether the activation limits its argument to a range and does nothing else.
    package var isClamp: Bool {
        switch self {
        case .none, .relu, .clip: true
        case .leakyRelu, .sigmoid, .hardSigmoid, .hardSwish, .silu: false
        }
    }
}
