// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Window {
    /// Number of positions along an axis of `length` elements: `⌊(padsBefore + length + padsAfter − extent) / stride⌋ + 1`;
    /// with `ceilMode` rounded up, less a last position that would start behind the image and its pad before.
    ///
    /// - Throws: ``GraphError`` when the window doesn't fit even once.
    package func positions(axis: Int, length: Int, ceilMode: Bool = false) throws(GraphError) -> Int {
        let span = padsBefore[axis] + length + padsAfter[axis] - extent(axis: axis)
        guard span >= 0, length > 0 else {
            throw GraphError(.shape, "a window of \(extent(axis: axis)) is larger than the \(length) elements and pads of spatial axis \(axis)")
        }
        let stride = strides[axis]
        guard ceilMode else { return span / stride + 1 }
        let positions = (span + stride - 1) / stride + 1
        return (positions - 1) * stride >= length + padsBefore[axis] ? positions - 1 : positions
    }

    func spatialShape(of lengths: ArraySlice<Int>, ceilMode: Bool = false) throws(GraphError) -> [Int] {
        guard lengths.count == size.count, !lengths.isEmpty else {
            throw GraphError(.shape, "a window of \(size.count) axes over an image of \(lengths.count)")
        }
        try checkParameters()
        var result: [Int] = []
        for (axis, length) in lengths.enumerated() {
            result.append(try positions(axis: axis, length: length, ceilMode: ceilMode))
        }
        return result
    }

    private func checkParameters() throws(GraphError) {
        let limit = OperationInputs.largestParameter
        guard let elements = size.checkedElementCount, elements <= Graph.maximumWindow else {
            throw GraphError(.size, "a window of \(size), at most \(Graph.maximumWindow) elements are supported")
        }
        for (name, list, least) in [
            ("kernel", size, 1), ("strides", strides, 1), ("dilations", dilations, 1), ("pads", padsBefore, 0), ("pads", padsAfter, 0),
        ] {
            guard list.count == size.count else { throw GraphError(.parameter, "\(name): expected \(size.count) numbers, found \(list.count)") }
            guard list.allSatisfy({ $0 >= least && $0 <= limit }) else {
                throw GraphError(.parameter, "\(name) \(list): expected \(least) … \(limit)")
            }
        }
    }
}

extension Convolution {
    func output(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["x", "weights", "bias", "residual"], required: 2)
        let x = try inputs.required(0, "x")
        let weights = try inputs.required(1, "weights")
        guard x.shape.count >= 3, weights.shape.count == x.shape.count else {
            throw GraphError(.shape, "expected an image [n, c, spatial…] and weights of as many axes, found \(x.shape) and \(weights.shape)")
        }
        guard groups > 0, x.shape[1] % groups == 0, x.shape[1] / groups == weights.shape[1], weights.shape[0] % groups == 0 else {
            throw GraphError(.shape, "weights \(weights.shape) in \(groups) groups don't fit \(x.shape[1]) input channels")
        }
        try weights.expect("weights", shape: Array(weights.shape[..<2]) + window.size)
        let shape = [x.shape[0], weights.shape[0]] + (try window.spatialShape(of: x.shape[2...]))
        try inputs.optional(2)?.expect("bias", shape: [weights.shape[0]])
        try inputs.optional(3)?.expect("residual", shape: shape)
        return TensorType(try inputs.productType(activation: activation), shape)
    }
}

extension Pooling {
    func outputs(of inputs: OperationInputs) throws(GraphError) -> [TensorType] {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        switch kind {
        case .maximum: try x.expectNumeric("x")
        case .average: if !inputs.isQuantized { try x.expectFloatingPoint("x") }
        }
        guard x.shape.count >= 3 else { throw GraphError(.shape, "expected an image [n, c, spatial…], found \(x.shape)") }
        let shape = Array(x.shape[..<2]) + (try window.spatialShape(of: x.shape[2...], ceilMode: ceilMode))
        for axis in window.size.indices where max(window.padsBefore[axis], window.padsAfter[axis]) >= window.extent(axis: axis) {
            throw GraphError(.parameter, "pads as wide as the window of \(window.extent(axis: axis))")
        }
        let givesIndices = kind == .maximum && inputs.declared.count > 1
        return [TensorType(x.type, shape)] + (givesIndices ? [TensorType(.int64, shape)] : [])
    }
}
