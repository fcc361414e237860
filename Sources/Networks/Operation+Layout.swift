// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Operation {
    static func concatenationOutput(of inputs: OperationInputs, axis: Int) throws(GraphError) -> TensorType {
        let first = try inputs.required(0, "first part")
        try expectAxis(axis, rank: first.shape.count)
        var shape = first.shape
        for index in inputs.values.indices.dropFirst() {
            let part = try inputs.required(index, "part \(index)")
            try part.expect("part \(index)", type: first.type)
            guard part.shape.count == shape.count, part.shape.indices.allSatisfy({ $0 == axis || part.shape[$0] == shape[$0] }) else {
                throw GraphError(.shape, "part \(index) \(part.shape) doesn't fit the first, \(first.shape), along axis \(axis)")
            }
            guard part.isQuantizedActivation == inputs.isQuantized else {
                throw GraphError(.quantization, "part \(index) and the first must both be quantised, or none")
            }
            shape[axis] += part.shape[axis]
            try TensorType(first.type, shape).checkSize()
        }
        return TensorType(first.type, shape)
    }

    static func splitOutputs(of inputs: OperationInputs, axis: Int, sizes: [Int]) throws(GraphError) -> [TensorType] {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        try expectAxis(axis, rank: x.shape.count)
        guard !sizes.isEmpty, sizes.allSatisfy({ $0 >= 0 && $0 <= x.shape[axis] }), sizes.reduce(0, +) == x.shape[axis] else {
            throw GraphError(.parameter, "parts of \(sizes) don't add up to the \(x.shape[axis]) elements of axis \(axis)")
        }
        return sizes.map { size in
            var shape = x.shape
            shape[axis] = size
            return TensorType(x.type, shape)
        }
    }

    static func sliceOutput(of inputs: OperationInputs, ranges: [SliceRange]) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        var shape = x.shape
        for range in ranges {
            try expectAxis(range.axis, rank: shape.count)
            let size = x.shape[range.axis]
            guard range.step.magnitude <= UInt(OperationInputs.largestParameter), range.step != 0, range.count >= 0, range.count <= size else {
                throw GraphError(.parameter, "\(range.count) elements with step \(range.step) of \(size)")
            }
            let last = range.start &+ (range.count - 1) &* range.step
            guard range.count == 0 || ((0..<size).contains(range.start) && (0..<size).contains(last)) else {
                throw GraphError(.parameter, "elements \(range.start) … \(last) of \(size) along axis \(range.axis)")
            }
            shape[range.axis] = range.count
        }
        guard Set(ranges.map(\.axis)).count == ranges.count else { throw GraphError(.parameter, "an axis is sliced twice") }
        return TensorType(x.type, shape)
    }

    static func gatherOutput(of inputs: OperationInputs, axis: Int) throws(GraphError) -> TensorType {
        try inputs.expect(["data", "indices"], required: 2)
        let data = try inputs.required(0, "data")
        let indices = try inputs.required(1, "indices")
        try expectAxis(axis, rank: data.shape.count)
        guard indices.type == .int64 || indices.type == .int32 else {
            throw GraphError(.type, "indices are \(indices.type), expected int32 or int64")
        }
        let size = data.shape[axis]
        if let positions = indices.constant?.integers, let wrong = positions.first(where: { $0 < -size || $0 >= size }) {
            throw GraphError(.parameter, "index \(wrong) of \(size) elements")
        }
        return TensorType(data.type, Array(data.shape[..<axis]) + indices.shape + Array(data.shape[(axis + 1)...]))
    }

    static func transposeOutput(of inputs: OperationInputs, permutation: [Int]) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        guard permutation.sorted() == Array(x.shape.indices) else {
            throw GraphError(.parameter, "\(permutation) is no permutation of the axes of \(x.shape)")
        }
        return TensorType(x.type, permutation.map { x.shape[$0] })
    }

    static func reshapeOutput(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        guard let shape = inputs.declared.first?.shape else { throw GraphError(.shape, "a reshape without a shape") }
        guard let count = shape.checkedElementCount, count == x.shape.elementCount else {
            throw GraphError(.shape, "\(x.shape) can't become \(shape): the numbers of elements differ")
        }
        return TensorType(x.type, shape)
    }
}

extension Padding {
    func output(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        let rank = x.shape.count
        guard before.count == rank, after.count == rank else {
            throw GraphError(.parameter, "expected \(rank) pads on each side, found \(before.count) and \(after.count)")
        }
        let limit = UInt(OperationInputs.largestParameter)
        var shape: [Int] = []
        for axis in 0..<rank {
            let size = x.shape[axis]
            guard before[axis].magnitude <= limit, after[axis].magnitude <= limit, size + before[axis] + after[axis] >= 0,
                size + before[axis] >= 0, size + after[axis] >= 0
            else { throw GraphError(.parameter, "pads \(before[axis]) and \(after[axis]) on the \(size) elements of axis \(axis)") }
            let padded = before[axis] > 0 || after[axis] > 0
            guard mode != .reflect || ([before[axis], after[axis]].allSatisfy { $0 >= 0 && $0 <= max(size - 1, 0) }) else {
                throw GraphError(.parameter, "reflected pads \(before[axis]) and \(after[axis]) on the \(size) elements of axis \(axis)")
            }
            guard mode == .constant || !padded || size + min(before[axis], 0) + min(after[axis], 0) > 0 else {
                throw GraphError(.parameter, "nothing to repeat along the empty axis \(axis)")
            }
            shape.append(size + before[axis] + after[axis])
        }
        return TensorType(x.type, shape)
    }
}
