// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Definition {
    func activated<Wide: WideNumber>(_ activation: Activation, as _: Wide.Type) -> Tensor {
        result(read(0, as: Wide.self).map { $0.activated(by: activation) })
    }

    func parametricRelu<Wide: WideNumber>(as _: Wide.Type) -> Tensor {
        let (x, slope) = (read(0, as: Wide.self), read(1, as: Wide.self))
        let slopes = shape(1).positions(broadcastTo: shape(0))
        return result(x.indices.map { x[$0] < .zero ? .multiply(slope[slopes[$0]], x[$0]) : x[$0] })
    }

    func clipped<Wide: WideNumber>(as _: Wide.Type) -> Tensor {
        let (low, high) = (read(1, as: Wide.self).first, read(2, as: Wide.self).first)
        return result(
            read(0, as: Wide.self).map { x in
                var y = x
                if let low, y < low { y = low }
                if let high, y > high { y = high }
                return y
            })
    }

    func combined<Wide: WideNumber>(_ binary: Binary, _ activation: Activation, as _: Wide.Type) throws(EvaluationError) -> Tensor {
        let (a, b) = (read(0, as: Wide.self), read(1, as: Wide.self))
        let output = outputs[0].shape
        var y: [Wide] = []
        for (i, j) in zip(shape(0).positions(broadcastTo: output), shape(1).positions(broadcastTo: output)) {
            let value: Wide
            switch binary {
            case .add: value = .add(a[i], b[j])
            case .subtract: value = .subtract(a[i], b[j])
            case .multiply: value = .multiply(a[i], b[j])
            case .divide: value = try .divide(a[i], b[j])
            }
            y.append(value.activated(by: activation))
        }
        return result(y)
    }
}
