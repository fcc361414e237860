// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// A graph as text: what stands in a bundle under `graph`. Constants are named, their elements stand elsewhere.
struct GraphDescription: Encodable {
    struct ValueDescription: Encodable {
        var name: String
        var type: ElementType
        var shape: [Int]
        var quantization: QuantizationDescription?
        /// The name of the tensor with the elements.
        var constant: String?
        /// How the tensor holds them, where that isn't in canonical order.
        var packing: Packing?
    }

    enum Packing: String, Encodable {
        /// See ``PackedWeights``; of int8 and of float32 numbers.
        case o16k4, o16
        /// See ``BitPackedWeights``.
        case bits2, bits3, bits4
    }

    /// Scales and zero points of one tensor as they are; those of symmetric channels in a tensor, because text is slow to read.
    struct QuantizationDescription: Encodable {
        var scales: [Float]?
        var zeroPoints: [Int32]?
        var axis: Int?
        /// The name of a float32 tensor `[channels]` with the scales; every zero point is 0.
        var tensor: String?
    }

    struct NodeDescription: Encodable {
        var name: String
        var operation: Operation
        /// Positions in `values`; -1 for an input that is absent.
        var inputs: [Int]
        var outputs: [Int]
    }

    var name: String
    var values: [ValueDescription]
    var nodes: [NodeDescription]
    var inputs: [Int]
    var outputs: [Int]

    /// What doesn't hold in a description.
    struct Contradiction: Error, CustomStringConvertible {
        var description: String
    }
}

extension GraphDescription {
    /// Tensors are called after their values; one whose name is taken or reserved also carries its position.
    init(_ graph: Graph) {
        name = graph.name
        var taken: Set<String> = [Safetensors.metadataKey]
        let packings = graph.packings
        values = graph.values.enumerated().map { index, value in
            var constant: String?
            if value.constant != nil {
                let reserved = value.name.isEmpty || value.name.hasPrefix("golden.") || value.name.hasPrefix(Safetensors.paddingPrefix)
                var name = reserved ? "constant.\(value.name)" : value.name
                while taken.contains(name) { name += "#\(index)" }
                taken.insert(name)
                constant = name
            }
            let quantization = value.quantization.map { quantization in
                guard quantization.isSymmetricByChannel else {
                    return QuantizationDescription(scales: quantization.scales, zeroPoints: quantization.zeroPoints, axis: quantization.axis)
                }
                var name = "\(constant ?? value.name).scales"
                while taken.contains(name) { name += "#\(index)" }
                taken.insert(name)
                return QuantizationDescription(axis: quantization.axis, tensor: name)
            }
            return ValueDescription(
                name: value.name, type: value.type, shape: value.shape, quantization: quantization, constant: constant,
                packing: packings[ValueID(rawValue: index)])
        }
        nodes = graph.nodes.map { node in
            NodeDescription(
                name: node.name, operation: node.operation, inputs: node.inputs.map { $0?.rawValue ?? -1 },
                outputs: node.outputs.map(\.rawValue))
        }
        inputs = graph.inputs.map(\.rawValue)
        outputs = graph.outputs.map(\.rawValue)
    }

    /// The constants of the described graph under their names, in the order of the values, each followed by its scales.
    func constants(of graph: Graph) -> [(name: String, tensor: Tensor)] {
        var tensors: [(name: String, tensor: Tensor)] = []
        for (description, value) in zip(values, graph.values) {
            if let name = description.constant, let tensor = value.constant {
                tensors.append((name, tensor.packed(description.packing)))
            }
            if let name = description.quantization?.tensor, let scales = value.quantization?.scales {
                tensors.append((name, Tensor(shape: [scales.count], scales)))
            }
        }
        return tensors
    }

