// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Packing
internal import Tensors

/// How what crosses a cut of the board's network lies in memory, and where the full network goes on from it.
struct CrossingForm: Sendable {
    /// In the nodes of the board's network, and of the full one.
    let position: Int
    let fullPosition: Int
    /// They lie row-major, one behind the other.
    private let values: [Value]

    /// - Returns: `nil` where something crosses that isn't packed: a batch of several frames, or numbers of another type.
    init?(_ cut: PlanDetails.Cut, crossing: [Value]) {
        let isPackable = crossing.allSatisfy { value in
            guard ActivationShape(of: value.shape) != nil else { return false }
            return value.type == .float32 ? value.quantization == nil : value.isQuantizedActivation && value.type == .uint8
        }
        guard isPackable, !crossing.isEmpty else { return nil }
        (position, fullPosition, values) = (cut.position, cut.fullPosition, crossing)
    }

    var bytes: Int { values.reduce(0) { $0 + $1.byteCount } }

    /// Packs what lies at the beginning of `memory`, value by value.
    ///
    /// - Parameter bits: 2 … 8, or 32: floats, in a form of their own.
    func packed(_ memory: [UInt8], bits: Int, form: PackingForm) throws(PackingError) -> [[UInt8]] {
        var packed: [[UInt8]] = []
        var offset = 0
        for value in values {
            let part = memory[offset..<offset + value.byteCount]
            offset += value.byteCount
            let storage = unsafe TensorStorage(count: part.count) { target in unsafe target.copyBytes(from: part) }
            let tensor = Tensor(type: value.type, shape: value.shape, storage: storage)
            let activation = try PackedActivation(tensor, value.quantization, bits: bits)
            packed.append(activation.packed(as: form))
        }
        return packed
    }
}
