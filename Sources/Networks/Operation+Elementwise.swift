// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Activation {
    func output(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        switch self {
        case .none: break
        case .relu: try x.expectNumeric("x")
        default: if !inputs.isQuantized { try x.expectFloatingPoint("x") }
        }
        try check()
        return x.tensorType
    }

    func check() throws(GraphError) {
        switch self {
        case .none, .relu, .sigmoid, .hardSwish, .silu: break
        case .clip(let low, let high):
            guard !low.isNaN, !high.isNaN else { throw GraphError(.parameter, "clip to \(low) … \(high)") }
        case .leakyRelu(let slope):
            guard slope.isFinite else { throw GraphError(.parameter, "a slope of \(slope)") }
        case .hardSigmoid(let alpha, let beta):
            guard alpha.isFinite, beta.isFinite else { throw GraphError(.parameter, "alpha \(alpha), beta \(beta)") }
        }
    }
}

extension Binary {
    func output(of inputs: OperationInputs, activation: Activation) throws(GraphError) -> TensorType {
        try inputs.expect(["a", "b"], required: 2)
        let a = try inputs.required(0, "a")
        let b = try inputs.required(1, "b")
        try a.expectNumeric("a")
        try b.expect("b", type: a.type)
        try activation.check()
        if inputs.isQuantized {
            try b.expectQuantizedActivation("b")
            guard activation.isClamp else { throw GraphError(.parameter, "a quantised \(self) fuses only relu and clip") }
            guard self != .divide else { throw GraphError(.type, "division has no quantised form") }
        } else if activation != .none {
            try a.expectFloatingPoint("a")
        }
        guard let shape = a.shape.broadcast(with: b.shape) else {
            throw GraphError(.shape, "\(a.shape) and \(b.shape) don't broadcast")
        }
        return TensorType(a.type, shape)
    }
}

extension Operation {
    static func preluOutput(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["x", "slope"], required: 2)
        let x = try inputs.required(0, "x")
        let slope = try inputs.required(1, "slope")
        try x.expectNumeric("x")
        try slope.expect("slope", type: x.type)
        guard slope.shape.broadcasts(to: x.shape) else { throw GraphError(.shape, "slope \(slope.shape) doesn't broadcast to \(x.shape)") }
        return x.tensorType
    }

    static func clipOutput(of inputs: OperationInputs) throws(GraphError) -> TensorType {
        try inputs.expect(["x", "low", "high"], required: 1)
        let x = try inputs.required(0, "x")
        try x.expectNumeric("x")
        for (name, limit) in [("low", inputs.optional(1)), ("high", inputs.optional(2))] {
            guard let limit else { continue }
            try limit.expect(name, type: x.type)
            guard limit.shape.elementCount == 1 else { throw GraphError(.shape, "\(name) has the shape \(limit.shape), expected a scalar") }
        }
        return x.tensorType
    }

    static func batchNormalizationOutput(of inputs: OperationInputs, epsilon: Float) throws(GraphError) -> TensorType {
        try inputs.expect(["x", "scale", "bias", "mean", "variance"], required: 5)
        let x = try inputs.required(0, "x")
        try x.expectFloatingPoint("x")
        guard x.shape.count >= 2 else { throw GraphError(.shape, "expected an image [n, c, spatial…], found \(x.shape)") }
        guard epsilon.isFinite, epsilon >= 0 else { throw GraphError(.parameter, "an epsilon of \(epsilon)") }
        for (index, name) in ["scale", "bias", "mean", "variance"].enumerated() {
            let parameter = try inputs.required(index + 1, name)
            try parameter.expectFloatingPoint(name)
            try parameter.expect(name, shape: [x.shape[1]])
        }
        return x.tensorType
    }

    static func softmaxOutput(of inputs: OperationInputs, axis: Int) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        try x.expectFloatingPoint("x")
        try expectAxis(axis, rank: x.shape.count)
        return x.tensorType
    }

    static func responseNormalizationOutput(of inputs: OperationInputs, size: Int) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        try x.expectFloatingPoint("x")
        guard x.shape.count >= 2 else { throw GraphError(.shape, "expected an image [n, c, spatial…], found \(x.shape)") }
        guard size >= 1, size <= OperationInputs.largestParameter else { throw GraphError(.parameter, "a size of \(size)") }
        return x.tensorType
    }

    static func meanOutput(of inputs: OperationInputs, axes: [Int], keepsDimensions: Bool) throws(GraphError) -> TensorType {
        try inputs.expect(["x"], required: 1)
        let x = try inputs.required(0, "x")
        try x.expectNumeric("x")
        for axis in axes {
            try expectAxis(axis, rank: x.shape.count)
            guard x.shape[axis] > 0 else { throw GraphError(.shape, "the mean of no elements: \(x.shape)") }
        }
        guard Set(axes).count == axes.count else { throw GraphError(.parameter, "axes \(axes) repeat") }
        let shape = x.shape.enumerated().compactMap { axis, size in
            axes.contains(axis) ? (keepsDimensions ? 1 : nil) : size
        }
        return TensorType(x.type, shape)
    }
}
