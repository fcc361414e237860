// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// The float32 graph behind one in QDQ form: each pair of `quantize` and `dequantize` disappears and leaves its parameters at the value that it
    /// quantised; each `dequantize` of a constant becomes a float32 constant that remembers its scales. The quantised form is then made with them.
    ///
    /// Kept are 8-bit activations with one scale, and 8-bit weights with zero points of 0; other pairs disappear without a trace. The result isn't for
    /// running: ``saturating()`` is.
    package func takingQuantizationIntoValues() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            guard case .dequantize(let axis, 0) = graph.nodes[index].operation, let source = graph.nodes[index].input(0),
                graph[graph.nodes[index].outputs[0]].type == .float32
            else { return false }
            if graph[source].constant != nil { return graph.replaceDequantizedConstant(at: index, axis: axis) }
            return graph.dropPair(dequantize: index, uses: uses)
        }
        return graph.withoutDeadCode()
    }

    /// The float32 graph that computes what one in QDQ form does, rounding aside: where ``takingQuantizationIntoValues()`` left parameters at a result, it
    /// is limited to what they can represent, which a quantised model may count on instead of an activation. Identifiers of values stay.
    package func saturating() -> Graph {
        var graph = self
        graph.nodes = []
        for node in nodes {
            let position = graph.nodes.count
            graph.nodes.append(node)
            for (index, id) in node.outputs.enumerated() where self[id].type == .float32 {
                guard let quantization = self[id].quantization, quantization.axis == nil else { continue }
                let unlimited = graph.add(Value(name: "\(self[id].name).unlimited", type: .float32, shape: self[id].shape))
                graph.nodes[position].outputs[index] = unlimited
                graph.nodes.append(
                    Node(name: "\(node.name).saturate", operation: .activation(quantization.saturation), inputs: [unlimited], outputs: [id]))
            }
        }
        for index in graph.values.indices where graph.values[index].type == .float32 { graph.values[index].quantization = nil }
        return graph
    }

    /// An equal graph in which pairs of `quantize` and `dequantize` with one scale go through uint8, which has kernels, instead of int8: elements and zero
    /// points are 128 more.
    func makingPairsUnsigned() -> Graph {
        var graph = self
        let uses = Uses(self)
        for (index, node) in nodes.enumerated() {
            guard case .quantize(_, 0) = node.operation, let bytes = node.outputs.first, self[bytes].type == .int8, self[bytes].quantization == nil,
                !uses.isOutput(bytes), self[node.inputs[0] ?? bytes].type == .float32
            else { continue }
            let places = [index] + uses.readers(of: bytes)
            let zeros = places.compactMap { unsignedZeroPoint(of: nodes[$0], for: bytes) }
            guard zeros.count == places.count else { continue }
            graph[bytes].type = .uint8
            for (place, zero) in zip(places, zeros) {
                let id = graph.add(Value(name: "\(nodes[place].name).zero", constant: zero))
                graph.nodes[place].inputs = [nodes[place].input(0), nodes[place].input(1), id]
            }
        }
        return graph
    }

    /// `nil` for anything but the ends of a pair with one scale.
    private func unsignedZeroPoint(of node: Node, for bytes: ValueID) -> Tensor? {
        switch node.operation {
        case .quantize(_, 0): if node.outputs != [bytes] { return nil }
        case .dequantize(_, 0): if node.input(0) != bytes { return nil }
        default: return nil
        }
        guard let scale = node.input(1), scalar(scale) != nil else { return nil }
        guard let id = node.input(2) else { return Tensor(shape: self[scale].shape, [UInt8(128)]) }
        guard let zero = self[id].constant, zero.type == .int8, zero.count == 1 else { return nil }
        return Tensor(shape: zero.shape, [UInt8(Int(zero.elements(of: Int8.self)[0]) + 128)])
    }

    /// Whether a quantised model left a ReLU, or one upside down, to the saturation of this value: nothing may be folded across it.
    func saturatesAtZero(_ id: ValueID) -> Bool {
        guard let quantization = self[id].quantization, self[id].constant == nil, quantization.axis == nil else { return false }
        return quantization.zeroPoint == 0 || quantization.zeroPoint == 255
    }

    private mutating func replaceDequantizedConstant(at index: Int, axis: Int) -> Bool {
        let node = nodes[index]
        guard let source = node.input(0), let bytes = self[source].constant, let integers = bytes.integers,
            let scales = floats(node.input(1)), !scales.isEmpty
        else { return false }
        let zeros: [Int]
        if let zeroPoint = node.input(2) {
            guard let constant = self[zeroPoint].constant?.integers, constant.count == scales.count else { return false }
            zeros = constant
        } else {
            zeros = scales.map { _ in 0 }
        }
        let shape = bytes.shape
        guard scales.count == 1 || (shape.indices.contains(axis) && shape[axis] == scales.count) else { return false }
        let inner = scales.count == 1 ? 1 : shape[(axis + 1)...].reduce(1, *)
        let numbers = integers.enumerated().map { position, integer in
            let channel = scales.count == 1 ? 0 : position / inner % scales.count
            return scales[channel] * Float(integer - zeros[channel])
        }
        let isExact = bytes.type == .int8 && zeros.allSatisfy { $0 == 0 } && !integers.contains(-128)
        let quantization = isExact
            ? Quantization(scales: scales, zeroPoints: scales.map { _ in 0 }, axis: scales.count == 1 ? nil : axis) : nil
        let result = node.outputs[0]
        guard !outputs.contains(result) else { return false }
        let constant = addConstant(self[source].name, shape: shape, numbers, quantization: quantization)
        nodes.remove(at: index)
        replaceReads(of: result, with: constant)
        return true
    }

    private mutating func dropPair(dequantize index: Int, uses: Uses) -> Bool {
        let dequantize = nodes[index]
        guard let bytes = dequantize.input(0), let producer = uses.producer(of: bytes), case .quantize(_, 0) = nodes[producer].operation,
            let source = nodes[producer].input(0), self[source].type == .float32
        else { return false }
        if let scale = scalar(nodes[producer].input(1)), scalar(dequantize.input(1)) == scale, self[source].quantization == nil {
            let zero = nodes[producer].input(2).flatMap { self[$0].constant?.integers?.first } ?? 0
            switch self[bytes].type {
            case .uint8: self[source].quantization = Quantization(scale: scale, zeroPoint: Int32(zero))
            case .int8: self[source].quantization = Quantization(scale: scale, zeroPoint: Int32(zero + 128))
            default: break
            }
        }
        return removeIdentity(at: index, source: source, uses: uses)
    }
}

extension Quantization {
    /// The limits of what one scale and zero point represent.
    fileprivate var saturation: Activation { .clip(low: dequantize(0), high: dequantize(255)) }
}
