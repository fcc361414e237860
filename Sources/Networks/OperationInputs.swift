// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// The values that an operation is applied to, with checks that say what was expected.
struct OperationInputs {
    /// Parameters of windows, pads and slices beyond this are refused, so that sums and products of a few of them fit an `Int`.
    static let largestParameter = 1 << 30

    var values: [Value?]
    /// What the graph says of the outputs; empty when only the inputs are known.
    var declared: [Value]

    /// - Parameter names: of all inputs, required ones first.
    func expect(_ names: [String], required: Int) throws(GraphError) {
        guard values.count <= names.count else {
            throw GraphError(.arity, "expected at most \(names.count) inputs, found \(values.count)")
        }
        for index in 0..<required { _ = try self.required(index, names[index]) }
    }

    func required(_ index: Int, _ name: String) throws(GraphError) -> Value {
        guard let value = optional(index) else { throw GraphError(.arity, "input \(index) (\(name)) is missing") }
        return value
    }

    func optional(_ index: Int) -> Value? { index < values.count ? values[index] : nil }

    /// Whether the operation works on quantised activations: its first input says so.
    var isQuantized: Bool { optional(0)?.isQuantizedActivation ?? false }

    /// The type of a quantised operation's result that may also be left in real numbers.
    var quantizedResultType: ElementType { declared.first?.type == .float32 ? .float32 : .uint8 }
}

extension Value {
    /// Unsigned 8 bit with one scale and one zero point.
    package var isQuantizedActivation: Bool { type == .uint8 && quantization.map { $0.axis == nil && $0.scales.count == 1 } == true }

    func expect(_ name: String, type expected: ElementType) throws(GraphError) {
        guard type == expected else { throw GraphError(.type, "\(name) is \(type), expected \(expected)") }
    }

    func expectFloatingPoint(_ name: String) throws(GraphError) {
        guard type.isFloatingPoint else { throw GraphError(.type, "\(name) is \(type), expected a floating-point type") }
    }

    func expectNumeric(_ name: String) throws(GraphError) {
        guard type != .bool else { throw GraphError(.type, "\(name) is bool, expected numbers") }
    }

    func expect(_ name: String, shape expected: [Int]) throws(GraphError) {
        guard shape == expected else { throw GraphError(.shape, "\(name) has the shape \(shape), expected \(expected)") }
    }

    func expectQuantizedActivation(_ name: String) throws(GraphError) {
        guard isQuantizedActivation else {
            throw GraphError(.quantization, "\(name) is \(type), expected uint8 with one scale and zero point")
        }
    }

    /// Signed 8 bit, symmetric, with one scale for each index of axis 0.
    func expectQuantizedWeights(_ name: String) throws(GraphError) {
        try expect(name, type: .int8)
        guard let quantization, quantization.axis == 0, quantization.zeroPoints.allSatisfy({ $0 == 0 }) else {
            throw GraphError(.quantization, "\(name) needs one scale for each output channel and zero points of 0")
        }
    }
}

/// Checks that `axis` exists in a tensor of `rank` axes.
func expectAxis(_ axis: Int, rank: Int) throws(GraphError) {
    guard axis >= 0, axis < rank else { throw GraphError(.parameter, "axis \(axis) doesn't exist in a tensor of \(rank) axes") }
}
