// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Graph {
    /// The largest tensor that a graph may hold. It bounds what a hostile file makes a reader reserve.
    package static let maximumElements = 1 << 28
    package static let maximumRank = 8
    /// The most elements that a convolution's or pool's window has.
    package static let maximumWindow = 1 << 20

    /// Verifies the rules that ``Graph`` states, and those of quantised values, for a graph that comes from outside.
    ///
    /// - Throws: the first ``GraphError``, naming the node or value.
    package func check() throws(GraphError) {
        for value in values { try checkValue(value) }
        var available = try valuesBeforeNodes()
        for (index, node) in nodes.enumerated() {
            let subject = "node '\(node.name)' (\(index))"
            do throws(GraphError) {
                try checkOrder(of: node, available: &available)
                try checkResults(of: node)
            } catch {
                throw GraphError(error.code, error.cause, subject: subject)
            }
        }
        guard !outputs.isEmpty else { throw GraphError(.structure, "the graph has no output") }
        for id in outputs {
            guard values.indices.contains(id.rawValue), available[id.rawValue] else {
                throw GraphError(.structure, "graph output \(name(of: id)) is never computed")
            }
        }
    }

    private func name(of id: ValueID) -> String {
        values.indices.contains(id.rawValue) ? "'\(self[id].name)'" : "number \(id.rawValue)"
    }

    private func checkValue(_ value: Value) throws(GraphError) {
        do throws(GraphError) {
            try value.tensorType.checkSize()
            if let constant = value.constant, constant.type != value.type || constant.shape != value.shape {
                throw GraphError(.shape, "declared as \(value.tensorType), the constant is \(constant.type) \(constant.shape)")
            }
            try value.checkQuantization()
        } catch {
            throw GraphError(error.code, error.cause, subject: "value '\(value.name)'")
        }
    }

    /// Which values exist before the first node runs: constants and inputs.
    private func valuesBeforeNodes() throws(GraphError) -> [Bool] {
        var available = values.map { $0.constant != nil }
        for id in inputs {
            guard values.indices.contains(id.rawValue) else { throw GraphError(.structure, "graph input \(name(of: id)) doesn't exist") }
            guard !available[id.rawValue] else { throw GraphError(.structure, "graph input \(name(of: id)) is a constant or listed twice") }
            available[id.rawValue] = true
        }
        return available
    }

    private func checkOrder(of node: Node, available: inout [Bool]) throws(GraphError) {
        for case let id? in node.inputs {
            guard values.indices.contains(id.rawValue), available[id.rawValue] else {
                throw GraphError(.structure, "input \(name(of: id)) isn't computed before it is used")
            }
        }
        for id in node.outputs {
            guard values.indices.contains(id.rawValue) else { throw GraphError(.structure, "output \(name(of: id)) doesn't exist") }
            guard !available[id.rawValue] else { throw GraphError(.structure, "output \(name(of: id)) is computed twice") }
            available[id.rawValue] = true
        }
    }

    private func checkResults(of node: Node) throws(GraphError) {
        let inputs = node.inputs.map { $0.map { self[$0] } }
        let declared = node.outputs.map { self[$0] }
        let inferred = try node.operation.outputs(of: inputs, declared: declared)
        guard inferred.count == declared.count else {
            throw GraphError(.arity, "expected \(inferred.count) outputs, found \(declared.count)")
        }
        for (result, value) in zip(inferred, declared) where result != value.tensorType {
            throw GraphError(.shape, "output '\(value.name)' is declared \(value.tensorType), but is \(result)")
        }
        try node.operation.checkQuantization(inputs: inputs, outputs: declared)
    }
}
