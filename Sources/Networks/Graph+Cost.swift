// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// What running a node takes.
package struct Cost: Hashable, Sendable, Codable {
    /// Multiplications with addition in convolutions and matrix products; 0 for every other operation.
    package var multiplyAccumulates = 0
    /// Bytes of the constants that the node reads.
    package var parameterBytes = 0
    /// Bytes of the results that the node writes.
    package var activationBytes = 0

    package init() {}

    package static func + (a: Cost, b: Cost) -> Cost {
        var sum = a
        sum.multiplyAccumulates += b.multiplyAccumulates
        sum.parameterBytes += b.parameterBytes
        sum.activationBytes += b.activationBytes
        return sum
    }
}

extension Value {
    package var byteCount: Int { shape.elementCount * type.size }
}

extension Graph {
    /// - Precondition: the node is one of a graph that passed ``check()``.
    package func cost(of node: Node) -> Cost {
        var cost = Cost()
        for case let id? in node.inputs where self[id].constant != nil { cost.parameterBytes += self[id].byteCount }
        for id in node.outputs { cost.activationBytes += self[id].byteCount }
        cost.multiplyAccumulates = self[node.outputs[0]].shape.elementCount * reductionLength(of: node)
        return cost
    }

    /// Of the whole graph; a constant that several nodes read counts once for each.
    package var cost: Cost { nodes.reduce(Cost()) { $0 + cost(of: $1) } }

    /// Products that are added up for each element of a convolution or matrix product.
    private func reductionLength(of node: Node) -> Int {
        func shape(_ index: Int) -> [Int] { node.inputs[index].map { self[$0].shape } ?? [] }
        switch node.operation {
        case .convolution: return shape(1).dropFirst().reduce(1, *)
        case .gemm(let gemm): return shape(0)[gemm.transposesA ? 0 : 1]
        case .matMul: return shape(0).last ?? 0
        default: return 0
        }
    }
}
