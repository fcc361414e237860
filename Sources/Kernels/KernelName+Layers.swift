// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks

extension KernelName {
    /// The kernels that can compute a quantised convolution, whatever its weights, on a processor with `features`: any of them may be given to
    /// ``QuantizedConvolution``. Of a depthwise one these are the depthwise kernels only.
    ///
    /// - Precondition: as for the layer itself.
    package static func computing(
        _ convolution: Convolution, inputHeight: Int, inputWidth: Int, inputChannels: Int, outputChannels: Int, features: CPUFeatures = .current
    ) -> [KernelName] {
        let geometry = convolution_geometry(
            inputHeight: inputHeight, inputWidth: inputWidth, inputChannels: inputChannels, outputChannels: outputChannels,
            convolution: convolution)
        let isDepthwise = convolution.groups == inputChannels && outputChannels == inputChannels
        let suitsWinograd = unsafe withUnsafePointer(to: geometry) { unsafe qwinograd_suits($0) }
        return all.filter { kernel in
            guard kernel.features.isSubset(of: features) else { return false }
            switch kernel.kind {
            case .convolution, .binned: return !isDepthwise
            case .winograd: return !isDepthwise && suitsWinograd
            case .depthwise:
                let size = unsafe Int(qdepthwise_kernel_at(kernel.index).pointee.size)
                return isDepthwise && (size == 0 || convolution.window.size == [size, size])
            case .narrow, .vector, .float: return false
            }
        }
    }

    /// The sets of float32 kernels that a processor with `features` can run: any of them may be given to ``FloatConvolution``.
    package static func floatSets(features: CPUFeatures = .current) -> [KernelName] {
        all.filter { $0.kind == .float && $0.features.isSubset(of: features) }
    }
}
