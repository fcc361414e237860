// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Sums, differences, products and quotients of two values.
extension Lowering {
    /// `false` for what only the definition does.
    mutating func lowerBinary(_ node: Node, _ binary: Binary, _ activation: Activation) -> Bool {
        guard let a = node.input(0), let b = node.input(1) else { return false }
        guard let operation = BinaryOperation(binary, activation, graph[a], graph[b], graph[node.outputs[0]], options.features) else { return false }
        if graph[a].shape == graph[b].shape {
            if let x = readyImage(a), let y = readyImage(b) {
                lowerImages(node, operation, x, y)
                return true
            }
            if constant(a) == nil, constant(b) == nil, case let (x, y) = (dense(a), dense(b)), x.geometry == y.geometry {
                let slot = reserve(graph[node.outputs[0]])
                let prepared = operation.prepared(BinaryShape([x.geometry.count]), BinaryShape([x.geometry.count]), outputStep: nil)
                emit(prepared, Operand(x.slot), Operand(y.slot), Operand(slot), .whole)
                define(node.outputs[0], slot, x.geometry)
                return true
            }
        }
        lowerBroadcast(node, operation, a, b)
        return true
    }

    /// Operands that need no repetition, a row of pixels at a time.
    private mutating func lowerImages(_ node: Node, _ operation: BinaryOperation, _ a: ImagePlace, _ b: ImagePlace) {
        let target = destination(node.outputs[0])
        let channels = a.channels
        let width = a.geometry.shape.last ?? 1
        let hasGaps = a.step != channels || b.step != channels || target.step != channels
        let shape = hasGaps ? [width, channels] : [width * channels]
        let prepared = operation.prepared(
            BinaryShape(shape, step: hasGaps ? a.step : nil), BinaryShape(shape, step: hasGaps ? b.step : nil),
            outputStep: hasGaps ? target.step : nil)
        let size = graph[node.outputs[0]].type.size
        let rows = partition(a.geometry.count / (width * channels), bytes: 3 * a.geometry.count * size)
        emit(
            prepared, a.wholeOperand, b.wholeOperand, target.wholeOperand, rows, strides: (a.step * width, b.step * width, target.step * width))
        define(node.outputs[0], target)
    }

    private mutating func lowerBroadcast(_ node: Node, _ operation: BinaryOperation, _ a: ValueID, _ b: ValueID) {
        let output = graph[node.outputs[0]]
        let layout = Self.preferredLayout(output)
        let (x, first) = broadcastOperand(a, layout, rank: output.shape.count)
        let (y, second) = broadcastOperand(b, layout, rank: output.shape.count)
        let bytes = 3 * output.shape.elementCount * output.type.size
        if layout == .channelsLast {
            let target = destination(node.outputs[0])
            let prepared = operation.prepared(x, y, outputStep: target.step)
            emit(prepared, first, second, target.wholeOperand, partition(prepared.parts, bytes: bytes))
            define(node.outputs[0], target)
        } else {
            let slot = reserve(output)
            let prepared = operation.prepared(x, y, outputStep: nil)
            emit(prepared, first, second, Operand(slot), partition(prepared.parts, bytes: bytes))
            define(node.outputs[0], slot, Geometry(shape: output.shape, layout: layout))
        }
    }

    /// How an operand lies in memory, and where.
    private mutating func broadcastOperand(_ id: ValueID, _ layout: Layout, rank: Int) -> (BinaryShape, Operand) {
        let shape = graph[id].shape
        if layout == .channelsLast, shape.count == rank, let place = readyImage(id) {
            return (BinaryShape(shape.channelsLast, step: place.step), place.wholeOperand)
        }
        let extended = Array(repeating: 1, count: rank - shape.count) + shape
        let slot = operand(id, layout, as: extended)
        return (BinaryShape(layout == .channelsLast ? extended.channelsLast : extended), Operand(slot))
    }

