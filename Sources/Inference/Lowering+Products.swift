// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Convolutions and matrix products. Each function returns `false` for what only the definition does.
extension Lowering {
    mutating func lowerConvolution(_ node: Node, _ convolution: Convolution) -> Bool {
        guard let x = node.input(0), let w = node.input(1), let weights = constant(w), let planar = convolution.planar else { return false }
        guard node.input(2).map({ constant($0) != nil }) ?? true else { return false }
        let bias = node.input(2).flatMap(constant)
        let shape = graph[x].shape.planar
        let kernel = weights.reshaped(weights.shape.planar)
        let output = graph[node.outputs[0]]
        let macs = graph.cost(of: node).multiplyAccumulates
        if graph[x].type == .float32, output.type == .float32 {
            let images = images(node, result: node.outputs[0])
            let prepared = FloatConvolution(
                weights: kernel, bias: bias?.elements(of: Float.self), inputHeight: shape[2], inputWidth: shape[3],
                inputChannels: shape[1], convolution: planar, residual: node.input(3) != nil, steps: images.steps, features: options.features)
            let division = division(
                images: shape[0], rows: prepared.outputHeight, alignment: prepared.rowAlignment, channels: output.shape[1],
                channelAlignment: prepared.channelAlignment, macs: macs, weightBytes: 4 * kernel.count,
                inputBytes: images.input.geometry.count * 4, copies: !planar.window.isPixel, isFloat: true)
            emitDivided(images, of: Float.self, to: Float.self, division, prepared.kernelName, macs: macs, scratch: prepared.scratchBytes) {
                prepared.run(input: $0, residual: $1, output: &$2, scratch: &$3, rows: $4, channels: $5)
            }
            return true
        }
        guard let quantization = graph[x].activationQuantization, let scales = graph[w].quantization, planar.activation.isClamp else {
            return false
        }
        let residual = node.input(3).flatMap { graph[$0].activationQuantization }
        guard (residual != nil) == (node.input(3) != nil) else { return false }
        let table = fusedTable(behind: node)
        let images = images(node, result: table?.result ?? node.outputs[0])
        let prepared = QuantizedConvolution(
            weights: kernel, bias: bias?.elements(of: Int32.self), inputHeight: shape[2], inputWidth: shape[3], inputChannels: shape[1],
            convolution: planar, input: quantization, weight: scales, output: output.activationQuantization, residual: residual,
            steps: images.steps, table: table?.table, features: options.features)
        let division = division(
            images: shape[0], rows: prepared.outputHeight, alignment: prepared.rowAlignment, channels: output.shape[1],
            channelAlignment: prepared.channelAlignment, macs: macs, weightBytes: kernel.count,
            inputBytes: images.input.geometry.count, copies: !planar.window.isPixel, isFloat: false)
        if output.type == .float32 {
            emitDivided(images, of: UInt8.self, to: Float.self, division, prepared.kernelName, macs: macs, scratch: prepared.scratchBytes) {
                prepared.run(input: $0, residual: $1, output: &$2, scratch: &$3, rows: $4, channels: $5)
            }
        } else {
            emitDivided(images, of: UInt8.self, to: UInt8.self, division, prepared.kernelName, macs: macs, scratch: prepared.scratchBytes) {
                prepared.run(input: $0, residual: $1, output: &$2, scratch: &$3, rows: $4, channels: $5)
            }
        }
        return true
    }

    mutating func lowerGemm(_ node: Node, _ gemm: Gemm) -> Bool {
        guard let a = node.input(0), let b = node.input(1), var weights = constant(b) else { return false }
        guard node.input(2).map({ constant($0) != nil }) ?? true else { return false }
        let addend = node.input(2).flatMap(constant)
        let output = graph[node.outputs[0]]
        let macs = graph.cost(of: node).multiplyAccumulates
        let first: Slot
        if let (slot, image) = flattenedImage(a), !gemm.transposesA {
            // One pixel has one order.
            if image[2] * image[3] > 1 { weights = weights.permuted(for: image, transposed: gemm.transposesB) }
            first = slot
        } else {
            first = operand(a, .rowMajor)
        }
        if graph[a].type == .float32, output.type == .float32 {
            let prepared = FloatGemm(gemm, rows: output.shape[0], weights: weights, addend: addend, features: options.features)
            emitMatrix(node, first, prepared, macs: macs)
            return true
        }
        guard let quantization = graph[a].activationQuantization, let scales = graph[b].quantization, gemm.activation.isClamp,
            gemm.transposesB, !gemm.transposesA
        else { return false }
        let prepared = QuantizedGemm(
            weights: weights, bias: addend?.elements(of: Int32.self), rows: output.shape[0], activation: gemm.activation,
            input: quantization, weight: scales, output: output.activationQuantization, features: options.features)
        let division = matrixDivision(
            rows: prepared.rows, alignment: prepared.rowAlignment, columns: prepared.columns, columnAlignment: prepared.columnAlignment, macs: macs,
            weightBytes: weights.count, isFloat: false)
        if output.type == .float32 {
            emitMatrix(node, first, of: UInt8.self, to: Float.self, division, prepared.kernelName, macs: macs, scratch: prepared.scratchBytes) {
                prepared.run(input: $0, output: &$1, scratch: &$2, rows: $3, columns: $4)
            }
        } else {
            emitMatrix(node, first, of: UInt8.self, to: UInt8.self, division, prepared.kernelName, macs: macs, scratch: prepared.scratchBytes) {
                prepared.run(input: $0, output: &$1, scratch: &$2, rows: $3, columns: $4)
            }
        }
        return true
    }

