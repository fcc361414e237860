// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Importer {
    static func readConcat(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let rank = importer.shape(try importer.required(0, of: node)).count
        guard let axis = try node.integer("axis") else { throw ImportError(.invalid, "attribute 'axis' is missing") }
        let operation = Networks.Operation.concatenation(axis: try importer.axis(axis, rank: rank))
        try importer.apply(operation, as: node, inputs: importer.inputs(of: node, atMost: .max))
    }

    static func readSplit(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let shape = importer.shape(x)
        let axis = try importer.axis(try node.integer("axis") ?? 0, rank: shape.count)
        let count = node.proto.output.count
        if node.version >= 18, let declared = try node.integer("num_outputs"), declared != count {
            throw ImportError(.invalid, "num_outputs is \(declared), but there are \(count) outputs")
        }
        let sizes: [Int]
        if let listed = try importer.integers("split", input: 1, of: &node, since: 13) {
            sizes = listed
        } else {
            let part = (shape[axis] + count - 1) / count
            sizes = (0..<count).map { min(part, max(shape[axis] - $0 * part, 0)) }
            guard node.version >= 18 || shape[axis] % count == 0 else {
                throw ImportError(.invalid, "\(shape[axis]) elements in \(count) equal parts")
            }
        }
        guard sizes.count == count else { throw ImportError(.invalid, "\(sizes.count) sizes for \(count) outputs") }
        let names = node.proto.output.enumerated().map { $1.isEmpty ? "\(node.proto.name)/\($0)" : $1 }
        let parts = try importer.apply(.split(axis: axis, sizes: sizes), name: node.proto.name, inputs: [x], names: names)
        for (index, id) in parts.enumerated() { try importer.bind(index, of: node, to: id) }
    }

    static func readSlice(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let shape = importer.shape(x)
        let starts = try importer.knownIntegers(importer.required(1, of: node), "starts")
        let ends = try importer.knownIntegers(importer.required(2, of: node), "ends")
        let count = starts.count
        guard count <= shape.count else { throw ImportError(.invalid, "\(count) slices of a tensor of \(shape.count) axes") }
        let axes = try importer.axes(importer.integers("axes", input: 3, of: &node, since: 10) ?? Array(0..<count), rank: shape.count)
        let steps = try importer.integers("steps", input: 4, of: &node, since: 10) ?? Array(repeating: 1, count: count)
        guard ends.count == count, axes.count == count, steps.count == count else {
            throw ImportError(.invalid, "\(count) starts, \(ends.count) ends, \(axes.count) axes and \(steps.count) steps")
        }
        var ranges: [SliceRange] = []
        for index in 0..<count {
            guard steps[index] != 0 else { throw ImportError(.invalid, "a step of 0") }
            ranges.append(
                SliceRange(axis: axes[index], start: starts[index], end: ends[index], step: steps[index], size: shape[axes[index]]))
        }
        try importer.apply(.slice(ranges), as: node, inputs: [x])
    }

    static func readPad(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let x = try importer.required(0, of: node)
        let rank = importer.shape(x).count
        let pads = try importer.knownIntegers(importer.required(1, of: node), "pads")
        var value = 0.0
        if let id = try importer.input(2, of: node) {
            guard let tensor = importer.knownTensor(id), tensor.count == 1 else {
                throw ImportError(.unsupported, "a pad value that is computed while the network runs")
            }
            value = tensor.floats.map(Double.init)[0]
        }
        let axes = try importer.axes(importer.integers("axes", input: 3, of: &node, since: 18) ?? Array(0..<rank), rank: rank)
        guard let mode = Padding.Mode(rawValue: try node.string("mode") ?? "constant") else { throw ImportError(.unsupported, "this mode") }
        guard pads.count == 2 * axes.count else { throw ImportError(.invalid, "\(pads.count) pads for \(axes.count) axes") }
        var padding = Padding(
            mode: mode, before: Array(repeating: 0, count: rank), after: Array(repeating: 0, count: rank), value: value)
        for (index, axis) in axes.enumerated() {
            padding.before[axis] = pads[index]
            padding.after[axis] = pads[axes.count + index]
        }
        try importer.apply(.pad(padding), as: node, inputs: [x])
    }

    static func readGather(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let rank = importer.shape(try importer.required(0, of: node)).count
        let axis = try importer.axis(try node.integer("axis") ?? 0, rank: rank)
        try importer.apply(.gather(axis: axis), as: node, inputs: importer.inputs(of: node, atMost: 2))
    }

    static func readTranspose(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let rank = importer.shape(try importer.required(0, of: node)).count
        let permutation = try node.integers("perm") ?? Array((0..<rank).reversed())
        try importer.apply(.transpose(permutation: permutation), as: node, inputs: importer.inputs(of: node, atMost: 1))
    }
}

extension SliceRange {
    /// As ONNX counts: negative positions from the end, both limits cut to the axis.
    fileprivate init(axis: Int, start: Int, end: Int, step: Int, size: Int) {
        let step = min(max(step, -(1 << 30)), 1 << 30)
        let (lowest, highest) = step > 0 ? (0, size) : (-1, size - 1)
        func position(_ index: Int) -> Int { min(max(index < 0 ? index + size : index, lowest), highest) }
        let first = step > 0 ? position(start) : max(position(start), 0)
        let distance = step > 0 ? position(end) - first : first - position(end)
        let count = size == 0 ? 0 : max(0, (distance + abs(step) - 1) / abs(step))
        self.init(axis: axis, start: count == 0 ? 0 : first, step: step, count: count)
    }
}
