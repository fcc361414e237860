// SPDX-License-Identifier: Apache-2.0
internal import Networks

extension Importer {
    static func readGemm(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let gemm = Gemm(
            alpha: try node.float("alpha") ?? 1, beta: try node.float("beta") ?? 1,
            transposesA: try node.flag("transA"), transposesB: try node.flag("transB"))
        try importer.apply(.gemm(gemm), as: node, inputs: importer.inputs(of: node, atMost: 3))
    }

    /// A product of two matrices becomes the same operation as a dense layer.
    static func readMatMul(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let (a, b) = (try importer.required(0, of: node), try importer.required(1, of: node))
        let areMatrices = importer.shape(a).count == 2 && importer.shape(b).count == 2
        try importer.apply(areMatrices ? .gemm(Gemm()) : .matMul, as: node, inputs: importer.inputs(of: node, atMost: 2))
    }

    static func readBatchNormalization(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let epsilon = try node.float("epsilon") ?? 1e-5
        node.ignore("momentum")
        guard try !node.flag("training_mode"), !node.proto.output.dropFirst().contains(where: { !$0.isEmpty }) else {
            throw ImportError(.unsupported, "batch normalisation in training mode")
        }
        try importer.apply(.batchNormalization(epsilon: epsilon), as: node, inputs: importer.inputs(of: node, atMost: 5))
    }

    static func readLRN(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        guard let size = try node.integer("size") else { throw ImportError(.invalid, "attribute 'size' is missing") }
        let operation = Networks.Operation.localResponseNormalization(
            size: size, alpha: try node.float("alpha") ?? 1e-4, beta: try node.float("beta") ?? 0.75, bias: try node.float("bias") ?? 1)
        try importer.apply(operation, as: node, inputs: importer.inputs(of: node, atMost: 1))
    }

    /// Before version 13, axes from `axis` on are one.
    static func readSoftmax(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let shape = importer.shape(x)
        let axis = try importer.axis(try node.integer("axis") ?? (node.version < 13 ? 1 : -1), rank: shape.count)
        let inputs = try importer.inputs(of: node, atMost: 1)
        guard node.version < 13, axis != shape.count - 1 else { return try importer.apply(.softmax(axis: axis), as: node, inputs: inputs) }
        let name = node.proto.name
        let flat = try importer.apply(
            .reshape, name: name + "/flat", inputs: inputs, names: [name + "/flat"],
            shape: [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])
        let result = try importer.apply(.softmax(axis: 1), name: name, inputs: flat, names: [name + "/softmax"])
        try importer.apply(.reshape, as: node, inputs: result, shape: shape)
    }

    static func readReduceMean(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let rank = importer.shape(x).count
        let keeps = try node.flag("keepdims", default: true)
        let listed = try importer.integers("axes", input: 1, of: &node, since: 18) ?? []
        let isIdentity = node.version >= 18 ? try node.flag("noop_with_empty_axes") : false
        let axes = listed.isEmpty && !isIdentity ? Array(0..<rank) : try importer.axes(listed, rank: rank)
        try importer.apply(.mean(axes: axes.sorted(), keepsDimensions: keeps), as: node, inputs: [x])
    }
}
