// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// How much is computed while a model is read: shapes and small constants, not layers, whatever the file asks for.
struct FoldingBudget {
    /// Elements and products, of one operation and of all.
    static let largest = 1 << 22
    private var left = 1 << 26

    /// Whether an operation on constants is to be computed now; takes its cost from the budget if so.
    mutating func takes(_ operation: Networks.Operation, inputs: [Value?], outputs: [Value]) -> Bool {
        switch operation {
        // Folded weights would lose the scales that the file gives them.
        case .quantize, .dequantize: return false
        default: break
        }
        let elements = (inputs.compactMap(\.self) + outputs).reduce(0) { $0 + $1.shape.elementCount }
        let (products, overflow) = outputs.reduce(0) { $0 + $1.shape.elementCount }
            .multipliedReportingOverflow(by: Self.reduction(operation, inputs))
        guard !overflow, elements <= Self.largest, products <= Self.largest, elements + products <= left else { return false }
        left -= elements + products
        return true
    }

    /// Inputs that each element of the result is made from.
    private static func reduction(_ operation: Networks.Operation, _ inputs: [Value?]) -> Int {
        let second = (inputs.count > 1 ? inputs[1] : nil)?.shape ?? []
        switch operation {
        case .convolution: return second.dropFirst().reduce(1, *)
        case .gemm, .matMul: return second.reduce(1, max)
        case .pool(let pooling): return pooling.window.size.checkedElementCount ?? .max
        case .localResponseNormalization(let size, _, _, _): return size
        default: return 1
        }
    }
}
