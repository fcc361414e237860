// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

/// Why an operation has no result for these inputs.
package struct EvaluationError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package var rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The inputs don't fit the operation or the declared outputs.
        package static let operands = Code(rawValue: "operands")
        /// An integer was divided by zero.
        package static let division = Code(rawValue: "division by zero")
        /// The quantised form of this operation isn't defined.
        package static let undefined = Code(rawValue: "undefined")
    }

    package var code: Code
    package var cause: String

    package init(_ code: Code, _ cause: String) {
        self.code = code
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(cause)" }
}

/// What one operation means: the naive definition that every other implementation is compared with.
///
/// Real numbers are computed in double precision and rounded to the type of the output once. Integers wrap.
///
/// - Parameters:
///   - quantizations: of the inputs, where they have one.
///   - outputs: as the graph declares them: names are ignored, types and shapes must be those that the operation infers.
package func evaluate(
    _ operation: Networks.Operation, inputs: [Tensor?], quantizations: [Quantization?] = [], outputs: [Value]
) throws(EvaluationError) -> [Tensor] {
    let values = inputs.indices.map { index in
        inputs[index].map {
            Value(name: "input \(index)", constant: $0, quantization: index < quantizations.count ? quantizations[index] : nil)
        }
    }
    do throws(GraphError) {
        let inferred = try operation.outputs(of: values, declared: outputs)
        guard inferred == outputs.map(\.tensorType) else {
            throw GraphError(.shape, "the outputs are \(inferred), declared as \(outputs.map(\.tensorType))")
        }
    } catch {
        throw EvaluationError(.operands, error.description)
    }
    guard !outputs.allSatisfy({ $0.shape.elementCount == 0 }) else {
        return outputs.map { Tensor(type: $0.type, shape: $0.shape, storage: Tensor(shape: [0], [UInt8]()).storage) }
    }
    if let moved = rearrangement(operation, inputs: inputs, outputs: outputs) { return moved }
    return try Definition(inputs: values, outputs: outputs).evaluate(operation)
}

/// A whole graph, node by node.
///
/// - Parameters:
///   - inputs: one for each of the graph's inputs, of their types and shapes.
///   - observe: is given each result as it is computed.
/// - Precondition: the graph passed ``Graph/check()``.
package func evaluate(
    _ graph: Graph, inputs: [Tensor], observing observe: (ValueID, Tensor) -> Void = { _, _ in }
) throws(EvaluationError) -> [Tensor] {
    guard inputs.count == graph.inputs.count else {
        throw EvaluationError(.operands, "expected \(graph.inputs.count) inputs, found \(inputs.count)")
    }
    var tensors = graph.values.map(\.constant)
    for (id, input) in zip(graph.inputs, inputs) {
        guard TensorType(input.type, input.shape) == graph[id].tensorType else {
            throw EvaluationError(.operands, "input '\(graph[id].name)' is \(input.type) \(input.shape), expected \(graph[id].tensorType)")
        }
        tensors[id.rawValue] = input
    }
    for node in graph.nodes {
        let results: [Tensor]
        do throws(EvaluationError) {
            results = try evaluate(
                node.operation, inputs: node.inputs.map { $0.flatMap { tensors[$0.rawValue] } },
                quantizations: node.inputs.map { $0.flatMap { graph[$0].quantization } }, outputs: node.outputs.map { graph[$0] })
        } catch {
            throw EvaluationError(error.code, "node '\(node.name)': \(error.cause)")
        }
        for (id, result) in zip(node.outputs, results) {
            tensors[id.rawValue] = result
            observe(id, result)
        }
    }
    return graph.outputs.compactMap { tensors[$0.rawValue] }
}
