// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

/// Mean and covariance of what the weights of a convolution or product are multiplied with, over images and positions, padding included.
///
/// All output channels of a group see the same inputs; an output is `Σ wᵢ · xᵢ`, so that an error `d` of the weights moves it by `d · mean(x)` on average, which
/// the bias can take back, and by `dᵀ · cov(x) · d` in the mean square around that, which it can't.
package struct InputCovariance: Sendable {
    package let groups: Int
    /// Weights of one output channel.
    package let length: Int
    /// `nil` for a product.
    private let window: Window?
    private let positionsPerImage: Int
    private var images = 0
    private var count = 0
    /// `[groups][length]`
    private var sums: [Double]
    /// `[groups][length][length]`; only on and below the diagonal.
    private var products: [Float]

    /// What one layer may take in memory.
    private static let mostElements = 1 << 24
    /// How many positions are looked at in all, where there are as many.
    private static let wantedSamples = 4096
    private static let rowsAtOnce = 4

    /// - Parameter images: how many there will be.
    /// - Returns: `nil` for what isn't a convolution or product with constant weights, or has too many weights for one output.
    package init?(_ node: Node, in graph: Graph, images: Int) {
        guard let weights = node.input(1).map({ graph[$0].shape }), FoldableProduct(node, in: graph) != nil else { return nil }
        switch node.operation {
        case .convolution(let convolution):
            guard (1...2).contains(convolution.window.size.count) else { return nil }
            window = convolution.window.withTwoAxes
            groups = convolution.groups
        case .gemm:
            window = nil
            groups = 1
        default: return nil
        }
        length = weights[1...].reduce(1, *)
        guard length > 0, groups * length * length <= Self.mostElements else { return nil }
        positionsPerImage = max((Self.wantedSamples + images - 1) / max(images, 1), 1)
        sums = Array(repeating: 0, count: groups * length)
        products = Array(repeating: 0, count: groups * length * length)
    }

    /// - Parameter shape: of the layer's input, `[n, c, …]`.
    package mutating func observe(_ numbers: Span<Float>, shape: [Int]) {
        let (channels, height, width) = (shape[1], shape.count > 3 ? shape[2] : 1, shape.count > 2 ? shape[shape.count - 1] : 1)
        let window = window ?? Window(size: [1, 1])
        let rows = (height + window.padsBefore[0] + window.padsAfter[0] - window.extent(axis: 0)) / window.strides[0] + 1
        let columns = (width + window.padsBefore[1] + window.padsAfter[1] - window.extent(axis: 1)) / window.strides[1] + 1
        var samples = [Float](repeating: 0, count: Self.rowsAtOnce * groups * length)
        for image in 0..<shape[0] {
            let area = rows * columns
            let wanted = min(area, positionsPerImage)
            for first in stride(from: 0, to: wanted, by: Self.rowsAtOnce) {
                for element in samples.indices { samples[element] = 0 }
                for index in first..<min(first + Self.rowsAtOnce, wanted) {
                    // Other positions in each image.
                    let position = (index * area / wanted + images * 7919) % area
                    let start = (position / columns * window.strides[0] - window.padsBefore[0], position % columns * window.strides[1] - window.padsBefore[1])
                    var element = (index - first) * groups * length
                    for channel in 0..<channels {
                        let plane = (image * channels + channel) * height * width
                        for y in 0..<window.size[0] {
                            let row = start.0 + y * window.dilations[0]
                            for x in 0..<window.size[1] {
                                let column = start.1 + x * window.dilations[1]
                                if row >= 0, row < height, column >= 0, column < width { samples[element] = numbers[plane + row * width + column] }
                                element += 1
                            }
                        }
                    }
                    count += 1
                }
                add(samples)
            }
            images += 1
        }
    }

    /// Adds ``rowsAtOnce`` samples `[rows][groups][length]`; rows of zeros add nothing.
    private mutating func add(_ samples: [Float]) {
        let (length, step) = (length, groups * length)
        for index in samples.indices { sums[index % step] += Double(samples[index]) }
        unsafe samples.withUnsafeBufferPointer { samples in
            unsafe products.withUnsafeMutableBufferPointer { products in
                for group in 0..<groups {
                    let a = unsafe samples.baseAddress! + group * length
                    let (b, c, d) = unsafe (a + step, a + 2 * step, a + 3 * step)
                    for row in 0..<length {
                        let (p, q, r, s) = unsafe (a[row], b[row], c[row], d[row])
                        let target = unsafe products.baseAddress! + (group * length + row) * length
                        for column in 0...row { unsafe target[column] += p * a[column] + q * b[column] + r * c[column] + s * d[column] }
                    }
                }
            }
        }
    }

    /// By position of the weight.
    package func mean(group: Int) -> [Double] { sums[group * length..<(group + 1) * length].map { $0 / Double(max(count, 1)) } }

    /// `[length][length]`, symmetric.
    package func covariance(group: Int) -> [Float] {
        let mean = mean(group: group)
        var result = [Float](repeating: 0, count: length * length)
        for row in 0..<length {
            for column in 0...row {
                let product = Double(products[(group * length + row) * length + column]) / Double(max(count, 1))
                let covariance = Float(product - mean[row] * mean[column])
                result[row * length + column] = covariance
                result[column * length + row] = covariance
            }
        }
        return result
    }
}

extension Window {
    /// A window along one axis as one of height 1.
    fileprivate var withTwoAxes: Window {
        guard size.count == 1 else { return self }
        return Window(size: [1] + size, strides: [1] + strides, dilations: [1] + dilations, padsBefore: [0] + padsBefore, padsAfter: [0] + padsAfter)
    }
}
