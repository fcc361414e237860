// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Definition {
    /// `saturate(roundHalfToEven(x / scale) + zeroPoint)`, the division in float32; NaN becomes the zero point.
    func quantized(axis: Int, blockSize: Int) -> Tensor {
        let parameters = parameters(of: outputs[0], axis: axis, blockSize: blockSize)
        let limits = outputs[0].type.limits
        let x = tensor(0)?.floats ?? []
        return result(
            zip(x, parameters).map { x, parameter -> Int64 in
                let scaled = Double((x / parameter.scale).rounded(.toNearestOrEven)) + Double(parameter.zeroPoint)
                return scaled.isNaN ? parameter.zeroPoint : Int64(min(max(scaled, limits.lowerBound), limits.upperBound))
            })
    }

    /// `(x − zeroPoint) · scale` in float32.
    func dequantized(axis: Int, blockSize: Int) -> Tensor {
        let parameters = parameters(of: inputs[0], axis: axis, blockSize: blockSize)
        return result(zip(read(0, as: Int64.self), parameters).map { Double(Float($0 - $1.zeroPoint) * $1.scale) })
    }

    /// Scale and zero point of each element: from inputs 1 and 2, or else those that `value` carries.
    private func parameters(of value: Value?, axis: Int, blockSize: Int) -> [(scale: Float, zeroPoint: Int64)] {
        let shape = outputs[0].shape
        if let scale = tensor(1) {
            let (scales, zeroPoints) = (scale.floats, read(2, as: Int64.self))
            return parameterIndices(shape, axis: scale.count == 1 ? nil : axis, blockSize: blockSize).map {
                (scales[$0], zeroPoints.isEmpty ? 0 : zeroPoints[$0])
            }
        }
        guard let quantization = value?.quantization else { return [] }
        return parameterIndices(shape, axis: quantization.axis, blockSize: 0).map {
            (quantization.scales[$0], Int64(quantization.zeroPoints[$0]))
        }
    }

    /// For each position of `shape`, which scale it has: one for all, one an index of `axis`, or one a block along it.
    private func parameterIndices(_ shape: [Int], axis: Int?, blockSize: Int) -> [Int] {
        guard let axis else { return Array(repeating: 0, count: shape.elementCount) }
        var sources = shape.map { Array(repeating: 0, count: $0) }
        if blockSize == 0 {
            sources[axis] = Array(0..<shape[axis])
            var scales = shape.map { _ in 1 }
            scales[axis] = shape[axis]
            return scales.positions(selecting: sources)
        }
        sources = shape.map { Array(0..<$0) }
        sources[axis] = (0..<shape[axis]).map { $0 / blockSize }
        var scales = shape
        scales[axis] = (shape[axis] + blockSize - 1) / blockSize
        return scales.positions(selecting: sources)
    }
}

extension ElementType {
    /// The range of the integers that quantisation writes.
    fileprivate var limits: ClosedRange<Double> {
        switch self {
        case .int8: -128...127
        case .uint16: 0...65535
        case .int16: -32768...32767
        default: 0...255
        }
    }
}
