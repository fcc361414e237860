// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Definition {
    /// The largest element of each window, and where the first such element is in the whole input. NaN counts as larger than any number.
    func maximumPool<Wide: WideNumber>(_ pooling: Pooling, as _: Wide.Type) -> [Tensor] {
        let x = read(0, as: Wide.self)
        let walk = WindowWalk(pooling.window, over: shape(0), positions: outputs[0].shape)
        var y = [Wide](repeating: .lowest, count: outputs[0].shape.elementCount)
        var indices = [Int64](repeating: 0, count: y.count)
        walk.forEachPosition { position, inside in
            for plane in 0..<shape(0)[0] * shape(0)[1] {
                let index = plane * walk.outputSize + position
                guard var best = inside.first?.input else { continue }
                for tap in inside {
                    let (value, largest) = (x[plane * walk.inputSize + tap.input], x[plane * walk.inputSize + best])
                    if value > largest || (value != value && largest == largest) { best = tap.input }
                }
                y[index] = x[plane * walk.inputSize + best]
                let inPlane = pooling.hasColumnMajorIndices ? columnMajor(best, walk.lengths) : best
                indices[index] = Int64(plane * walk.inputSize + inPlane)
            }
        }
        return [result(y)] + (outputs.count > 1 ? [Tensor(shape: outputs[1].shape, indices)] : [])
    }

    private func columnMajor(_ position: Int, _ lengths: [Int]) -> Int {
        zip(lengths.strides, lengths).reversed().reduce(0) { result, axis in result * axis.1 + position / axis.0 % axis.1 }
    }

    /// The mean of each window; the mean of none is 0.
    func averagePool(_ pooling: Pooling) -> Tensor {
        let x = read(0, as: Double.self)
        let walk = WindowWalk(pooling.window, over: shape(0), positions: outputs[0].shape)
        var y = [Double](repeating: 0, count: outputs[0].shape.elementCount)
        walk.forEachPosition { position, inside in
            let divisor = pooling.countsPadding ? walk.tapCountWithPads(at: position) : inside.count
            guard divisor > 0 else { return }
            for plane in 0..<shape(0)[0] * shape(0)[1] {
                let sum = inside.reduce(0) { $0 + x[plane * walk.inputSize + $1.input] }
                y[plane * walk.outputSize + position] = sum / Double(divisor)
            }
        }
        return result(y)
    }

    /// The mean over `axes`; that of integers truncates.
    func mean<Wide: WideNumber>(axes: [Int], as _: Wide.Type) throws(EvaluationError) -> Tensor {
        let x = read(0, as: Wide.self)
        let shape = shape(0)
        let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
        var sums = [Wide](repeating: .zero, count: outputs[0].shape.elementCount)
        for (position, target) in kept.positions(broadcastTo: shape).enumerated() { sums[target] = .add(sums[target], x[position]) }
        let count = Wide(truncating: Double(axes.reduce(1) { $0 * shape[$1] }))
        return result(try sums.map { sum throws(EvaluationError) in try Wide.divide(sum, count) })
    }
}
