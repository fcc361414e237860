// SPDX-License-Identifier: Apache-2.0
internal import Networks

extension Importer {
    static func readConv(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let inputs = try importer.inputs(of: node, atMost: 3)
        let (x, weights) = (importer.shape(try importer.required(0, of: node)), importer.shape(try importer.required(1, of: node)))
        guard x.count >= 3, weights.count == x.count else { throw ImportError(.invalid, "an image of \(x) and weights of \(weights)") }
        let kernel = try node.integers("kernel_shape") ?? Array(weights[2...])
        let window = try window(of: &node, kernel: kernel, over: Array(x[2...]))
        let groups = try node.integer("group") ?? 1
        try importer.apply(.convolution(Convolution(window: window, groups: groups)), as: node, inputs: inputs)
    }

    static func readMaxPool(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let isColumnMajor = try node.flag("storage_order")
        let window = try poolingWindow(of: &node, importer)
        let pooling = Pooling(
            kind: .maximum, window: window, ceilMode: try node.flag("ceil_mode"), hasColumnMajorIndices: isColumnMajor)
        var names = [node.proto.output[0]]
        if importer.isRead(output: 1, of: node) { names.append(node.proto.output[1]) }
        let inputs = try importer.inputs(of: node, atMost: 1)
        let results = try importer.apply(.pool(pooling), name: node.proto.name, inputs: inputs, names: names)
        for (index, id) in results.enumerated() { try importer.bind(index, of: node, to: id) }
    }

    static func readAveragePool(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let window = try poolingWindow(of: &node, importer)
        let pooling = Pooling(
            kind: .average, window: window, ceilMode: try node.flag("ceil_mode"), countsPadding: try node.flag("count_include_pad"))
        try importer.apply(.pool(pooling), as: node, inputs: importer.inputs(of: node, atMost: 1))
    }

    static func readGlobalAveragePool(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let rank = importer.shape(try importer.required(0, of: node)).count
        guard rank >= 3 else { throw ImportError(.invalid, "an image of \(rank) axes") }
        let operation = Networks.Operation.mean(axes: Array(2..<rank), keepsDimensions: true)
        try importer.apply(operation, as: node, inputs: importer.inputs(of: node, atMost: 1))
    }

    static func readGlobalMaxPool(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let shape = importer.shape(try importer.required(0, of: node))
        let pooling = Pooling(kind: .maximum, window: Window(size: Array(shape.dropFirst(2))))
        try importer.apply(.pool(pooling), as: node, inputs: importer.inputs(of: node, atMost: 1))
    }

    private static func poolingWindow(of node: inout NodeReader, _ importer: Importer) throws(ImportError) -> Window {
        let shape = importer.shape(try importer.required(0, of: node))
        guard let kernel = try node.integers("kernel_shape") else { throw ImportError(.invalid, "attribute 'kernel_shape' is missing") }
        return try window(of: &node, kernel: kernel, over: Array(shape.dropFirst(2)))
    }

    /// - Parameter lengths: of the image's spatial axes.
    private static func window(of node: inout NodeReader, kernel: [Int], over lengths: [Int]) throws(ImportError) -> Window {
        let axes = kernel.count
        let strides = try node.integers("strides") ?? Array(repeating: 1, count: axes)
        let dilations = try node.integers("dilations") ?? Array(repeating: 1, count: axes)
        let pads = try node.integers("pads") ?? Array(repeating: 0, count: 2 * axes)
        let mode = try node.string("auto_pad") ?? "NOTSET"
        guard axes == lengths.count, strides.count == axes, dilations.count == axes, pads.count == 2 * axes else {
            throw ImportError(
                .invalid, "kernel \(kernel), strides \(strides), dilations \(dilations) and pads \(pads) on an image of \(lengths.count) spatial axes")
        }
        guard (kernel + strides + dilations).allSatisfy({ (1...1 << 30).contains($0) }) else {
            throw ImportError(.invalid, "kernel \(kernel), strides \(strides) and dilations \(dilations), expected positive numbers")
        }
        var window = Window(size: kernel, strides: strides, dilations: dilations)
        switch mode {
        case "NOTSET":
            window.padsBefore = Array(pads[..<axes])
            window.padsAfter = Array(pads[axes...])
        case "VALID": break
        case "SAME_UPPER", "SAME_LOWER":
            for axis in 0..<axes {
                let positions = (lengths[axis] + strides[axis] - 1) / strides[axis]
                let total = max((positions - 1) * strides[axis] + window.extent(axis: axis) - lengths[axis], 0)
                window.padsBefore[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                window.padsAfter[axis] = total - window.padsBefore[axis]
            }
        default: throw ImportError(.unsupported, "auto_pad '\(mode)'")
        }
        return window
    }
}