    /// The graph, checked: whatever the description says, what is returned keeps the rules of ``Graph``.
    func graph(constants: [String: Tensor]) throws(Contradiction) -> Graph {
        var graph = Graph(name: name)
        for value in values { try graph.add(self.value(value, constants: constants)) }
        for node in nodes {
            var inputs: [ValueID?] = []
            for input in node.inputs { try inputs.append(input == -1 ? nil : id(input, of: node.name)) }
            var outputs: [ValueID] = []
            for output in node.outputs { try outputs.append(id(output, of: node.name)) }
            graph.nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, outputs: outputs))
        }
        for input in inputs { try graph.inputs.append(id(input, of: "the inputs")) }
        for output in outputs { try graph.outputs.append(id(output, of: "the outputs")) }
        do {
            try graph.check()
        } catch {
            throw Contradiction(description: error.description)
        }
        return graph
    }

    private func id(_ position: Int, of user: String) throws(Contradiction) -> ValueID {
        guard values.indices.contains(position) else {
            throw Contradiction(description: "'\(user)' names value \(position) of \(values.count)")
        }
        return ValueID(rawValue: position)
    }

    private func value(_ description: ValueDescription, constants: [String: Tensor]) throws(Contradiction) -> Value {
        guard description.shape.checkedElementCount != nil else {
            throw Contradiction(description: "'\(description.name)' has the impossible shape \(description.shape)")
        }
        var value = Value(name: description.name, type: description.type, shape: description.shape)
        value.quantization = try description.quantization.map { quantization throws(Contradiction) in
            try self.quantization(quantization, of: description, constants: constants)
        }
        if let name = description.constant {
            guard let tensor = constants[name] else { throw Contradiction(description: "the tensor '\(name)' is missing") }
            guard let constant = tensor.unpacked(description.packing, shape: description.shape),
                constant.shape == description.shape, constant.type == description.type
            else { throw Contradiction(description: "the tensor '\(name)' isn't what the graph says of it") }
            value.constant = constant
        }
        return value
    }

    private func quantization(
        _ description: QuantizationDescription, of value: ValueDescription, constants: [String: Tensor]
    ) throws(Contradiction) -> Quantization {
        guard let name = description.tensor else {
            guard let scales = description.scales, let zeroPoints = description.zeroPoints else {
                throw Contradiction(description: "'\(value.name)' has a quantisation without scales or zero points")
            }
            return Quantization(scales: scales, zeroPoints: zeroPoints, axis: description.axis)
        }
        guard let tensor = constants[name], tensor.type == .float32, tensor.shape.count == 1, let axis = description.axis else {
            throw Contradiction(description: "the scales '\(name)' aren't one float32 number a channel")
        }
        return Quantization(channelScales: tensor.elements(of: Float.self), axis: axis)
    }
}

extension Graph {
    /// How int8 and float32 weights of convolutions and products stand in a file: int8 ones in as few bits as they need, where that is less than a byte; else,
    /// in one group, in the order of most kernels.
    fileprivate var packings: [ValueID: GraphDescription.Packing] {
        var result: [ValueID: GraphDescription.Packing] = [:]
        for node in nodes {
            guard node.inputs.count > 1, case let weights? = node.inputs[1], let constant = self[weights].constant, constant.count > 0,
                constant.type == .int8 || constant.type == .float32
            else { continue }
            let isInOneGroup: Bool
            switch node.operation {
            case .convolution(let convolution): isInOneGroup = convolution.groups == 1 && (3...4).contains(constant.shape.count)
            case .gemm(let gemm): isInOneGroup = gemm.transposesB && constant.shape.count == 2
            default: continue
            }
            guard constant.type == .int8 else {
                result[weights] = isInOneGroup ? .o16 : nil
                continue
            }
            let width = constant.withElements(of: Int8.self) { BitPackedWeights.Width(holding: $0) }
            result[weights] = width.map(GraphDescription.Packing.init) ?? (isInOneGroup ? .o16k4 : nil)
        }
        return result
    }
}

extension GraphDescription.Packing {
    fileprivate init(_ width: BitPackedWeights.Width) {
        switch width {
        case .two: self = .bits2
        case .three: self = .bits3
        case .four: self = .bits4
        }
    }

    /// `nil` where numbers have whole bytes.
    fileprivate var width: BitPackedWeights.Width? {
        switch self {
        case .bits2: .two
        case .bits3: .three
        case .bits4: .four
        case .o16k4, .o16: nil
        }
    }
}

extension Tensor {
    /// What stands in a file for this tensor.
    fileprivate func packed(_ packing: GraphDescription.Packing?) -> Tensor {
        guard let packing else { return self }
        guard let width = packing.width else {
            let packed = storage.packed ?? PackedWeights(reshaped(shape.asWindows))
            return Tensor(type: type, shape: packed.packedShape, storage: packed.storage)
        }
        let storage = withElements(of: Int8.self) { BitPackedWeights($0, width: width).storage }
        return Tensor(type: .uint8, shape: [storage.count], storage: storage)
    }

    /// The constant of another shape that this tensor of a file stands for; `nil` where it can't be one.
    fileprivate func unpacked(_ packing: GraphDescription.Packing?, shape: [Int]) -> Tensor? {
        guard let packing else { return self }
        guard let width = packing.width else {
            guard (2...4).contains(shape.count), type == (packing == .o16 ? .float32 : .int8),
                let packed = PackedWeights(type: type, shape: shape.asWindows, storage: storage), packed.packedShape == self.shape
            else { return nil }
            return Tensor(type: type, shape: shape, storage: TensorStorage(packed))
        }
        guard type == .uint8, self.shape.count == 1, let count = shape.checkedElementCount,
            let packed = BitPackedWeights(width: width, count: count, storage: storage)
        else { return nil }
        return Tensor(type: .int8, shape: shape, storage: TensorStorage(packed))
    }
}

extension [Int] {
    /// `[o, i]`, `[o, i, k]` and `[o, i, kh, kw]` as the last of them.
    fileprivate var asWindows: [Int] { prefix(2) + Array(repeating: 1, count: 4 - count) + dropFirst(2) }
}

extension Quantization {
    fileprivate var isSymmetricByChannel: Bool {
        axis != nil && !scales.isEmpty && scales.count == zeroPoints.count && zeroPoints.allSatisfy { $0 == 0 }
    }
}
