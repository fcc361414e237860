// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Pooling, means and softmax. Each function returns `false` for what only the definition does.
extension Lowering {
    mutating func lowerPool(_ node: Node, _ pooling: Pooling) -> Bool {
        guard node.outputs.count == 1, let x = node.input(0), let window = pooling.window.planar else { return false }
        let shape = graph[x].shape.planar
        let output = graph[node.outputs[0]]
        var pooling = pooling
        pooling.window = window
        let bytes = (2 * graph[x].shape.elementCount + output.shape.elementCount) * output.type.size
        if graph[x].type == .float32 {
            let (from, to) = (image(x), destination(node.outputs[0]))
            let prepared = FloatPooling(
                inputHeight: shape[2], inputWidth: shape[3], channels: shape[1], pooling: pooling, inputStep: from.step, outputStep: to.step,
                features: options.features)
            let rows = partition(images: shape[0], prepared.outputHeight, alignment: prepared.rowAlignment, bytes: bytes)
            emitImages(node, from, to, of: Float.self, rows, prepared.kernelName) { input, output, rows in
                prepared.run(input: input, output: &output, rows: rows)
            }
            return true
        }
        guard let from = graph[x].activationQuantization, let to = output.activationQuantization else { return false }
        let (source, target) = (image(x), destination(node.outputs[0]))
        let prepared = QuantizedPooling(
            inputHeight: shape[2], inputWidth: shape[3], channels: shape[1], pooling: pooling, input: from, output: to,
            inputStep: source.step, outputStep: target.step, features: options.features)
        let rows = partition(images: shape[0], prepared.outputHeight, alignment: prepared.rowAlignment, bytes: bytes)
        emitImages(node, source, target, of: UInt8.self, rows, prepared.kernelName) { input, output, rows in
            prepared.run(input: input, output: &output, rows: rows)
        }
        return true
    }

    mutating func lowerMean(_ node: Node, axes: [Int]) -> Bool {
        guard let x = node.input(0), case let shape = graph[x].shape, shape.count >= 3, axes.sorted() == Array(2..<shape.count) else {
            return false
        }
        let pixels = shape[2...].reduce(1, *)
        let output = graph[node.outputs[0]]
        if graph[x].type != .float32 {
            guard graph[x].activationQuantization != nil, output.activationQuantization != nil, pixels < 1 << 23 else { return false }
        }
        let rows = partition(images: shape[0], shape[1], alignment: Partition.elementAlignment, bytes: shape.elementCount * output.type.size)
        let (source, target) = (image(x), ImagePlace(whole: reserve(output), shape: [shape[0], shape[1], 1, 1]))
        if graph[x].type == .float32 {
            let prepared = FloatMean(pixels: pixels, channels: shape[1], inputStep: source.step, features: options.features)
            emitImages(node, source, target, of: Float.self, rows, prepared.kernelName) { input, output, channels in
                prepared.run(input: input, output: &output, channels: channels)
            }
            return true
        }
        guard let from = graph[x].activationQuantization, let to = output.activationQuantization else { return false }
        let prepared = QuantizedMean(
            pixels: pixels, channels: shape[1], input: from, output: to, inputStep: source.step, features: options.features)
        emitImages(node, source, target, of: UInt8.self, rows, prepared.kernelName) { input, output, channels in
            prepared.run(input: input, output: &output, channels: channels)
        }
        return true
    }

    mutating func lowerSoftmax(_ node: Node, axis: Int) -> Bool {
        guard let x = node.input(0), graph[x].type == .float32, case let shape = graph[x].shape, !shape.isEmpty else { return false }
        // The layout in which the axis is innermost.
        let layout: Layout
        if shape[(axis + 1)...].allSatisfy({ $0 == 1 }) {
            layout = .rowMajor
        } else if axis == 1, shape.count > 2 {
            layout = .channelsLast
        } else {
            return false
        }
        let prepared = FloatSoftmax(rows: shape.elementCount / shape[axis], count: shape[axis], features: options.features)
        let first = operand(x, layout)
        let slot = reserve(graph[node.outputs[0]])
        let step = KernelStep<Float, Float>(first: Operand(first), second: nil, output: Operand(slot), partition: .whole) { input, _, output, _, _ in
            prepared.run(input: input, output: &output)
        }
        emit(step, kernel: prepared.kernelName, reads: [first], writes: [slot])
        define(node.outputs[0], slot, Geometry(shape: shape, layout: layout))
        return true
    }

    private mutating func emitImages<Element: TensorElement>(
        _ node: Node, _ source: ImagePlace, _ target: ImagePlace, of _: Element.Type, _ rows: Partition, _ name: String,
        _ kernel: @escaping @Sendable (Span<Element>, inout MutableSpan<Element>, Range<Int>) -> Void
    ) {
        let step = KernelStep<Element, Element>(
            first: source.operand, second: nil, output: target.operand, partition: rows
        ) { input, _, output, _, rows in kernel(input, &output, rows) }
        emit(step, kernel: name, reads: [source.slot], writes: [target.slot])
        if target.geometry.shape == graph[node.outputs[0]].shape {
            define(node.outputs[0], target)
        } else {
            // A mean that drops its axes.
            define(node.outputs[0], target.slot, Geometry(shape: graph[node.outputs[0]].shape, layout: .rowMajor))
        }
    }
}
