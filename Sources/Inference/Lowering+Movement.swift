// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Operations that only move elements.
extension Lowering {
    mutating func lowerReshape(_ node: Node) {
        guard let input = node.inputs[0] else { return }
        let shape = graph[node.outputs[0]].shape
        switch places[input.rawValue] {
        case .strided(let slot, let geometry):
            if let reshaped = geometry.reshaped(shape) {
                define(node.outputs[0], .strided(slot, reshaped))
            } else {
                define(node.outputs[0], .reshaped(slot, geometry, shape: shape))
            }
        case .reshaped(let slot, let geometry, _):
            if let reshaped = geometry.reshaped(shape) {
                define(node.outputs[0], .strided(slot, reshaped))
            } else {
                define(node.outputs[0], .reshaped(slot, geometry, shape: shape))
            }
        case .constant(let tensor): define(node.outputs[0], .constant(tensor.reshaped(shape)))
        case nil: preconditionFailure("a value is used before it is produced")
        }
    }

    mutating func lowerTranspose(_ node: Node, permutation: [Int]) {
        guard let input = node.inputs[0] else { return }
        let (slot, geometry) = view(input)
        define(node.outputs[0], .strided(slot, geometry.transposed(permutation)))
    }

    mutating func lowerSlice(_ node: Node, _ ranges: [SliceRange]) {
        guard let input = node.inputs[0] else { return }
        let (slot, geometry) = view(input)
        define(node.outputs[0], .strided(slot, geometry.sliced(ranges)))
    }

    mutating func lowerSplit(_ node: Node, axis: Int, sizes: [Int]) {
        guard let input = node.inputs[0] else { return }
        let (slot, geometry) = view(input)
        var start = 0
        for (output, size) in zip(node.outputs, sizes) {
            define(output, .strided(slot, geometry.sliced([SliceRange(axis: axis, start: start, step: 1, count: size)])))
            start += size
        }
    }

    /// `false` for what only the definition does.
    mutating func lowerConcatenation(_ node: Node, axis: Int) -> Bool {
        let output = graph[node.outputs[0]]
        let inputs = node.inputs.compactMap(\.self)
        guard inputs.count == node.inputs.count, inputs.allSatisfy({ graph[$0].type == output.type }) else { return false }
        let layout = Self.preferredLayout(output)
        let isRooted = axis == 1 && layout == .channelsLast
        let (slot, target) = concatenationPlace(of: node.outputs[0])
            ?? (isRooted ? rootSlot(node.outputs[0]) : reserve(output), Geometry(shape: output.shape, layout: layout))
        var pieces: [CopyStep.Piece] = []
        var start = 0
        for input in inputs {
            let size = graph[input].shape[axis]
            let place = target.sliced([SliceRange(axis: axis, start: start, step: 1, count: size)])
            start += size
            if case .strided(slot, place) = places[input.rawValue] { continue }
            if let from = graph[input].activationQuantization, let to = output.activationQuantization, from != to {
                let table = ActivationTable(input: from, output: to, features: options.features)
                if isRooted, let there = ImagePlace(slot, place) {
                    tabulate(image(input), table, to: there)
                } else {
                    let (changed, geometry) = tabulated(input, table)
                    pieces.append(.init(source: changed, copy: StridedCopy(from: geometry, to: place, elementSize: output.type.size)))
                }
                continue
            }
            let (source, geometry) = view(input)
            pieces.append(.init(source: source, copy: StridedCopy(from: geometry, to: place, elementSize: output.type.size)))
        }
        if !pieces.isEmpty {
            emit(CopyStep(pieces: pieces, destination: slot, partition: copyPartition(pieces)), kernel: "concatenate", reads: pieces.map(\.source), writes: [slot])
        }
        start = 0
        for input in inputs {
            let size = graph[input].shape[axis]
            let place = target.sliced([SliceRange(axis: axis, start: start, step: 1, count: size)])
            start += size
            if let (wanted, geometry) = concatenationPlace(of: input), wanted == slot, geometry == place { move(input, to: slot, place) }
        }
        define(node.outputs[0], slot, target)
        return true
    }

    /// `false` for what only the definition does.
    mutating func lowerPad(_ node: Node, _ padding: Padding) -> Bool {
        let output = graph[node.outputs[0]]
        guard padding.mode == .constant, let input = node.inputs[0], let bits = padding.bits(of: output) else { return false }
        let target = Geometry(shape: output.shape, layout: Self.preferredLayout(output))
        let (source, geometry) = view(input)
        // Both sides of the copy: the part of the input that isn't cropped, and its place in the output.
        var taken: [SliceRange] = []
        var placed: [SliceRange] = []
        for axis in output.shape.indices {
            let first = max(-padding.before[axis], 0)
            let end = graph[input].shape[axis] - max(-padding.after[axis], 0)
            let count = max(end - first, 0)
            taken.append(SliceRange(axis: axis, start: first, step: 1, count: count))
            placed.append(SliceRange(axis: axis, start: max(padding.before[axis], 0), step: 1, count: count))
        }
        let copy = StridedCopy(from: geometry.sliced(taken), to: target.sliced(placed), elementSize: output.type.size)
        let slot = reserve(output)
        let step = CopyStep(
            pieces: [.init(source: source, copy: copy)], destination: slot, fill: .init(bits: bits, size: output.type.size),
            partition: .whole)
        emit(step, kernel: "pad", reads: [source], writes: [slot])
        define(node.outputs[0], slot, target)
        return true
    }
}

extension Padding {
    /// The pad element of a float32 or quantised value; `nil` for other types.
    fileprivate func bits(of value: Value) -> UInt64? {
        if value.type == .float32, value.quantization == nil { return UInt64(Float(self.value).bitPattern) }
        if value.type == .uint8, let quantization = value.quantization, quantization.axis == nil {
            return UInt64(quantization.quantize(Float(self.value)))
        }
        return nil
    }
}
