// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Matrix products with constant weights become ``Operation/gemm(_:)`` in one form: weights `[n, k]`, transposed, `alpha = beta = 1`,
    /// `c` of shape `[n]`.
    package func normalizingProducts() -> Graph {
        var graph = self
        graph.rewrite { graph, _, index in
            graph.replaceMatMul(at: index) || graph.normalizeGemm(at: index) || graph.normalizeAddend(at: index)
        }
        return graph.withoutDeadCode()
    }

    private mutating func replaceMatMul(at index: Int) -> Bool {
        let node = nodes[index]
        guard node.operation == .matMul, let a = node.input(0), let b = node.input(1), self[a].shape.count == 2, self[b].shape.count == 2,
            self[a].type == .float32, self[b].constant != nil
        else { return false }
        nodes[index].operation = .gemm(Gemm())
        return true
    }

    private mutating func normalizeGemm(at index: Int) -> Bool {
        let node = nodes[index]
        guard case .gemm(var gemm) = node.operation, !gemm.isNormal, !gemm.transposesA, let b = node.input(1), let weights = floats(b),
            node.input(2) == nil || gemm.beta == 1 || floats(node.input(2)) != nil
        else { return false }
        let (rows, columns) = (self[b].shape[0], self[b].shape[1])
        let scaled = gemm.alpha == 1 ? weights : weights.map { $0 * gemm.alpha }
        var quantization = gemm.alpha == 1 ? self[b].quantization : nil
        if gemm.transposesB {
            nodes[index].inputs[1] = addConstant(self[b].name, shape: [rows, columns], scaled, quantization: quantization)
        } else {
            if let axis = quantization?.axis { quantization?.axis = 1 - axis }
            let transposed = (0..<weights.count).map { scaled[$0 % rows * columns + $0 / rows] }
            nodes[index].inputs[1] = addConstant(self[b].name, shape: [columns, rows], transposed, quantization: quantization)
        }
        if let c = node.input(2), gemm.beta != 1, let addend = floats(c) {
            nodes[index].inputs[2] = addConstant(self[c].name, shape: self[c].shape, addend.map { $0 * gemm.beta })
        }
        gemm.alpha = 1
        gemm.beta = 1
        gemm.transposesB = true
        nodes[index].operation = .gemm(gemm)
        return true
    }

    /// A constant `c` that is the same for all rows gets the shape `[n]`.
    private mutating func normalizeAddend(at index: Int) -> Bool {
        let node = nodes[index]
        guard case .gemm(let gemm) = node.operation, gemm.isNormal, let c = node.input(2), let addend = floats(c) else { return false }
        let n = self[node.outputs[0]].shape[1]
        let shape = self[c].shape
        guard shape != [n], addend.count == 1 || (addend.count == n && shape.last == n) else { return false }
        let row = addend.count == n ? addend : Array(repeating: addend[0], count: n)
        nodes[index].inputs[2] = addConstant(self[c].name, shape: [n], row)
        return true
    }
}
