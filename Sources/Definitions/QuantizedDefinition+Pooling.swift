// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

extension QuantizedDefinition {
    /// 2-D pooling of uint8 `[n, c, h, w]`. Maximum: over the positions inside the image, 0 where there are none. Average:
    /// `Float(Σ (x − zx)) · Float(sx / (so · count))` rounded half to even, where `count` is the number of positions inside the image,
    /// or with ``Pooling/countsPadding`` inside the padded image.
    package static func pool(_ x: Tensor, _ pooling: Pooling, input: Quantization, output: Quantization) -> Tensor {
        let window = pooling.window
        let (height, width) = (x.shape[2], x.shape[3])
        let values = x.elements(of: UInt8.self)
        let outputHeight = pooledSize(height, pooling, axis: 0)
        let outputWidth = pooledSize(width, pooling, axis: 1)
        var results: [UInt8] = []
        for plane in 0..<x.shape[0] * x.shape[1] {
            for oy in 0..<outputHeight {
                for ox in 0..<outputWidth {
                    var largest: UInt8 = 0
                    var sum: Int32 = 0
                    var inside = 0
                    var padded = 0
                    for ky in 0..<window.size[0] {
                        for kx in 0..<window.size[1] {
                            let iy = oy * window.strides[0] + ky * window.dilations[0] - window.padsBefore[0]
                            let ix = ox * window.strides[1] + kx * window.dilations[1] - window.padsBefore[1]
                            guard iy < height + window.padsAfter[0], ix < width + window.padsAfter[1] else { continue }
                            padded += 1
                            guard (0..<height).contains(iy), (0..<width).contains(ix) else { continue }
                            inside += 1
                            let value = values[(plane * height + iy) * width + ix]
                            largest = max(largest, value)
                            sum += Int32(value) - input.zeroPoint
                        }
                    }
                    if pooling.kind == .maximum {
                        results.append(largest)
                        continue
                    }
                    let count = pooling.countsPadding ? padded : inside
                    let multiplier = count == 0 ? 0 : Float(Double(input.scale) / (Double(output.scale) * Double(count)))
                    results.append(rounded(Float(sum) * multiplier, zeroPoint: output.zeroPoint))
                }
            }
        }
        return Tensor(shape: [x.shape[0], x.shape[1], outputHeight, outputWidth], results)
    }

    private static func pooledSize(_ size: Int, _ pooling: Pooling, axis: Int) -> Int {
        let window = pooling.window
        let padded = size + window.padsBefore[axis] + window.padsAfter[axis]
        var count = 0
        while true {
            let start = count * window.strides[axis]
            // With ceilMode the last window may hang over the end, but every one has to start before the padding there.
            let fits =
                pooling.ceilMode
                ? start - window.strides[axis] < padded - window.extent(axis: axis) && start < size + window.padsBefore[axis]
                : start + window.extent(axis: axis) <= padded
            guard fits else { return count }
            count += 1
        }
    }

    /// The mean of uint8 `x` over `axes`, kept as size 1: `Float(Σ (x − zx)) · Float(sx / (so · count))`, rounded half to even.
    package static func mean(_ x: Tensor, axes: [Int], input: Quantization, output: Quantization) -> Tensor {
        let shape = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
        let count = axes.reduce(1) { $0 * x.shape[$1] }
        let multiplier = Float(Double(input.scale) / (Double(output.scale) * Double(count)))
        var sums = [Int32](repeating: 0, count: shape.elementCount)
        for (index, value) in x.elements(of: UInt8.self).enumerated() {
            sums[sourceIndex(of: index, in: x.shape, shape: shape)] += Int32(value) - input.zeroPoint
        }
        return Tensor(shape: shape, sums.map { rounded(Float($0) * multiplier, zeroPoint: output.zeroPoint) })
    }

    /// The position, in a tensor of `shape` that broadcasts to `outer`, of what meets element `index` of `outer`.
    static func sourceIndex(of index: Int, in outer: [Int], shape: [Int]) -> Int {
        var (rest, stride, result) = (index, 1, 0)
        for axis in outer.indices.reversed() {
            let own = axis - (outer.count - shape.count)
            if own >= 0 {
                result += shape[own] == 1 ? 0 : rest % outer[axis] * stride
                stride *= shape[own]
            }
            rest /= outer[axis]
        }
        return result
    }
}
