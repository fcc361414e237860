// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Operations on single elements. Each function returns `false` for what only the definition does.
extension Lowering {
    mutating func lowerActivation(_ node: Node, _ activation: Activation) -> Bool {
        guard let x = node.input(0) else { return false }
        let (input, output) = (graph[x], graph[node.outputs[0]])
        if input.type == .float32, output.type == .float32 {
            emitActivation(node, activation)
            return true
        }
        guard let from = input.activationQuantization, let to = output.activationQuantization else { return false }
        let table = ActivationTable(activation: activation, input: from, output: to, features: options.features)
        if concatenations.places[node.outputs[0]] == nil, let (slot, geometry) = overwritten(x) {
            let elements = partition(geometry.count, alignment: Partition.elementAlignment, bytes: 2 * geometry.count)
            emit(
                InPlaceStep<UInt8>(slot: slot, partition: elements) { table.run(inPlace: &$0) }, kernel: table.kernelName, reads: [slot],
                writes: [slot])
            define(node.outputs[0], slot, geometry)
        } else {
            let (slot, geometry) = tabulated(x, table, as: node.outputs[0])
            define(node.outputs[0], slot, geometry)
        }
        return true
    }

    mutating func lowerClip(_ node: Node) -> Bool {
        guard let x = node.input(0), graph[x].type == .float32, graph[x].quantization == nil else { return false }
        var limits: [Float] = [-.infinity, .infinity]
        for index in 1...2 {
            guard let id = node.input(index) else { continue }
            guard let tensor = constant(id), tensor.count == 1 else { return false }
            limits[index - 1] = tensor.floats[0]
        }
        emitActivation(node, .clip(low: limits[0], high: limits[1]))
        return true
    }

    /// Looks the elements of a value up in a table, where the image `result` is wanted or in a slot of its own.
    private mutating func tabulated(_ id: ValueID, _ table: ActivationTable, as result: ValueID) -> (slot: Slot, geometry: Geometry) {
        if Self.preferredLayout(graph[id]) == .channelsLast {
            let source = image(id)
            let target = destination(result)
            tabulate(source, table, to: target)
            return (target.slot, target.geometry)
        }
        return tabulated(id, table)
    }

    /// The same for a value that is wanted nowhere.
    mutating func tabulated(_ id: ValueID, _ table: ActivationTable) -> (slot: Slot, geometry: Geometry) {
        let (first, geometry) = dense(id)
        let slot = reserve(graph[id])
        emitTable(table, Operand(first), Operand(slot), count: geometry.count)
        return (slot, geometry)
    }

    /// Looks the elements of an image up in a table.
    mutating func tabulate(_ source: ImagePlace, _ table: ActivationTable, to target: ImagePlace) {
        let channels = source.channels
        if source.step == channels, target.step == channels {
            emitTable(table, source.wholeOperand, target.wholeOperand, count: source.geometry.count)
            return
        }
        let rows = partition(source.geometry.count / channels, bytes: 2 * source.geometry.count)
        let (from, to) = (source.step, target.step)
        let step = KernelStep<UInt8, UInt8>(
            first: source.wholeOperand, second: nil, output: target.wholeOperand, partition: rows
        ) { input, _, output, _, rows in
            output.withPart(rows.lowerBound * to..<output.count) {
                table.run(
                    input: input.extracting(rows.lowerBound * from..<input.count), inputStep: from, output: &$0, outputStep: to,
                    rows: rows.count, count: channels)
            }
        }
        emit(step, kernel: table.kernelName, reads: [source.slot], writes: [target.slot])
    }

    private mutating func emitTable(_ table: ActivationTable, _ source: Operand, _ target: Operand, count: Int) {
        let elements = partition(count, alignment: Partition.elementAlignment, bytes: 2 * count)
        let step = KernelStep<UInt8, UInt8>(first: source, second: nil, output: target, partition: elements) { input, _, output, _, range in
            output.withPart(range) { table.run(input: input.extracting(range), output: &$0) }
        }
        emit(step, kernel: table.kernelName, reads: [source.slot], writes: [target.slot])
    }

