// SPDX-License-Identifier: Apache-2.0
internal import Definitions
internal import Networks
internal import Tensors

/// Runs a node by its definition, for what has no kernel: slow, reserves memory, and can fail on values.
struct DefinitionStep: Sendable {
    enum Operand: Sendable {
        case slot(Slot, Value)
        case constant(Tensor, Quantization?)
    }

    var node: Node
    /// Slots are row-major.
    var inputs: [Operand?]
    /// Row-major.
    var outputs: [(slot: Slot, value: Value)]

    /// All slots that the step touches.
    var slots: [Slot] {
        outputs.map(\.slot) + inputs.compactMap { if case .slot(let slot, _) = $0 { slot } else { nil } }
    }

    func run(in memory: Memory) throws(InferenceError) {
        let operands = inputs.map { operand -> Tensor? in
            switch operand {
            case .slot(let slot, let value): memory.tensor(slot, type: value.type, shape: value.shape)
            case .constant(let tensor, _): tensor
            case nil: nil
            }
        }
        let results = try node.evaluated(operands, quantizations: inputs.map { $0?.quantization }, outputs: outputs.map(\.value))
        for (result, output) in zip(results, outputs) {
            guard result.type == output.value.type, result.shape == output.value.shape else {
                throw InferenceError(.evaluation, "node '\(node.name)'", "the result is \(result.type) \(result.shape)")
            }
            memory.store(result, in: output.slot)
        }
    }
}

extension Node {
    /// Applies the operation's definition.
    func evaluated(
        _ operands: [Tensor?], quantizations: [Quantization?], outputs: [Value]
    ) throws(InferenceError) -> [Tensor] {
        do throws(EvaluationError) {
            return try evaluate(operation, inputs: operands, quantizations: quantizations, outputs: outputs)
        } catch {
            throw InferenceError(error.code == .undefined ? .unsupported : .evaluation, "node '\(name)'", error.description)
        }
    }
}

extension DefinitionStep.Operand {
    fileprivate var quantization: Quantization? {
        switch self {
        case .slot(_, let value): value.quantization
        case .constant(_, let quantization): quantization
        }
    }
}

extension Memory {
    /// A copy of a row-major slot.
    func tensor(_ slot: Slot, type: ElementType, shape: [Int]) -> Tensor {
        let storage = unsafe TensorStorage(count: shape.elementCount * type.size) { bytes in
            unsafe withUnsafeBytes(of: slot) { source in
                unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<bytes.count]))
            }
        }
        return Tensor(type: type, shape: shape, storage: storage)
    }

    /// Copies a tensor into a slot, row-major.
    ///
    /// - Precondition: the slot is as large.
    func store(_ tensor: Tensor, in slot: Slot) {
        unsafe tensor.storage.withUnsafeBytes { source in
            unsafe withUnsafeBytes(of: slot) { unsafe $0.copyMemory(from: source) }
        }
    }
}
