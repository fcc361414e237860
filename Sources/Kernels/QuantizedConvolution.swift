// SPDX-License-Identifier: Apache-2.0
internal import CKernels
package import Networks
package import Tensors

/// A prepared 2-D convolution of unsigned 8-bit activations with signed 8-bit weights, n = 1, NHWC.
///
///     acc = Σ (x − inputZeroPoint) · w + bias          in int32, wrapping; padding contributes 0
///     output = Requantization.apply(acc, adding residual)                                       quantised
///     output = clamp(Float(acc) · Float(sx · sw[c]) + Float(residual − zr) · sr, low, high)      float32
///
/// A table replaces each quantised result. Images may be parts of wider ones: steps are the elements from pixel to pixel; what lies
/// between the pixels of the output is left as it is.
///
/// The sum can't overflow while `255 · 127 · inputChannels / groups · kernelHeight · kernelWidth + |bias| < 2³¹`.
/// All kernels give the same bits. Runs don't allocate, and depend on nothing but their arguments: threads may compute disjoint
/// `rows` or `channels` of one output at the same time, each with its own scratch.
@safe
package struct QuantizedConvolution: Sendable {
    package let outputHeight: Int
    package let outputWidth: Int
    package let outputChannels: Int
    /// Bytes that a run needs; any alignment. Each thread brings its own.
    package let scratchBytes: Int
    /// Runs that start and stop at multiples of this many rows (or at the end) compute nothing twice.
    package let rowAlignment: Int
    /// A run may start and stop at multiples of this many output channels (or at the end); `nil`: it computes all of them.
    package let channelAlignment: Int?
    package let kernelName: String
    /// Whether the kernel reads packed weights where they lie, instead of a copy in an order of its own.
    package var readsWeightsInPlace: Bool { borrowed != nil }

    private let plan: qconvolution
    private let inputCount: Int
    private let outputCount: Int
    private let residualCount: Int
    /// Holds what `plan` points to, the weights excepted where they are borrowed.
    private let storage: TensorStorage
    /// Packed weights that are read where they lie.
    private let borrowed: PackedWeights?

    /// - Parameters:
    ///   - weights: int8 `[o, inputChannels / groups, kernelHeight, kernelWidth]`, −127 … 127.
    ///   - bias: `[o]`, of scale `input.scale · weight.scales[c]`; `nil` for zeros.
    ///   - weight: one scale an output channel, or one for all.
    ///   - output: `nil` for float32 output.
    ///   - residual: of the tensor that is added, if there is one.
    ///   - steps: from pixel to pixel, where that is more than the channels.
    ///   - table: what the results, quantised as `output`, are replaced by.
    ///   - kernel: instead of the dispatcher's choice: for tests and benchmarks.
    /// - Precondition: two spatial axes; the activation is none, relu or clip; the output isn't empty; the shapes fit.
    package init(
        weights: Tensor, bias: [Int32]?, inputHeight: Int, inputWidth: Int, inputChannels: Int, convolution: Convolution,
        input: Quantization, weight: Quantization, output: Quantization?, residual: Quantization?,
        steps: (input: Int?, output: Int?, residual: Int?) = (nil, nil, nil), table: ActivationTable? = nil,
        features: CPUFeatures = .current, kernel: KernelName? = nil
    ) {
        let outputChannels = weights.shape[0]
        let geometry = convolution_geometry(
            inputHeight: inputHeight, inputWidth: inputWidth, inputChannels: inputChannels, outputChannels: outputChannels,
            convolution: convolution, steps: steps)
        precondition(table == nil || output != nil, "a table for float32")
        precondition(weights.shape == [outputChannels, inputChannels / convolution.groups] + convolution.window.size)
        precondition(bias == nil || bias?.count == outputChannels)
        precondition(weight.scales.count == 1 || weight.scales.count == outputChannels)
        var plan = unsafe qconvolution()
        unsafe plan.geometry = geometry
        kernelName = unsafe Self.choose(&plan, weights: weights, features: features.rawValue, kernel: kernel)
        unsafe plan.requantization = requantization(activation: convolution.activation, output: output, residual: residual)
        unsafe plan.input_zero_point = UInt8(input.zeroPoint)
        unsafe qconvolution_choose_strip(&plan)

        let multipliers = (0..<outputChannels).map { channel in
            let scale = weight.scales[weight.scales.count == 1 ? 0 : channel]
            return output.map { Requantization.multiplier(inputScale: input.scale, weightScale: scale, outputScale: $0.scale) }
                ?? Float(Double(input.scale) * Double(scale))
        }
        unsafe plan.requantization.bounded = requantization_is_bounded(&plan.requantization, multipliers, multipliers.count)
        let biasBytes = unsafe (qconvolution_padded_outputs(&plan) * 4 + 63) / 64 * 64
        let packed = unsafe Self.borrowable(weights, &plan)
        borrowed = packed
        let weightBytes = unsafe packed == nil ? (qconvolution_weight_bytes(&plan) + 63) / 64 * 64 : 0
        storage = unsafe TensorStorage(count: 2 * biasBytes + weightBytes + (table?.entries.count ?? 0)) { bytes in
            let base = bytes.baseAddress!
            let folded = unsafe base.assumingMemoryBound(to: Int32.self)
            let padded = unsafe (base + biasBytes).assumingMemoryBound(to: Float.self)
            unsafe (bias ?? Array(repeating: 0, count: outputChannels)).withUnsafeBufferPointer { bias in
                if let packed {
                    unsafe packed.storage.withUnsafeBytes { source in
                        let start = unsafe source.baseAddress!.assumingMemoryBound(to: Int8.self)
                        unsafe qconvolution_fold_o16k4(&plan, start, bias.baseAddress, multipliers, folded, padded)
                        #if arch(arm64)
                        unsafe plan.requantization.small = qconvolution_is_small_o16k4(&plan, start, bias.baseAddress, multipliers)
                        #endif
                        // Valid for as long as `borrowed` is.
                        unsafe plan.weights = UnsafeRawPointer(start)
                    }
                } else {
                    weights.withElements(of: Int8.self) { elements in
                        unsafe elements.withUnsafeBufferPointer { source in
                            let start = source.baseAddress!
                            unsafe qconvolution_pack_weights(&plan, start, base + 2 * biasBytes)
                            unsafe qconvolution_pack_bias(&plan, start, bias.baseAddress, multipliers, folded, padded)
                            #if arch(arm64)
                            unsafe plan.requantization.small = qconvolution_is_small(&plan, start, bias.baseAddress, multipliers)
                            #endif
                        }
                    }
                    unsafe plan.weights = UnsafeRawPointer(base + 2 * biasBytes)
                }
            }
            unsafe plan.bias = UnsafePointer(base.assumingMemoryBound(to: Int32.self))
            unsafe plan.multipliers = UnsafePointer((base + biasBytes).assumingMemoryBound(to: Float.self))
            if let table {
                let entries = unsafe base + 2 * biasBytes + weightBytes
                for (index, entry) in table.entries.enumerated() { unsafe entries.storeBytes(of: entry, toByteOffset: index, as: UInt8.self) }
                unsafe plan.layers = vector_kernels_choose(features.rawValue)
                unsafe plan.table = UnsafePointer(entries.assumingMemoryBound(to: UInt8.self))
            }
        }
        rowAlignment = unsafe qconvolution_row_alignment(&plan)
        let channels = unsafe qconvolution_channel_alignment(&plan)
        channelAlignment = channels > 0 ? channels : nil
        let scratch = unsafe qconvolution_scratch_bytes(&plan)
        scratchBytes = scratch == 0 ? 0 : scratch + 63
        let outputPixels = geometry.output_height * geometry.output_width
        inputCount = (inputHeight * inputWidth - 1) * geometry.input_step + inputChannels
        outputCount = (outputPixels - 1) * geometry.output_step + outputChannels
        residualCount = (outputPixels - 1) * geometry.residual_step + outputChannels
        outputHeight = geometry.output_height
        outputWidth = geometry.output_width
        self.outputChannels = outputChannels
        unsafe self.plan = plan
    }

    /// The packed form of weights, where the kernel takes it as it lies.
    @unsafe
    private static func borrowable(_ weights: Tensor, _ plan: inout qconvolution) -> PackedWeights? {
        guard let packed = weights.storage.packed, packed.type == .int8, packed.shape == weights.shape, unsafe qconvolution_takes_o16k4(&plan),
            unsafe packed.storage.count == qconvolution_weight_bytes(&plan)
        else { return nil }
        let isAligned = unsafe packed.storage.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % TensorStorage.alignment == 0 }
        return isAligned ? packed : nil
    }

    /// Sets the one kernel of `plan` that its geometry and `features` call for, or `kernel`; returns its name.
    ///
    /// - Precondition: `kernel` can compute this geometry.
    @unsafe
    private static func choose(_ plan: inout qconvolution, weights: Tensor, features: UInt32, kernel: KernelName?) -> String {
        let geometry = unsafe plan.geometry
        let isDepthwise = geometry.groups == geometry.input_channels && geometry.output_channels == geometry.input_channels
        unsafe withUnsafePointer(to: geometry) { geometry in
            switch kernel?.kind {
            case .none where isDepthwise:
                unsafe plan.depthwise = qdepthwise_kernel_choose(
                    features, geometry.pointee.input_channels, geometry.pointee.kernel_height, geometry.pointee.kernel_width)
            case .none:
                unsafe plan.narrow = weights.withBytesAsTheyLie { unsafe qnarrow_kernel_choose(features, geometry, $0, $1) }
                if unsafe plan.narrow != nil { return }
                unsafe plan.winograd = qwinograd_kernel_choose(features, geometry)
                if unsafe plan.winograd == nil { unsafe plan.binned = qbinned_kernel_choose(features, geometry) }
                if unsafe plan.winograd == nil && plan.binned == nil { unsafe plan.gemm = qgemm_kernel_choose(features, geometry) }
            case .depthwise:
                precondition(isDepthwise)
                unsafe plan.depthwise = qdepthwise_kernel_at(kernel!.index)
            case .winograd:
                precondition(unsafe qwinograd_suits(geometry))
                unsafe plan.winograd = qwinograd_kernel_at(kernel!.index)
            case .narrow:
                precondition(unsafe weights.withBytesAsTheyLie { unsafe qnarrow_suits(geometry, $0, $1) })
                unsafe plan.narrow = qnarrow_kernel_at(kernel!.index)
            case .binned: unsafe plan.binned = qbinned_kernel_at(kernel!.index)
            default: unsafe plan.gemm = qgemm_kernel_at(kernel!.index)
            }
        }
        if let narrow = unsafe plan.narrow { return unsafe String(cString: narrow.pointee.name) }
        if let winograd = unsafe plan.winograd { return unsafe String(cString: winograd.pointee.name) }
        if let binned = unsafe plan.binned { return unsafe String(cString: binned.pointee.name) }
        if let gemm = unsafe plan.gemm { return unsafe String(cString: gemm.pointee.name) }
        let size = unsafe Int(plan.depthwise.pointee.size)
        precondition(size == 0 || (size == geometry.kernel_height && size == geometry.kernel_width), "a kernel for another window")
        return unsafe String(cString: plan.depthwise.pointee.name)
    }

    /// Computes output rows `rows` of output channels `channels`, by default all; what else the output holds is left as it is.
    ///
    /// - Parameters:
    ///   - input: `[h, w, c]` from its first element to its last, or beyond.
    ///   - residual: `[outputHeight, outputWidth, outputChannels]` likewise, present exactly if its quantisation was.
    ///   - output: `[outputHeight, outputWidth, outputChannels]` likewise.
    @_lifetime(output: copy output) @_lifetime(scratch: copy scratch)
    package func run(
        input: Span<UInt8>, residual: Span<UInt8>?, output: inout MutableSpan<UInt8>, scratch: inout MutableSpan<UInt8>, rows: Range<Int>,
        channels: Range<Int>? = nil
    ) {
        precondition(unsafe !plan.requantization.float_output, "the output is float32")
        unsafe output.withUnsafeMutableBytes {
            unsafe run(input: input, residual: residual, output: $0, scratch: &scratch, rows: rows, channels: channels)
        }
    }

    /// As above, for a convolution without an output quantisation.
    @_lifetime(output: copy output) @_lifetime(scratch: copy scratch)
    package func run(
        input: Span<UInt8>, residual: Span<UInt8>?, output: inout MutableSpan<Float>, scratch: inout MutableSpan<UInt8>, rows: Range<Int>,
        channels: Range<Int>? = nil
    ) {
        precondition(unsafe plan.requantization.float_output, "the output is quantised")
        unsafe output.withUnsafeMutableBytes {
            unsafe run(input: input, residual: residual, output: $0, scratch: &scratch, rows: rows, channels: channels)
        }
    }

    @unsafe
    @_lifetime(scratch: copy scratch)
    private func run(
        input: Span<UInt8>, residual: Span<UInt8>?, output: UnsafeMutableRawBufferPointer, scratch: inout MutableSpan<UInt8>,
        rows: Range<Int>, channels: Range<Int>?
    ) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight)
        let channels = channels ?? 0..<outputChannels
        precondition(areDividable(channels, of: outputChannels, alignment: channelAlignment), "channels that can't be computed by themselves")
        var part = qconvolution_part(
            first_row: rows.lowerBound, last_row: rows.upperBound, first_channel: channels.lowerBound, last_channel: channels.upperBound)
        precondition(input.count >= inputCount && scratch.count >= scratchBytes)
        precondition(unsafe output.count >= outputCount * (plan.requantization.float_output ? 4 : 1))
        unsafe withUnsafePointer(to: plan) { plan in
            unsafe input.withUnsafeBufferPointer { input in
                unsafe scratch.withUnsafeMutableBytes { scratch in
                    let aligned = unsafe scratch.baseAddress?.alignedUp(toMultipleOf: 64)
                    if let residual {
                        precondition(residual.count >= residualCount)
                        unsafe residual.withUnsafeBufferPointer { residual in
                            unsafe qconvolution_run(
                                plan, input.baseAddress, residual.baseAddress, output.baseAddress, aligned, &part)
                        }
                    } else {
                        unsafe qconvolution_run(plan, input.baseAddress, nil, output.baseAddress, aligned, &part)
                    }
                }
            }
        }
    }
}

extension Tensor {
    /// Lends int8 weights in whatever order they are stored, with zeros between them where they lie packed, and how many bytes that is.
    @unsafe
    fileprivate func withBytesAsTheyLie<Result>(_ body: (UnsafePointer<Int8>, Int) -> Result) -> Result {
        unsafe (storage.packed?.storage ?? storage).withUnsafeBytes {
            unsafe body($0.baseAddress!.assumingMemoryBound(to: Int8.self), $0.count)
        }
    }
}
