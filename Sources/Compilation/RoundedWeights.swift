// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// The weights `[o, …]` of a layer as small integers, rounded for the inputs that it meets.
struct RoundedWeights: Sendable {
    var integers: [Int8]
    /// One an output channel; 0 where all its integers are 0.
    var scales: [Float]
    /// How far rounding moves the mean of each output: `Σ (integer · scale − weight) · mean(x)`.
    var drifts: [Double]

    /// - Parameter widths: how many bits to round to: each gives `−(2ᵇ⁻¹ − 1) … 2ᵇ⁻¹ − 1`.
    /// - Returns: one for each width; empty where a weight isn't finite or the covariance is of another layer.
    static func all(
        of product: FoldableProduct, _ covariance: InputCovariance, widths: [BitPackedWeights.Width]
    ) -> [BitPackedWeights.Width: RoundedWeights] {
        let (length, channels) = (covariance.length, product.outputChannels)
        guard product.weights.count == channels * length, channels % covariance.groups == 0, product.weights.allSatisfy(\.isFinite) else { return [:] }
        let perGroup = channels / covariance.groups
        var results: [BitPackedWeights.Width: RoundedWeights] = [:]
        for width in widths { results[width] = RoundedWeights(integers: [], scales: [], drifts: []) }
        for group in 0..<covariance.groups {
            let means = covariance.mean(group: group)
            guard means.allSatisfy(\.isFinite),
                let rounding = CompensatedRounding(covariance: covariance.covariance(group: group), length: length)
                    ?? CompensatedRounding(covariance: .identity(length), length: length)
            else { return [:] }
            for channel in group * perGroup..<(group + 1) * perGroup {
                let weights = Array(product.weights[channel * length..<(channel + 1) * length])
                for width in widths {
                    let row = rounding.round(weights, largest: Int(width.range.upperBound))
                        ?? CompensatedRounding.Row(integers: Array(repeating: 0, count: length), scale: 0, error: 0)
                    results[width]?.append(row, of: weights, means: means)
                }
            }
        }
        return results
    }

    /// Weights of 8 bits, each rounded by itself.
    ///
    /// - Parameters:
    ///   - given: scales to keep, one a channel.
    ///   - means: of what each weight is multiplied with; `nil` leaves the bias alone.
    static func nearest(_ product: FoldableProduct, given: [Float]?, means: [Float]?) -> RoundedWeights? {
        let zeros = [Float](repeating: 0, count: product.outputChannels)
        guard let plain = WeightQuantization(weights: product.weights, bias: zeros, inputScale: 1, given: given) else { return nil }
        let length = product.weights.count / max(product.outputChannels, 1)
        var result = RoundedWeights(integers: [], scales: [], drifts: [])
        for channel in 0..<product.outputChannels {
            let range = channel * length..<(channel + 1) * length
            let row = CompensatedRounding.Row(integers: Array(plain.weights[range]), scale: plain.scales[channel], error: 0)
            result.append(row, of: Array(product.weights[range]), means: means.map { $0[range].map(Double.init) } ?? Array(repeating: 0, count: length))
        }
        return result
    }

    private mutating func append(_ row: CompensatedRounding.Row, of weights: [Float], means: [Double]) {
        var drift = 0.0
        for index in weights.indices { drift += Double(Float(row.integers[index]) * row.scale - weights[index]) * means[index] }
        integers += row.integers
        scales.append(row.integers.contains { $0 != 0 } ? row.scale : 0)
        drifts.append(drift)
    }
}

extension WeightQuantization {
    /// Takes the integers as they are; the bias takes back what they do to the mean of each output.
    ///
    /// - Returns: `nil` where a bias would leave 32 bits, or isn't finite.
    init?(_ rounded: RoundedWeights, bias: [Float], inputScale: Float) {
        weights = rounded.integers
        scales = []
        self.bias = []
        for channel in bias.indices {
            let wanted = Double(bias[channel]) - rounded.drifts[channel]
            let least = max(Float(abs(wanted) / (Double(inputScale) * Self.largestBias)), Self.leastScale)
            // Integers of 0 have no scale of their own.
            let scale = rounded.scales[channel] == 0 ? least : rounded.scales[channel]
            guard scale.isFinite, scale >= least else { return nil }
            let units = (wanted / (Double(inputScale) * Double(scale))).rounded(.toNearestOrEven)
            guard units.isFinite else { return nil }
            scales.append(scale)
            self.bias.append(Int32(min(max(units, -Self.largestBias), Self.largestBias)))
        }
    }
}

extension [Float] {
    fileprivate static func identity(_ length: Int) -> [Float] {
        var matrix = [Float](repeating: 0, count: length * length)
        for index in 0..<length { matrix[index * length + index] = 1 }
        return matrix
    }
}