    /// An image that can be read where it is.
    private func readyImage(_ id: ValueID) -> ImagePlace? {
        guard Self.preferredLayout(graph[id]) == .channelsLast, case .strided(let slot, let geometry) = places[id.rawValue] else { return nil }
        return ImagePlace(slot, geometry)
    }

    private mutating func emit(
        _ prepared: PreparedBinary, _ first: Operand, _ second: Operand, _ output: Operand, _ partition: Partition,
        strides: (a: Int, b: Int, output: Int)? = nil
    ) {
        let (reads, writes) = ([first.slot, second.slot], [output.slot])
        switch prepared {
        case .float(let kernel):
            let step = KernelStep<Float, Float>(first: first, second: second, output: output, partition: partition) { a, b, output, _, range in
                guard let b else { return }
                guard let strides else { return kernel.run(a: a, b: b, output: &output, parts: range) }
                for row in range {
                    output.withPart(row * strides.output..<output.count) {
                        kernel.run(
                            a: a.extracting(row * strides.a..<a.count), b: b.extracting(row * strides.b..<b.count), output: &$0,
                            parts: 0..<kernel.parts)
                    }
                }
            }
            emit(step, kernel: kernel.kernelName, reads: reads, writes: writes)
        case .quantized(let kernel):
            let step = KernelStep<UInt8, UInt8>(first: first, second: second, output: output, partition: partition) { a, b, output, _, range in
                guard let b else { return }
                guard let strides else { return kernel.run(a: a, b: b, output: &output, parts: range) }
                for row in range {
                    output.withPart(row * strides.output..<output.count) {
                        kernel.run(
                            a: a.extracting(row * strides.a..<a.count), b: b.extracting(row * strides.b..<b.count), output: &$0,
                            parts: 0..<kernel.parts)
                    }
                }
            }
            emit(step, kernel: kernel.kernelName, reads: reads, writes: writes)
        }
    }
}

/// The shape of an operand as it lies in memory, outermost first, and the step of its last axis but one.
private struct BinaryShape {
    var shape: [Int]
    var step: Int?

    init(_ shape: [Int], step: Int? = nil) {
        self.shape = shape
        self.step = step
    }
}

/// A kernel for either kind of number.
private enum PreparedBinary {
    case float(FloatBinary)
    case quantized(QuantizedBinary)

    var parts: Int {
        switch self {
        case .float(let kernel): kernel.parts
        case .quantized(let kernel): kernel.parts
        }
    }
}

/// What is computed, shapes aside.
private struct BinaryOperation {
    private enum Numbers {
        case float
        case quantized(Quantization, Quantization, Quantization)
    }

    private let binary: Binary
    private let activation: Activation
    private let numbers: Numbers
    private let features: CPUFeatures

    /// `nil` where no kernel does it.
    init?(_ binary: Binary, _ activation: Activation, _ a: Value, _ b: Value, _ output: Value, _ features: CPUFeatures) {
        if output.type == .float32, a.type == .float32, b.type == .float32 {
            numbers = .float
        } else if let qa = a.activationQuantization, let qb = b.activationQuantization, let qo = output.activationQuantization,
            binary != .divide, activation.isClamp
        {
            numbers = .quantized(qa, qb, qo)
        } else {
            return nil
        }
        self.binary = binary
        self.activation = activation
        self.features = features
    }

    func prepared(_ a: BinaryShape, _ b: BinaryShape, outputStep: Int?) -> PreparedBinary {
        switch numbers {
        case .float:
            .float(
                FloatBinary(
                    operation: binary, aShape: a.shape, bShape: b.shape, activation: activation, aStep: a.step, bStep: b.step,
                    outputStep: outputStep, features: features))
        case .quantized(let qa, let qb, let qo):
            .quantized(
                QuantizedBinary(
                    operation: binary, aShape: a.shape, bShape: b.shape, activation: activation, a: qa, b: qb, output: qo, aStep: a.step,
                    bStep: b.step, outputStep: outputStep, features: features))
        }
    }
}

extension [Int] {
    fileprivate var channelsLast: [Int] { [self[0]] + self[2...] + [self[1]] }
}
