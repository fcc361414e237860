// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors
#if canImport(Glibc)
internal import Glibc
#endif

extension Definition {
    /// `(x − mean[c]) / √(variance[c] + epsilon) · scale[c] + bias[c]`
    func batchNormalized(epsilon: Double) -> Tensor {
        let (x, scale, bias) = (read(0, as: Double.self), read(1, as: Double.self), read(2, as: Double.self))
        let (mean, variance) = (read(3, as: Double.self), read(4, as: Double.self))
        let (channels, inner) = (shape(0)[1], shape(0).split(at: 1).inner)
        return result(
            x.indices.map { index in
                let c = index / inner % channels
                return (x[index] - mean[c]) / (variance[c] + epsilon).squareRoot() * scale[c] + bias[c]
            })
    }

    /// `x / (bias + alpha / size · Σ x²)^beta`, the sum over `size` neighbouring channels.
    func responseNormalized(size: Int, alpha: Double, beta: Double, bias: Double) -> Tensor {
        let x = read(0, as: Double.self)
        let (channels, inner) = (shape(0)[1], shape(0).split(at: 1).inner)
        return result(
            x.indices.map { index in
                let c = index / inner % channels
                let neighbours = max(0, c - (size - 1) / 2)...min(channels - 1, c + size / 2)
                let squares = neighbours.reduce(0.0) { sum, other in
                    let value = x[index + (other - c) * inner]
                    return sum + value * value
                }
                return x[index] / pow(bias + alpha / Double(size) * squares, beta)
            })
    }

    /// `exp(x − max) / Σ exp(x − max)` along `axis`.
    func softmax(axis: Int) -> Tensor {
        let x = read(0, as: Double.self)
        let (outer, inner) = shape(0).split(at: axis)
        let length = shape(0)[axis]
        var y = x
        for first in (0..<outer).flatMap({ row in (0..<inner).map { row * length * inner + $0 } }) {
            let line = (0..<length).map { first + $0 * inner }
            let largest = line.reduce(-Double.infinity) { max($0, x[$1]) }
            let sum = line.reduce(0) { $0 + exp(x[$1] - largest) }
            for index in line { y[index] = exp(x[index] - largest) / sum }
        }
        return result(y)
    }
}
