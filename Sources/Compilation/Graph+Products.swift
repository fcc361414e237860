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

    /// A product of a flattened image becomes a convolution with a window of the image's size: the image needs no rearrangement.
    package func convolvingFlattenedProducts() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            let node = graph.nodes[index]
            guard case .gemm(let gemm) = node.operation, gemm.isNormal, let flat = node.input(0), uses.isRead(flat, onlyBy: index),
                let producer = uses.producer(of: flat), graph.nodes[producer].operation == .reshape,
                let image = graph.nodes[producer].input(0), let weights = node.input(1), let elements = graph.floats(weights),
                node.input(2) == nil || graph.floats(node.input(2)) != nil
            else { return false }
            let shape = graph[image].shape
            guard shape.count == 4, shape[0] == graph[flat].shape[0], shape[2] * shape[3] > 1 else { return false }
            let outputs = graph[weights].shape[0]
            guard node.input(2).map({ graph[$0].shape == [outputs] }) ?? true else { return false }
            let kernel = graph.addConstant(
                graph[weights].name, shape: [outputs] + shape[1...], elements, quantization: graph[weights].quantization)
            let result = graph[node.outputs[0]]
            let pixel = graph.add(
                Value(name: "\(result.name).pixel", type: .float32, shape: [shape[0], outputs, 1, 1], quantization: result.quantization))
            let convolution = Convolution(window: Window(size: Array(shape[2...])), activation: gemm.activation)
            graph.nodes[index] = Node(
                name: node.name, operation: .convolution(convolution), inputs: [image, kernel, node.input(2)], outputs: [pixel])
            graph.nodes.insert(
                Node(name: "\(node.name).flatten", operation: .reshape, inputs: [pixel], outputs: node.outputs), at: index + 1)
            return true
        }
        return graph.withoutDeadCode()
    }
}