    mutating func lowerMatMul(_ node: Node) -> Bool {
        guard let a = node.input(0), let b = node.input(1), graph[a].type == .float32, graph[a].quantization == nil else { return false }
        let output = graph[node.outputs[0]]
        let (left, right) = (graph[a].shape, graph[b].shape)
        guard left.count >= 2, right.count >= 2, right.dropLast(2).allSatisfy({ $0 == 1 }), right.count <= left.count else { return false }
        let macs = graph.cost(of: node).multiplyAccumulates
        let rows = left.dropLast().reduce(1, *)
        let matrix = Array(right.suffix(2))
        if let weights = constant(b) {
            let prepared = FloatGemm(Gemm(), rows: rows, weights: weights.reshaped(matrix), addend: nil, features: options.features)
            let first = operand(a, .rowMajor)
            emitMatrix(node, first, prepared, macs: macs)
        } else {
            let prepared = FloatMatMul(rows: rows, columns: matrix[1], depth: matrix[0])
            let (first, second) = (operand(a, .rowMajor), operand(b, .rowMajor))
            let slot = reserve(output)
            let step = KernelStep<Float, Float>(first: Operand(first), second: Operand(second), output: Operand(slot), partition: .whole) {
                a, b, output, _, _ in
                if let b { prepared.run(a: a, b: b, output: &output) }
            }
            emit(step, kernel: prepared.kernelName, macs: macs, reads: [first, second], writes: [slot])
            define(node.outputs[0], slot, Geometry(shape: output.shape, layout: .rowMajor))
        }
        return true
    }

    /// Where the value is `[n, c · h · w]` made of channels-last images, which image, so that a product can take them as they lie.
    private func flattenedImage(_ id: ValueID) -> (Slot, shape: [Int])? {
        guard case .reshaped(let slot, let geometry, let shape) = places[id.rawValue], geometry.shape.count == 4, shape.count == 2,
            geometry.shape[0] == shape[0], geometry.isContiguous(.channelsLast),
            buffers[slot.index].bytes == shape.elementCount * graph[id].type.size
        else { return nil }
        return (slot, geometry.shape)
    }

    /// What a convolution reads and writes.
    private struct ConvolvedImages {
        var input: ImagePlace
        /// Input 3.
        var residual: ImagePlace?
        var output: ImagePlace
        var result: ValueID
        var steps: (input: Int?, output: Int?, residual: Int?) { (input.step, output.step, residual?.step) }
    }

    private mutating func images(_ node: Node, result: ValueID) -> ConvolvedImages {
        // The first input is there: the caller has looked.
        let input = image(node.inputs[0] ?? result)
        let residual = node.input(3).map { image($0) }
        return ConvolvedImages(input: input, residual: residual, output: destination(result), result: result)
    }

    /// The activation that alone reads a convolution's quantised result, as a table; its node is left out.
    private mutating func fusedTable(behind node: Node) -> (table: ActivationTable, result: ValueID)? {
        let output = node.outputs[0]
        guard let from = graph[output].activationQuantization, let (position, reader) = onlyReader(of: output),
            case .activation(let activation) = reader.operation, let to = graph[reader.outputs[0]].activationQuantization
        else { return nil }
        fuse(position)
        return (ActivationTable(activation: activation, input: from, output: to, features: options.features), reader.outputs[0])
    }

    private mutating func emitDivided<Input: TensorElement, Output: TensorElement>(
        _ images: ConvolvedImages, of _: Input.Type, to _: Output.Type, _ division: Division, _ name: String, macs: Int, scratch: Int,
        _ kernel: @escaping DividedKernel<Input, Output>
    ) {
        let step = KernelStep<Input, Output>(
            first: images.input.operand, second: images.residual?.operand, output: images.output.operand, partition: division.partition
        ) { kernel($0, $1, &$2, &$3, division.rows($4), division.channels($4)) }
        emit(
            step, kernel: name, macs: macs, scratch: scratch, reads: [images.input.slot] + (images.residual.map { [$0.slot] } ?? []),
            writes: [images.output.slot])
        define(images.result, images.output)
    }

