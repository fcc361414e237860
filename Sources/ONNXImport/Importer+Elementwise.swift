// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Importer {
    private mutating func read(_ activation: Activation, _ node: NodeReader) throws(ImportError) {
        try apply(.activation(activation), as: node, inputs: inputs(of: node, atMost: 1))
    }

    private mutating func read(_ binary: Binary, _ node: NodeReader) throws(ImportError) {
        try apply(.binary(binary, activation: .none), as: node, inputs: inputs(of: node, atMost: 2))
    }

    static func readRelu(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.relu, node) }
    static func readSigmoid(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.sigmoid, node) }
    static func readHardSwish(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.hardSwish, node) }
    static func readAdd(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.add, node) }
    static func readSub(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.subtract, node) }
    static func readMul(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.multiply, node) }
    static func readDiv(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) { try importer.read(.divide, node) }

    static func readLeakyRelu(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let slope = try node.float("alpha") ?? 0.01
        try importer.read(.leakyRelu(slope: slope), node)
    }

    static func readHardSigmoid(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let (alpha, beta) = (try node.float("alpha") ?? 0.2, try node.float("beta") ?? 0.5)
        try importer.read(.hardSigmoid(alpha: alpha, beta: beta), node)
    }

    static func readPRelu(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        try importer.apply(.prelu, as: node, inputs: importer.inputs(of: node, atMost: 2))
    }

    /// Constant limits of real numbers become an activation. A limit that is left out is the largest finite number, as ONNX has it.
    static func readClip(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let inputs = try importer.inputs(of: node, atMost: 3)
        let x = try importer.required(0, of: node)
        func limit(_ index: Int, default value: Float) -> Float? {
            guard index < inputs.count, let id = inputs[index] else { return value }
            guard let tensor = importer.graph[id].constant, tensor.count == 1 else { return nil }
            return min(max(tensor.floats[0], -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
        }
        guard importer.type(x) == .float32, let low = limit(1, default: -.greatestFiniteMagnitude),
            let high = limit(2, default: .greatestFiniteMagnitude)
        else { return try importer.apply(.clip, as: node, inputs: inputs) }
        let isRelu = low == 0 && high == .greatestFiniteMagnitude
        try importer.apply(.activation(isRelu ? .relu : .clip(low: low, high: high)), as: node, inputs: [x])
    }

    static func readIdentity(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        _ = try importer.inputs(of: node, atMost: 1)
        try importer.bind(0, of: node, to: importer.required(0, of: node))
    }

    static func readDropout(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        node.ignore("seed")
        node.ignore("ratio")
        if let training = try importer.input(2, of: node) {
            guard let flag = importer.knownTensor(training)?.integers, flag.allSatisfy({ $0 == 0 }) else {
                throw ImportError(.unsupported, "dropout in training mode")
            }
        }
        let x = try importer.required(0, of: node)
        try importer.bind(0, of: node, to: x)
        guard importer.isRead(output: 1, of: node) else { return }
        let count = importer.shape(x).elementCount
        guard count <= FoldingBudget.largest else { throw ImportError(.size, "a mask of \(count) elements") }
        let mask = Tensor(shape: importer.shape(x), [UInt8](repeating: 1, count: count))
        try importer.bind(1, of: node, to: Tensor(type: .bool, shape: mask.shape, storage: mask.storage))
    }

    /// Only constants change their type; a cast to the type that a value has does nothing.
    static func readCast(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        guard let code = try node.integer("to") else { throw ImportError(.invalid, "attribute 'to' is missing") }
        let type = try ElementType(onnx: Int32(clamping: code))
        node.ignore("saturate")
        node.ignore("round_mode")
        let x = try importer.required(0, of: node)
        guard importer.type(x) != type else { return try importer.bind(0, of: node, to: x) }
        guard let tensor = importer.knownTensor(x), tensor.count <= FoldingBudget.largest, let cast = tensor.cast(to: type) else {
            throw ImportError(.unsupported, "a cast from \(importer.type(x)) to \(type) while the network runs")
        }
        try importer.bind(0, of: node, to: cast)
    }
}
