// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Between float32 and unsigned 8 bit with one scale. Each function returns `false` for what only the definition does.
extension Lowering {
    mutating func lowerQuantize(_ node: Node) -> Bool {
        let output = graph[node.outputs[0]]
        guard let x = node.input(0), graph[x].type == .float32, output.type == .uint8,
            let quantization = parameters(node, of: output)
        else { return false }
        let prepared = QuantizedConversion(quantization, features: options.features)
        let (first, geometry) = dense(x)
        let slot = reserve(output)
        let entry = entries.count
        let elements = partition(geometry.count, alignment: Partition.elementAlignment, bytes: 5 * geometry.count)
        let step = KernelStep<Float, UInt8>(first: Operand(first), second: nil, output: Operand(slot), partition: elements) { input, _, output, _, range in
            output.withPart(range) { prepared.quantize(input.extracting(range), into: &$0) }
        }
        emit(step, kernel: prepared.kernelName, reads: [first], writes: [slot])
        define(node.outputs[0], slot, geometry)
        if graph.inputs.contains(x), geometry.isContiguous(.channelsLast) {
            // A run on pixels fills the slot before the first step.
            buffers[slot.index].first = -1
            inputQuantizations.append((entry, x, slot, quantization))
        }
        return true
    }

    mutating func lowerDequantize(_ node: Node) -> Bool {
        guard let x = node.input(0), graph[x].type == .uint8, graph[node.outputs[0]].type == .float32,
            let quantization = parameters(node, of: graph[x])
        else { return false }
        let prepared = QuantizedConversion(quantization, features: options.features)
        let (first, geometry) = dense(x)
        let slot = reserve(graph[node.outputs[0]])
        let elements = partition(geometry.count, alignment: Partition.elementAlignment, bytes: 5 * geometry.count)
        let step = KernelStep<UInt8, Float>(first: Operand(first), second: nil, output: Operand(slot), partition: elements) { input, _, output, _, range in
            output.withPart(range) { prepared.dequantize(input.extracting(range), into: &$0) }
        }
        emit(step, kernel: "de" + prepared.kernelName, reads: [first], writes: [slot])
        define(node.outputs[0], slot, geometry)
        return true
    }

    /// One scale and zero point for the tensor: those that the inputs pass, or that the quantised side carries; `nil` for other forms.
    private func parameters(_ node: Node, of quantized: Value) -> Quantization? {
        guard let scale = node.input(1) else { return quantized.activationQuantization }
        guard let scale = constant(scale), scale.type == .float32, scale.count == 1 else { return nil }
        var zeroPoint: Int32 = 0
        if let id = node.input(2) {
            guard let tensor = constant(id), tensor.type == .uint8, tensor.count == 1 else { return nil }
            zeroPoint = Int32(tensor.elements(of: UInt8.self)[0])
        }
        let value = scale.elements(of: Float.self)[0]
        return value.isNormal && value > 0 ? Quantization(scale: value, zeroPoint: zeroPoint) : nil
    }
}
