// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Whether the end is the result of a softmax over all of its elements, perhaps in another shape or through 8-bit numbers.
    package var endsInSoftmax: Bool { !outputs.isEmpty && isSoftmax(end) }

    /// Whether an output is such a result.
    func isSoftmax(_ output: ValueID) -> Bool {
        var id = output
        let count = self[id].shape.elementCount
        for node in nodes.reversed() where node.outputs.contains(id) {
            switch node.operation {
            case .softmax(let axis): return self[id].shape.indices.contains(axis) && self[id].shape[axis] == count
            case .reshape, .activation(.none), .transpose, .quantize, .dequantize:
                guard let input = node.input(0) else { return false }
                id = input
            default: return false
            }
        }
        return false
    }
}