    private mutating func emitActivation(_ node: Node, _ activation: Activation) {
        guard let x = node.input(0) else { return }
        let prepared = FloatActivation(activation, features: options.features)
        if let (slot, geometry) = overwritten(x) {
            let elements = partition(geometry.count, alignment: Partition.elementAlignment, bytes: 8 * geometry.count)
            emit(
                InPlaceStep<Float>(slot: slot, partition: elements) { prepared.run(inPlace: &$0) }, kernel: prepared.kernelName, reads: [slot],
                writes: [slot])
            define(node.outputs[0], slot, geometry)
            return
        }
        let (first, geometry) = dense(x)
        let slot = reserve(graph[node.outputs[0]])
        let elements = partition(geometry.count, alignment: Partition.elementAlignment, bytes: 8 * geometry.count)
        let step = KernelStep<Float, Float>(
            first: Operand(first), second: nil, output: Operand(slot), partition: elements
        ) { input, _, output, _, range in
            output.withPart(range) { prepared.run(input: input.extracting(range), output: &$0) }
        }
        emit(step, kernel: prepared.kernelName, reads: [first], writes: [slot])
        define(node.outputs[0], slot, geometry)
    }

    /// The value's slot, where a result of the same type may take its place.
    private mutating func overwritten(_ id: ValueID) -> (slot: Slot, geometry: Geometry)? {
        guard isConsumed(id) else { return nil }
        let (slot, geometry) = dense(id)
        return isConsumed(id, slot) ? (slot, geometry) : nil
    }

    /// `x < 0 ? slope · x : x` with one slope for all, or one a channel of an image.
    mutating func lowerPRelu(_ node: Node) -> Bool {
        guard let x = node.input(0), let slopes = node.input(1).flatMap(constant), graph[x].type == .float32, graph[x].shape.count == 4 else {
            return false
        }
        let channels = graph[x].shape[1]
        let perChannel = [[channels, 1, 1], [1, channels, 1, 1]].contains(slopes.shape)
        guard perChannel || slopes.count == 1 else { return false }
        let values = perChannel ? slopes.floats : Array(repeating: slopes.floats[0], count: channels)
        let first = operand(x, .channelsLast)
        let slot = reserve(graph[node.outputs[0]])
        let step = KernelStep<Float, Float>(
            first: Operand(first), second: nil, output: Operand(slot), partition: .whole
        ) { input, _, output, _, _ in
            let slopes = values.span
            for start in stride(from: 0, to: input.count, by: channels) {
                for channel in 0..<channels {
                    let x = input[start + channel]
                    output[start + channel] = x < 0 ? slopes[channel] * x : x
                }
            }
        }
        emit(step, kernel: "prelu_f32", reads: [first], writes: [slot])
        define(node.outputs[0], slot, Geometry(shape: graph[x].shape, layout: .channelsLast))
        return true
    }

    /// A depthwise 1×1 convolution with the scale and offset that the parameters come to.
    mutating func lowerBatchNormalization(_ node: Node, epsilon: Float) -> Bool {
        guard let x = node.input(0), graph[x].type == .float32, case let shape = graph[x].shape.planar, shape.count == 4 else { return false }
        let parameters = (1...4).compactMap { node.input($0).flatMap(constant)?.floats }
        guard parameters.count == 4 else { return false }
        let factors = (0..<shape[1]).map { Double(parameters[0][$0]) / (Double(parameters[3][$0]) + Double(epsilon)).squareRoot() }
        let offsets = (0..<shape[1]).map { Float(Double(parameters[1][$0]) - Double(parameters[2][$0]) * factors[$0]) }
        let (source, target) = (image(x), destination(node.outputs[0]))
        let prepared = FloatConvolution(
            weights: Tensor(shape: [shape[1], 1, 1, 1], factors.map { Float($0) }), bias: offsets, inputHeight: shape[2], inputWidth: shape[3],
            inputChannels: shape[1], convolution: Convolution(window: Window(size: [1, 1]), groups: shape[1]),
            steps: (source.step, target.step, nil), features: options.features)
        let rows = partition(images: shape[0], shape[2], alignment: prepared.rowAlignment, bytes: 8 * shape.elementCount)
        let step = KernelStep<Float, Float>(first: source.operand, second: nil, output: target.operand, partition: rows) {
            prepared.run(input: $0, residual: nil, output: &$2, scratch: &$3, rows: $4)
        }
        emit(step, kernel: prepared.kernelName, scratch: prepared.scratchBytes, reads: [source.slot], writes: [target.slot])
        define(node.outputs[0], target)
        return true
    }
}
