// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Importer {
    static func readQuantizeLinear(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let (axis, blockSize) = try importer.granularity(of: &node)
        node.ignore("saturate")
        guard try node.integer("precision") ?? 1 <= 1 else { throw ImportError(.unsupported, "a division that isn't in float32") }
        let declared = try importer.declaredType(of: &node)
        let inputs = try importer.inputs(of: node, atMost: 3)
        _ = try importer.required(1, of: node)
        let zeroPoint = try importer.input(2, of: node).map { importer.type($0) }
        if let declared, let zeroPoint, declared != zeroPoint {
            throw ImportError(.invalid, "output_dtype is \(declared), the zero point \(zeroPoint)")
        }
        try importer.apply(
            .quantize(axis: axis, blockSize: blockSize), as: node, inputs: inputs, type: declared ?? zeroPoint ?? .uint8)
    }

    static func readDequantizeLinear(_ importer: inout Importer, _ node: inout NodeReader) throws(ImportError) {
        let (axis, blockSize) = try importer.granularity(of: &node)
        let declared = try importer.declaredType(of: &node)
        let scale = importer.type(try importer.required(1, of: node))
        guard declared == nil || declared == scale else { throw ImportError(.unsupported, "a result of another type than the scale") }
        try importer.apply(
            .dequantize(axis: axis, blockSize: blockSize), as: node, inputs: importer.inputs(of: node, atMost: 3), type: scale)
    }

    /// The axis and block size that scales run along. One scale for the whole tensor needs no axis, so that one isn't checked here.
    private func granularity(of node: inout NodeReader) throws(ImportError) -> (axis: Int, blockSize: Int) {
        let rank = shape(try required(0, of: node)).count
        let axis = try node.integer("axis") ?? 1
        return (axis < 0 && axis >= -rank ? axis + rank : axis, try node.integer("block_size") ?? 0)
    }

    private func declaredType(of node: inout NodeReader) throws(ImportError) -> ElementType? {
        guard let code = try node.integer("output_dtype"), code != 0 else { return nil }
        return try ElementType(onnx: Int32(clamping: code))
    }
}
