// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Importer {
    /// 0 keeps a size, unless zeros are allowed; one −1 takes what is left.
    static func readReshape(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let old = importer.shape(x)
        var shape = try importer.knownIntegers(importer.required(1, of: node), "shape")
        let keepsZeros = try node.flag("allowzero")
        for axis in shape.indices where shape[axis] == 0 && !keepsZeros {
            guard axis < old.count else { throw ImportError(.invalid, "\(shape) keeps axis \(axis) of \(old)") }
            shape[axis] = old[axis]
        }
        let open = shape.indices.filter { shape[$0] == -1 }
        if let axis = open.first {
            shape[axis] = 1
            guard open.count == 1, let others = shape.checkedElementCount, others > 0 else {
                throw ImportError(.invalid, "\(shape) leaves more than one size open")
            }
            shape[axis] = old.elementCount / others
        }
        try importer.apply(.reshape, as: node, inputs: [x], shape: shape)
    }

    static func readFlatten(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let shape = importer.shape(x)
        var axis = try node.integer("axis") ?? 1
        guard axis >= -shape.count, axis <= shape.count else { throw ImportError(.invalid, "axis \(axis) of \(shape)") }
        if axis < 0 { axis += shape.count }
        try importer.apply(.reshape, as: node, inputs: [x], shape: [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])
    }

    static func readSqueeze(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let shape = importer.shape(x)
        let listed = try importer.integers("axes", input: 1, of: &node, since: 13)
        let axes = try importer.axes(listed ?? shape.indices.filter { shape[$0] == 1 }, rank: shape.count)
        guard axes.allSatisfy({ shape[$0] == 1 }) else { throw ImportError(.invalid, "axes \(axes) of \(shape) are not all of size 1") }
        try importer.apply(.reshape, as: node, inputs: [x], shape: shape.indices.filter { !axes.contains($0) }.map { shape[$0] })
    }

    static func readUnsqueeze(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        guard let listed = try importer.integers("axes", input: 1, of: &node, since: 13) else {
            throw ImportError(.invalid, "axes are missing")
        }
        guard listed.count <= Graph.maximumRank else { throw ImportError(.size, "\(listed.count) axes") }
        var shape = importer.shape(x)
        for axis in try importer.axes(listed, rank: shape.count + listed.count).sorted() { shape.insert(1, at: axis) }
        try importer.apply(.reshape, as: node, inputs: [x], shape: shape)
    }

    static func readShape(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let shape = importer.shape(try importer.required(0, of: node))
        func position(_ axis: Int) -> Int { min(max(axis < 0 ? axis + shape.count : axis, 0), shape.count) }
        let start = position(try node.integer("start") ?? 0)
        let end = max(start, position(try node.integer("end") ?? shape.count))
        let sizes = shape[start..<end].map { Int64($0) }
        try importer.bind(0, of: node, to: Tensor(shape: [sizes.count], sizes))
    }

    static func readConstant(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let tensor: Tensor
        if let proto = try node.tensor("value") {
            tensor = try Tensor(proto, folder: importer.folder)
        } else if let number = try node.float("value_float") {
            tensor = .scalar(number)
        } else if let number = try node.integer("value_int") {
            tensor = .scalar(Int64(number))
        } else if let numbers = try node.floats("value_floats") {
            tensor = Tensor(shape: [numbers.count], numbers)
        } else if let numbers = try node.integers("value_ints") {
            tensor = Tensor(shape: [numbers.count], numbers.map { Int64($0) })
        } else {
            throw ImportError(.unsupported, "a constant that is no tensor of numbers")
        }
        try importer.bind(0, of: node, to: tensor)
    }

    static func readConstantOfShape(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let shape = try importer.knownIntegers(importer.required(0, of: node), "shape")
        let value = try node.tensor("value").map { proto throws(ImportError) in try Tensor(proto, folder: importer.folder) } ?? .scalar(Float(0))
        guard value.count == 1 else { throw ImportError(.invalid, "a value of \(value.count) elements") }
        guard shape.count <= Graph.maximumRank, let count = shape.checkedElementCount, count <= FoldingBudget.largest else {
            throw ImportError(.size, "a constant of the shape \(shape)")
        }
        let all = try importer.apply(
            .gather(axis: 0), name: node.proto.name,
            inputs: [
                importer.graph.add(Value(name: node.proto.name + "/value", constant: value.reshaped([1]))),
                importer.graph.add(Value(name: node.proto.name + "/indices", constant: Tensor(shape: shape, [Int64](repeating: 0, count: count)))),
            ], names: node.proto.output)
        try importer.bind(0, of: node, to: all[0])
    }
}

extension Tensor {
    /// The elements converted as ONNX's Cast does; `nil` where a real number doesn't fit an integer type.
    func cast(to type: ElementType) -> Tensor? {
        switch type {
        case .float32: return Tensor(shape: shape, floats)
        case .float64: return Tensor(shape: shape, floats.map(Double.init))
        case .float16: return Tensor(type: type, shape: shape, storage: Tensor(shape: shape, floats.map(\.halfBits)).storage)
        case .bool:
            return Tensor(type: type, shape: shape, storage: Tensor(shape: shape, floats.map { $0 == 0 ? 0 : 1 as UInt8 }).storage)
        default: break
        }
        var numbers: [Int] = []
        if let integers {
            numbers = integers
        } else {
            for real in floats {
                guard let number = Int(exactly: real.rounded(.towardZero)) else { return nil }
                numbers.append(number)
            }
        }
        return switch type {
        case .int8: Tensor(shape: shape, numbers.map { Int8(truncatingIfNeeded: $0) })
        case .uint8: Tensor(shape: shape, numbers.map { UInt8(truncatingIfNeeded: $0) })
        case .int16: Tensor(shape: shape, numbers.map { Int16(truncatingIfNeeded: $0) })
        case .uint16: Tensor(shape: shape, numbers.map { UInt16(truncatingIfNeeded: $0) })
        case .int32: Tensor(shape: shape, numbers.map { Int32(truncatingIfNeeded: $0) })
        case .uint32: Tensor(shape: shape, numbers.map { UInt32(truncatingIfNeeded: $0) })
        case .uint64: Tensor(shape: shape, numbers.map { UInt64(truncatingIfNeeded: $0) })
        default: Tensor(shape: shape, numbers.map { Int64($0) })
        }
    }
}
