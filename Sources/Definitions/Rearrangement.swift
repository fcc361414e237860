// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// The results of operations that only move elements, of any type; `nil` for every other operation.
///
/// Quantised parts of a concatenation whose scales differ are not moved as they are: that is another definition.
func rearrangement(_ operation: Networks.Operation, inputs: [Tensor?], outputs: [Value]) -> [Tensor]? {
    guard let first = inputs.first ?? nil else { return nil }
    switch operation {
    case .activation(.none) where outputs[0].quantization == nil: return [first]
    case .reshape: return [first.reshaped(outputs[0].shape)]
    case .concatenation(let axis) where outputs[0].quantization == nil: return [concatenated(inputs.compactMap(\.self), axis: axis)]
    case .transpose(let permutation):
        let strides = first.shape.strides
        return [first.selecting(outputs[0].shape.positions(strides: permutation.map { strides[$0] }), shape: outputs[0].shape)]
    case .split(let axis, let sizes):
        var start = 0
        return zip(sizes, outputs).map { size, output in
            defer { start += size }
            return selected(first, output.shape) { $0 == axis ? Array(start..<start + size) : Array(0..<first.shape[$0]) }
        }
    case .slice(let ranges):
        return [
            selected(first, outputs[0].shape) { axis in
                guard let range = ranges.first(where: { $0.axis == axis }) else { return Array(0..<first.shape[axis]) }
                return (0..<range.count).map { range.start + $0 * range.step }
            }
        ]
    case .gather(let axis):
        guard let indices = inputs[1]?.integers else { return nil }
        let size = first.shape[axis]
        return [
            selected(first, outputs[0].shape) { $0 == axis ? indices.map { $0 < 0 ? $0 + size : $0 } : Array(0..<first.shape[$0]) }
        ]
    case .pad(let padding):
        return [
            selected(first, outputs[0].shape, fill: padding.fill(for: outputs[0])) { axis in
                padding.sources(axis: axis, size: first.shape[axis])
            }
        ]
    default: return nil
    }
}

private func selected(_ tensor: Tensor, _ shape: [Int], fill: [UInt8] = [], sources: (Int) -> [Int]) -> Tensor {
    tensor.selecting(tensor.shape.positions(selecting: tensor.shape.indices.map(sources)), shape: shape, fill: fill)
}

private func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    let all = Tensor(joining: parts)
    let outer = parts[0].shape.split(at: axis).outer
    var starts: [Int] = []
    var start = 0
    for part in parts {
        starts.append(start)
        start += part.count
    }
    let positions = (0..<outer).flatMap { row in
        zip(parts, starts).flatMap { part, start in
            let length = part.count / outer
            return start + row * length..<start + (row + 1) * length
        }
    }
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    return all.selecting(positions, shape: shape)
}

extension Padding {
    /// The element of an axis of `size` elements that each element of the padded axis takes; −1 for the constant.
    fileprivate func sources(axis: Int, size: Int) -> [Int] {
        let kept = max(0, -before[axis])..<size - max(0, -after[axis])
        return (-before[axis]..<size + after[axis]).map { index in
            if kept.contains(index) { return index }
            switch mode {
            case .constant: return -1
            case .edge: return min(max(index, kept.lowerBound), kept.upperBound - 1)
            case .reflect: return index < 0 ? -index : 2 * (size - 1) - index
            case .wrap:
                let offset = (index - kept.lowerBound) % kept.count
                return kept.lowerBound + (offset < 0 ? offset + kept.count : offset)
            }
        }
    }

    /// The bytes of one element of the constant; the zero point of a quantised tensor stands for 0.
    fileprivate func fill(for output: Value) -> [UInt8] {
        if output.isQuantizedActivation, let quantization = output.quantization { return [quantization.quantize(Float(value))] }
        let element =
            output.type.isFloatingPoint
            ? Double.tensor([value], type: output.type, shape: [])
            : Int64.tensor([Int64(truncating: value)], type: output.type, shape: [])
        return element.bytes
    }
}
