// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Graph {
    /// Checks that every number which the nodes compute with is finite; limits of a clip, and what a border is filled with, may be infinite.
    func checkNumbers() throws(CompilationError) {
        for node in nodes {
            guard node.operation.numbers.allSatisfy(\.isFinite), !node.operation.openLimits.contains(where: \.isNaN) else {
                throw CompilationError("node '\(node.name)'", "a parameter of it is not a finite number")
            }
            let isClip = node.operation == .clip
            for case let id? in node.inputs {
                guard let constant = self[id].constant, constant.type.isFloatingPoint else { continue }
                guard constant.floats.allSatisfy({ $0.isFinite || (isClip && !$0.isNaN) }) else {
                    throw CompilationError("node '\(node.name)'", "its constant '\(self[id].name)' holds a value that is not a finite number")
                }
            }
        }
    }
}

extension Operation {
    /// The parameters that must be finite.
    fileprivate var numbers: [Float] {
        switch self {
        case .gemm(let gemm): [gemm.alpha, gemm.beta] + gemm.activation.numbers
        case .convolution(let convolution): convolution.activation.numbers
        case .binary(_, let activation), .activation(let activation): activation.numbers
        case .batchNormalization(let epsilon): [epsilon]
        case .localResponseNormalization(_, let alpha, let beta, let bias): [alpha, beta, bias]
        default: []
        }
    }

    /// The parameters that may be infinite.
    fileprivate var openLimits: [Double] {
        switch self {
        case .gemm(let gemm): gemm.activation.openLimits
        case .convolution(let convolution): convolution.activation.openLimits
        case .binary(_, let activation), .activation(let activation): activation.openLimits
        case .pad(let padding): [padding.value]
        default: []
        }
    }
}

extension Activation {
    fileprivate var numbers: [Float] {
        switch self {
        case .leakyRelu(let slope): [slope]
        case .hardSigmoid(let alpha, let beta): [alpha, beta]
        case .none, .relu, .clip, .sigmoid, .hardSwish, .silu: []
        }
    }

    fileprivate var openLimits: [Double] {
        if case .clip(let low, let high) = self { return [Double(low), Double(high)] }
        return []
    }
}
