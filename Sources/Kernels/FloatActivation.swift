// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks

/// An activation of float32 values, element by element. The exponential in sigmoid and SiLU is within 2 units in the last place.
package struct FloatActivation: Sendable {
    package let activation: Activation
    package var kernelName: String { "activate_f32_\(kernels.name)" }
    let function: activation_function
    private let kernels: VectorKernels

    package init(_ activation: Activation, features: CPUFeatures = .current) {
        self.activation = activation
        function = activation.function
        kernels = VectorKernels(features: features)
    }

    /// - Precondition: as many outputs as inputs.
    @_lifetime(output: copy output)
    package func run(input: Span<Float>, output: inout MutableSpan<Float>) {
        precondition(input.count == output.count)
        unsafe input.withUnsafeBufferPointer { from in
            unsafe output.withUnsafeMutableBufferPointer { to in
                unsafe withUnsafePointer(to: function) { function in
                    unsafe kernels.table.activate(function, from.baseAddress, to.baseAddress, from.count)
                }
            }
        }
    }

    package func run(inPlace values: inout MutableSpan<Float>) {
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe withUnsafePointer(to: function) { function in
                unsafe kernels.table.activate(function, values.baseAddress, values.baseAddress, values.count)
            }
        }
    }
}

extension Activation {
    var function: activation_function {
        switch self {
        case .none: activation_function(kind: Int32(ACTIVATION_CLAMP.rawValue), p: -.infinity, q: .infinity)
        case .relu: activation_function(kind: Int32(ACTIVATION_CLAMP.rawValue), p: 0, q: .infinity)
        case .clip(let low, let high): activation_function(kind: Int32(ACTIVATION_CLAMP.rawValue), p: low, q: high)
        case .leakyRelu(let slope): activation_function(kind: Int32(ACTIVATION_LEAKY_RELU.rawValue), p: slope, q: 0)
        case .sigmoid: activation_function(kind: Int32(ACTIVATION_SIGMOID.rawValue), p: 0, q: 0)
        case .hardSigmoid(let alpha, let beta): activation_function(kind: Int32(ACTIVATION_HARD_SIGMOID.rawValue), p: alpha, q: beta)
        case .hardSwish: activation_function(kind: Int32(ACTIVATION_HARD_SWISH.rawValue), p: 0, q: 0)
        case .silu: activation_function(kind: Int32(ACTIVATION_SILU.rawValue), p: 0, q: 0)
        }
    }
}
