// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors

/// A prepared 2-D convolution in float32, n = 1, NHWC: `activation(conv(x, w) + bias + residual)`.
///
/// A result depends on nothing but the layer and the processor: neither on how rows and channels are divided among runs and threads nor
/// on where an image lies. By the direct method a sum of k products is within `(k + 2) · ε · Σ |products|` of the exact one, ε = 2⁻²⁴; Winograd's
/// F(4×4, 3×3), taken for large enough 3×3 windows with stride 1, has the bound that `float_winograd.c` derives.
/// Infinities and NaN of the input reach the outputs whose windows meet them; by Winograd's method all outputs of their 4×4 tiles, as NaN.
///
/// Images may be parts of wider ones: steps are the elements from pixel to pixel; what lies between the pixels of the output is left
/// as it is.
@safe
package struct FloatConvolution: Sendable {
    package let outputHeight: Int
    package let outputWidth: Int
    package let outputChannels: Int
    /// Bytes that a run needs; any alignment. Each thread brings its own.
    package let scratchBytes: Int
    /// A run starts and stops at multiples of this many rows (or at the end).
    package let rowAlignment: Int
    /// A run starts and stops at multiples of this many output channels (or at the end); `nil`: it computes all of them.
    package let channelAlignment: Int?
    package let kernelName: String
    /// Whether products are Winograd's.
    package let isWinograd: Bool
    /// Whether the kernel reads packed weights where they lie, instead of a copy in an order of its own.
    package var readsWeightsInPlace: Bool { borrowed != nil }

    private let plan: fconvolution
    private let inputCount: Int
    private let outputCount: Int
    /// `nil` without a residual.
    private let residualCount: Int?
    /// Holds what `plan` points to, the weights excepted where they are borrowed.
    private let storage: TensorStorage
    /// Packed weights that are read where they lie.
    private let borrowed: PackedWeights?

    /// - Parameters:
    ///   - weights: float32 `[o, inputChannels / groups, kernelHeight, kernelWidth]`; packed ones are read where they lie by the direct method.
    ///   - bias: `[o]`.
    ///   - steps: from pixel to pixel, where that is more than the channels.
    ///   - kernel: instead of the dispatcher's choice: for tests and benchmarks.
    ///   - isWinograd: likewise, where the direct method and Winograd's can both compute the layer.
    /// - Precondition: two spatial axes; the shapes fit; the output isn't empty.
    package init(
        weights: Tensor, bias: [Float]?, inputHeight: Int, inputWidth: Int, inputChannels: Int, convolution: Convolution,
        residual: Bool = false, steps: (input: Int?, output: Int?, residual: Int?) = (nil, nil, nil), features: CPUFeatures = .current,
        kernel: KernelName? = nil, isWinograd wanted: Bool? = nil
    ) {
        let outputs = weights.shape[0]
        let geometry = convolution_geometry(
            inputHeight: inputHeight, inputWidth: inputWidth, inputChannels: inputChannels, outputChannels: outputs, convolution: convolution,
            steps: steps)
        precondition(weights.type == .float32 && weights.shape == [outputs, inputChannels / convolution.groups] + convolution.window.size)
        precondition(bias == nil || bias?.count == outputs)

        var plan = unsafe fconvolution()
        unsafe plan.geometry = geometry
        unsafe plan.kernels = kernel.map { unsafe float_kernels_at($0.index) } ?? float_kernels_choose(features.rawValue)
        unsafe plan.activation = convolution.activation.function
        unsafe plan.method = fconvolution_choose_method(&plan)
        if let wanted, unsafe fconvolution_suits_winograd(&plan) {
            unsafe plan.method = wanted ? FCONVOLUTION_WINOGRAD : FCONVOLUTION_DIRECT
        }
        unsafe plan.strip_rows = fconvolution_choose_strip(&plan)
        let method =
            switch unsafe plan.method {
            case FCONVOLUTION_DEPTHWISE: "fdepthwise"
            case FCONVOLUTION_WINOGRAD: "fwinograd4x4"
            default: "fgemm"
            }
        kernelName = unsafe "\(method)_\(String(cString: plan.kernels.pointee.name))"
        isWinograd = unsafe plan.method == FCONVOLUTION_WINOGRAD

        let lying = unsafe Self.packed(weights, &plan)
        let lent = unsafe lying != nil && fconvolution_takes_o16(&plan) ? lying : nil
        let weightBytes = unsafe lent == nil ? (fconvolution_weight_count(&plan) * 4 + 63) / 64 * 64 : 0
        let biasBytes = unsafe fconvolution_bias_count(&plan) * 4
        storage = unsafe TensorStorage(count: weightBytes + biasBytes) { bytes in
            let packed = unsafe bytes.baseAddress!.assumingMemoryBound(to: Float.self)
            let padded = unsafe packed + weightBytes / 4
            if let lent {
                // Valid for as long as `borrowed` is.
                unsafe plan.weights = lent.storage.withUnsafeBytes { unsafe UnsafePointer($0.baseAddress!.assumingMemoryBound(to: Float.self)) }
            } else {
                let source = lying?.storage ?? weights.storage
                unsafe source.withUnsafeBytes { elements in
                    let start = unsafe elements.baseAddress!.assumingMemoryBound(to: Float.self)
                    unsafe fconvolution_pack_weights(&plan, start, lying == nil ? FCONVOLUTION_CANONICAL : FCONVOLUTION_O16, packed)
                }
                unsafe plan.weights = UnsafePointer(packed)
            }
            if let bias {
                unsafe bias.withUnsafeBufferPointer { unsafe fconvolution_pack_bias(&plan, $0.baseAddress, padded) }
            } else {
                unsafe fconvolution_pack_bias(&plan, nil, padded)
            }
            unsafe plan.bias = UnsafePointer(padded)
        }
        borrowed = lent
        let scratch = unsafe fconvolution_scratch_bytes(&plan)
        scratchBytes = scratch == 0 ? 0 : scratch + 63
        rowAlignment = unsafe fconvolution_row_alignment(&plan)
        let channels = unsafe fconvolution_channel_alignment(&plan)
        channelAlignment = channels > 0 ? channels : nil
        outputHeight = geometry.output_height
        outputWidth = geometry.output_width
        outputChannels = outputs
        let outputPixels = geometry.output_height * geometry.output_width
        inputCount = (inputHeight * inputWidth - 1) * geometry.input_step + inputChannels
        outputCount = (outputPixels - 1) * geometry.output_step + outputs
        residualCount = residual ? (outputPixels - 1) * geometry.residual_step + outputs : nil
        unsafe self.plan = plan
    }

    /// The packed form of weights, where the method reads it or is made of it.
    @unsafe
    private static func packed(_ weights: Tensor, _ plan: inout fconvolution) -> PackedWeights? {
        guard let packed = weights.storage.packed, packed.type == .float32, packed.shape == weights.shape, unsafe plan.geometry.groups == 1,
            unsafe plan.method != FCONVOLUTION_DEPTHWISE
        else { return nil }
        let isAligned = unsafe packed.storage.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % TensorStorage.alignment == 0 }
        return isAligned ? packed : nil
    }

    /// Whether ``run(images:input:output:)`` can compute it: an image is one pixel, so is a window, and no residual is announced.
    package var takesImages: Bool { residualCount == nil && (unsafe withUnsafePointer(to: plan) { unsafe fconvolution_takes_images($0) }) }

    /// Computes several images, each with the bits that it has alone; weights are read once for several of them.
    ///
    /// - Parameters:
    ///   - input: `[images, inputChannels]`.
    ///   - output: `[images, outputChannels]`.
    /// - Precondition: ``takesImages``.
    @_lifetime(output: copy output)
    package func run(images: Int, input: Span<Float>, output: inout MutableSpan<Float>) {
        precondition(takesImages && images > 0)
        precondition(unsafe input.count >= images * plan.geometry.input_channels && output.count >= images * outputChannels)
        unsafe withUnsafePointer(to: plan) { plan in
            unsafe input.withUnsafeBufferPointer { input in
                unsafe output.withUnsafeMutableBufferPointer { output in
                    unsafe fconvolution_run_images(plan, input.baseAddress, output.baseAddress, images)
                }
            }
        }
    }

    /// Computes output rows `rows` of output channels `channels`, by default all; what else the output holds is left as it is.
    ///
    /// - Parameters:
    ///   - input: `[h, w, c]`.
    ///   - residual: `[outputHeight, outputWidth, outputChannels]`, present exactly if announced.
    ///   - output: `[outputHeight, outputWidth, outputChannels]`.
    @_lifetime(output: copy output) @_lifetime(scratch: copy scratch)
    package func run(
        input: Span<Float>, residual: Span<Float>?, output: inout MutableSpan<Float>, scratch: inout MutableSpan<UInt8>, rows: Range<Int>,
        channels: Range<Int>? = nil
    ) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight && rows.lowerBound % rowAlignment == 0)
        precondition(rows.upperBound % rowAlignment == 0 || rows.upperBound == outputHeight)
        precondition(input.count >= inputCount && output.count >= outputCount && scratch.count >= scratchBytes)
        precondition((residual != nil) == (residualCount != nil))
        let channels = channels ?? 0..<outputChannels
        precondition(areDividable(channels, of: outputChannels, alignment: channelAlignment), "channels that can't be computed by themselves")
        var part = fconvolution_part(
            first_row: rows.lowerBound, last_row: rows.upperBound, first_channel: channels.lowerBound, last_channel: channels.upperBound)
        unsafe withUnsafePointer(to: plan) { plan in
            unsafe input.withUnsafeBufferPointer { input in
                unsafe output.withUnsafeMutableBufferPointer { output in
                    unsafe scratch.withUnsafeMutableBytes { scratch in
                        let aligned = unsafe scratch.baseAddress?.alignedUp(toMultipleOf: 64)
                        if let residual, let residualCount {
                            precondition(residual.count >= residualCount)
                            unsafe residual.withUnsafeBufferPointer { residual in
                                unsafe fconvolution_run(
                                    plan, input.baseAddress, residual.baseAddress, output.baseAddress, aligned, &part)
                            }
                        } else {
                            unsafe fconvolution_run(plan, input.baseAddress, nil, output.baseAddress, aligned, &part)
                        }
                    }
                }
            }
        }
    }
}
