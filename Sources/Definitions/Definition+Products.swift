// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Definition {
    /// `y[i, o, p] = activation(Σ x[i, c, p · stride − pad + k · dilation] · w[o, c − first channel of the group, k] + bias[o] + residual)`;
    /// the pads are zero.
    func convolved(_ convolution: Convolution) -> Tensor {
        let (x, w, bias, residual) = (read(0, as: Double.self), read(1, as: Double.self), read(2, as: Double.self), read(3, as: Double.self))
        let walk = WindowWalk(convolution.window, over: shape(0), positions: outputs[0].shape)
        let (outputChannels, groupChannels, taps) = (shape(1)[0], shape(1)[1], walk.tapCount)
        let channelsPerGroup = outputChannels / convolution.groups
        var y = [Double](repeating: 0, count: outputs[0].shape.elementCount)
        walk.forEachPosition { position, inside in
            for image in 0..<shape(0)[0] {
                for channel in 0..<outputChannels {
                    var sum = 0.0
                    for c in 0..<groupChannels {
                        let inputChannel = channel / channelsPerGroup * groupChannels + c
                        let plane = (image * shape(0)[1] + inputChannel) * walk.inputSize
                        let kernel = (channel * groupChannels + c) * taps
                        for tap in inside { sum += x[plane + tap.input] * w[kernel + tap.kernel] }
                    }
                    let index = (image * outputChannels + channel) * walk.outputSize + position
                    if !bias.isEmpty { sum += bias[channel] }
                    if !residual.isEmpty { sum += residual[index] }
                    y[index] = convolution.activation(sum)
                }
            }
        }
        return result(y)
    }

    func product<Wide: WideNumber>(_ gemm: Gemm, as _: Wide.Type) -> Tensor {
        let (a, b, c) = (read(0, as: Wide.self), read(1, as: Wide.self), read(2, as: Wide.self))
        let (m, n, k) = (outputs[0].shape[0], outputs[0].shape[1], shape(0)[gemm.transposesA ? 0 : 1])
        let addends = c.isEmpty ? [] : shape(2).positions(broadcastTo: [m, n]).map { c[$0] }
        var y: [Wide] = []
        for row in 0..<m {
            for column in 0..<n {
                var sum = Wide.zero
                for i in 0..<k {
                    let left = gemm.transposesA ? a[i * m + row] : a[row * k + i]
                    let right = gemm.transposesB ? b[column * k + i] : b[i * n + column]
                    sum = .add(sum, .multiply(left, right))
                }
                sum = .multiply(Wide(truncating: Double(gemm.alpha)), sum)
                if !addends.isEmpty { sum = .add(sum, .multiply(Wide(truncating: Double(gemm.beta)), addends[row * n + column])) }
                y.append(sum.activated(by: gemm.activation))
            }
        }
        return result(y)
    }

    func matrixProduct<Wide: WideNumber>(as _: Wide.Type) -> Tensor {
        let (a, b) = (read(0, as: Wide.self), read(1, as: Wide.self))
        let left = shape(0).count == 1 ? [1] + shape(0) : shape(0)
        let right = shape(1).count == 1 ? shape(1) + [1] : shape(1)
        let (m, k, n) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
        let (leftBatch, rightBatch) = (Array(left.dropLast(2)), Array(right.dropLast(2)))
        let batch = leftBatch.broadcast(with: rightBatch) ?? []
        var y: [Wide] = []
        for (i, j) in zip(leftBatch.positions(broadcastTo: batch), rightBatch.positions(broadcastTo: batch)) {
            for row in 0..<m {
                for column in 0..<n {
                    var sum = Wide.zero
                    for l in 0..<k { sum = .add(sum, .multiply(a[(i * m + row) * k + l], b[(j * k + l) * n + column])) }
                    y.append(sum)
                }
            }
        }
        return result(y)
    }
}
