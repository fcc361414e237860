// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// Names one value of a graph: its position in ``Graph/values``.
package struct ValueID: RawRepresentable, Hashable, Sendable, Codable {
    package var rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
}

/// A tensor that flows along an edge of a graph, or a constant.
package struct Value: Sendable {
    package var name: String
    package var type: ElementType
    /// Static: every size is known. Images are `[n, c, h, w]` whatever layout the engine keeps them in.
    package var shape: [Int]
    /// What 8-bit (or 32-bit bias) elements stand for; `nil` for plain numbers.
    package var quantization: Quantization?
    /// The elements of a constant; `nil` for what is computed or fed in.
    package var constant: Tensor?

    package init(
        name: String, type: ElementType, shape: [Int], quantization: Quantization? = nil, constant: Tensor? = nil
    ) {
        self.name = name
        self.type = type
        self.shape = shape
        self.quantization = quantization
        self.constant = constant
    }

    package init(name: String, constant: Tensor, quantization: Quantization? = nil) {
        self.init(name: name, type: constant.type, shape: constant.shape, quantization: quantization, constant: constant)
    }
}

/// One application of an operation.
package struct Node: Sendable {
    package var name: String
    package var operation: Operation
    /// In the order that the operation defines; `nil` for an optional input that is absent.
    package var inputs: [ValueID?]
    package var outputs: [ValueID]

    package init(name: String, operation: Operation, inputs: [ValueID?], outputs: [ValueID]) {
        self.name = name
        self.operation = operation
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// A network: operations in an order in which they can run, and the values between them.
///
/// Whatever builds a graph keeps these rules; ``check()`` verifies them and is called on everything that comes from outside:
/// nodes are in topological order, each value is produced at most once, shapes and types are those that
/// ``Operation/outputs(of:)`` infers, constants fit their declaration.
package struct Graph: Sendable {
    package var name: String
    package var values: [Value] = []
    package var nodes: [Node] = []
    package var inputs: [ValueID] = []
    package var outputs: [ValueID] = []

    package init(name: String) { self.name = name }

    package subscript(id: ValueID) -> Value {
        get { values[id.rawValue] }
        set { values[id.rawValue] = newValue }
    }

    @discardableResult
    package mutating func add(_ value: Value) -> ValueID {
        values.append(value)
        return ValueID(rawValue: values.count - 1)
    }

    /// Appends a node with one output.
    @discardableResult
    package mutating func add(_ operation: Operation, name: String, inputs: [ValueID?], output: Value) -> ValueID {
        let id = add(output)
        nodes.append(Node(name: name, operation: operation, inputs: inputs, outputs: [id]))
        return id
    }
}
