// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Operation {
    static func quantizeOutput(of inputs: OperationInputs, axis: Int, blockSize: Int) throws(GraphError) -> TensorType {
        try inputs.expect(["x", "scale", "zeroPoint"], required: 1)
        let x = try inputs.required(0, "x")
        guard x.type.isFloatingPoint || x.type == .int32 else { throw GraphError(.type, "x is \(x.type), expected real numbers") }
        let type = inputs.optional(2)?.type ?? inputs.declared.first?.type ?? .uint8
        guard [.uint8, .int8, .uint16, .int16].contains(type) else { throw GraphError(.type, "\(type) is no quantised type") }
        if let scale = inputs.optional(1) {
            try checkScale(scale, zeroPoint: inputs.optional(2), of: x.shape, axis: axis, blockSize: blockSize)
        } else {
            guard inputs.optional(2) == nil else { throw GraphError(.arity, "a zero point without a scale") }
            guard inputs.declared.isEmpty || inputs.declared[0].quantization != nil else {
                throw GraphError(.quantization, "the output carries no scale")
            }
        }
        return TensorType(type, x.shape)
    }

    static func dequantizeOutput(of inputs: OperationInputs, axis: Int, blockSize: Int) throws(GraphError) -> TensorType {
        try inputs.expect(["x", "scale", "zeroPoint"], required: 1)
        let x = try inputs.required(0, "x")
        guard [.uint8, .int8, .uint16, .int16, .int32].contains(x.type) else { throw GraphError(.type, "\(x.type) is no quantised type") }
        guard let scale = inputs.optional(1) else {
            guard x.quantization != nil else { throw GraphError(.quantization, "the input carries no scale") }
            return TensorType(.float32, x.shape)
        }
        try inputs.optional(2)?.expect("zero point", type: x.type)
        try checkScale(scale, zeroPoint: inputs.optional(2), of: x.shape, axis: axis, blockSize: blockSize)
        return TensorType(scale.type, x.shape)
    }

    /// One scale a tensor, one an index of `axis`, or, with a block size, one for each run of that many elements along `axis`.
    private static func checkScale(
        _ scale: Value, zeroPoint: Value?, of shape: [Int], axis: Int, blockSize: Int
    ) throws(GraphError) {
        try scale.expectFloatingPoint("scale")
        if let zeroPoint, !(zeroPoint.isSingle && scale.isSingle) { try zeroPoint.expect("zero point", shape: scale.shape) }
        guard scale.shape.elementCount != 1 || scale.shape.count > 1 else { return }
        try expectAxis(axis, rank: shape.count)
        guard blockSize >= 0, blockSize <= OperationInputs.largestParameter else { throw GraphError(.parameter, "a block size of \(blockSize)") }
        var expected = [shape[axis]]
        if blockSize > 0 {
            expected = shape
            expected[axis] = (shape[axis] + blockSize - 1) / blockSize
        }
        try scale.expect("scale", shape: expected)
    }
}

extension Value {
    /// A scalar, or a vector of one element: files mix the two.
    fileprivate var isSingle: Bool { shape.isEmpty || shape == [1] }
}