    private mutating func emitMatrix(_ node: Node, _ first: Slot, _ prepared: FloatGemm, macs: Int) {
        let division = matrixDivision(
            rows: prepared.rows, alignment: prepared.rows, columns: prepared.columns, columnAlignment: prepared.columnAlignment, macs: macs,
            weightBytes: 4 * prepared.columns * prepared.depth, isFloat: true)
        let together: KernelStep<Float, Float>.Together? =
            options.lanes > 1 && prepared.takesSeveral
            ? .init(inputs: prepared.depth, outputs: prepared.columns) { prepared.run(several: $0, input: $1, output: &$2) } : nil
        emitMatrix(
            node, first, of: Float.self, to: Float.self, division, prepared.kernelName, macs: macs,
            scratch: max(prepared.scratchBytes, together?.bytes(lanes: options.lanes) ?? 0), together: together
        ) {
            prepared.run(input: $0, output: &$1, scratch: &$2, columns: $4)
        }
    }

    private mutating func emitMatrix<Input: TensorElement, Output: TensorElement>(
        _ node: Node, _ first: Slot, of _: Input.Type, to _: Output.Type, _ division: Division, _ name: String, macs: Int, scratch: Int,
        together: KernelStep<Input, Output>.Together? = nil,
        _ kernel: @escaping @Sendable (Span<Input>, inout MutableSpan<Output>, inout MutableSpan<UInt8>, Range<Int>, Range<Int>) -> Void
    ) {
        let output = graph[node.outputs[0]]
        let slot = reserve(output)
        var step = KernelStep<Input, Output>(first: Operand(first), second: nil, output: Operand(slot), partition: division.partition) {
            kernel($0, &$2, &$3, division.rows($4), division.channels($4))
        }
        step.together = together
        emit(step, kernel: name, macs: macs, scratch: scratch, reads: [first], writes: [slot])
        define(node.outputs[0], slot, Geometry(shape: output.shape, layout: .rowMajor))
    }
}

/// First operand, second operand if there is one, output, scratch area, rows and channels of the output.
private typealias DividedKernel<Input: TensorElement, Output: TensorElement> = @Sendable (
    Span<Input>, Span<Input>?, inout MutableSpan<Output>, inout MutableSpan<UInt8>, Range<Int>, Range<Int>
) -> Void

extension Node {
    /// An input that may be left out.
    func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }
}

extension Value {
    /// Of an unsigned 8-bit activation with one scale.
    var activationQuantization: Quantization? {
        type == .uint8 && quantization?.axis == nil ? quantization : nil
    }
}

extension Activation {
    /// Whether the saturation of a quantised result can express it.
    var isClamp: Bool {
        switch self {
        case .none, .relu, .clip: true
        default: false
        }
    }
}

extension Tensor {
    /// Weights `[n, c · h · w]` (`[c · h · w, n]` if not transposed) with the positions of an image in channels-last order.
    fileprivate func permuted(for image: [Int], transposed: Bool) -> Tensor {
        let positions = Array(image.dropFirst())
        let split = transposed ? [shape[0]] + positions : positions + [shape[1]]
        let source = Geometry(shape: split, layout: .rowMajor)
        let order = transposed ? [0, 2, 3, 1] : [1, 2, 0, 3]
        let from = source.transposed(order)
        let copy = StridedCopy(from: from, to: Geometry(shape: from.shape, layout: .rowMajor), elementSize: type.size)
        let stored = unsafe TensorStorage(count: storage.count) { bytes in
            unsafe storage.withUnsafeBytes { unsafe copy.run(from: $0, to: bytes) }
        }
        return Tensor(type: type, shape: shape, storage: stored)
    }
}

extension [Int] {
    /// A shape with one spatial axis as that of an image of height 1.
    var planar: [Int] { count == 3 ? [self[0], self[1], 1, self[2]] : self }
}

extension Window {
    /// With two axes; `nil` where there are more.
    var planar: Window? {
        switch size.count {
        case 2: self
        case 1:
            Window(
                size: [1] + size, strides: [1] + strides, dilations: [1] + dilations, padsBefore: [0] + padsBefore, padsAfter: [0] + padsAfter)
        default: nil
        }
    }
}

extension Convolution {
    fileprivate var planar: Convolution? {
        window.planar.map { Convolution(window: $0, groups: groups, activation: activation) }
    }
}
