// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Packing
internal import Tensors

/// A place where a network goes on from what a device sends.
struct CutStart {
    private let crossing: [Value]
    private let shapes: [ActivationShape]
    /// The outputs that can be computed from there.
    let outputs: Set<Int>

    init(_ cut: Cut, in graph: Graph) {
        crossing = cut.crossing.map { graph[$0] }
        shapes = crossing.compactMap { ActivationShape(of: $0.shape) }
        outputs = Set(graph.outputs.indices.filter { graph.canAnswer(at: $0, from: cut) })
    }

    /// The crossing tensors in float32. Nothing larger than they are is reserved.
    func unpack(_ activations: [[UInt8]], _ operation: String) throws(ModelFault) -> [Tensor] {
        guard activations.count == crossing.count else {
            throw ModelFault(.activations, operation, "\(activations.count) tensors were sent, \(crossing.count) cross there")
        }
        var tensors: [Tensor] = []
        for ((bytes, value), shape) in zip(zip(activations, crossing), shapes) {
            let activation: PackedActivation
            do {
                activation = try PackedActivation(unpacking: bytes, maximumCount: shape.count)
            } catch {
                throw ModelFault(.activations, operation, "'\(value.name)': \(error)")
            }
            guard activation.shape == shape else {
                throw ModelFault(.activations, operation, "'\(value.name)' was sent as \(activation.shape), it is \(shape)")
            }
            tensors.append(Tensor(shape: value.shape, activation.reals))
        }
        return tensors
    }
}
