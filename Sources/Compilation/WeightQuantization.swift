// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// The weights `[o, …]` and biases `[o]` of a convolution or product as integers.
struct WeightQuantization {
    var weights: [Int8]
    var scales: [Float]
    /// In units of `inputScale · scales[channel]`.
    var bias: [Int32]

    /// Picks one scale a channel: of `largest / k`, the one with the least squared error; `k` above 127 clips the largest weights, a smaller one may hit
    /// the grid that the weights were on before. A scale grows where the bias would leave 32 bits.
    ///
    /// Rounding moves each result by `Σ (rounded − weight) · x` on average: the bias takes that back, with the mean of `x` from calibration
    /// (M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.2).
    ///
    /// - Parameters:
    ///   - given: scales to keep, one a channel.
    ///   - inputMeans: of what each weight is multiplied with; `nil` leaves the bias alone.
    /// - Returns: `nil` where a weight, a bias or a scale isn't finite, or so large that the integers for it aren't defined.
    init?(weights: [Float], bias: [Float], inputScale: Float, given: [Float]? = nil, inputMeans: [Float]? = nil) {
        let channels = bias.count
        let length = channels > 0 ? weights.count / channels : 0
        self.weights = []
        self.weights.reserveCapacity(weights.count)
        scales = []
        self.bias = []
        for channel in 0..<channels {
            let row = weights.span.extracting(channel * length..<(channel + 1) * length)
            let wanted = given?[channel] ?? Self.scale(of: row)
            let least = Float(abs(Double(bias[channel])) / (Double(inputScale) * Self.largestBias))
            let scale = max(wanted, least, Self.leastScale)
            guard scale.isFinite else { return nil }
            scales.append(scale)
            var drift = 0.0
            for index in row.indices {
                guard row[index].isFinite else { return nil }
                let rounded = min(max((row[index] / scale).rounded(.toNearestOrEven), -127), 127)
                self.weights.append(Int8(rounded))
                if let inputMeans { drift += Double(rounded * scale - row[index]) * Double(inputMeans[channel * length + index]) }
            }
            let units = ((Double(bias[channel]) - drift) / (Double(inputScale) * Double(scale))).rounded(.toNearestOrEven)
            guard units.isFinite else { return nil }
            self.bias.append(Int32(min(max(units, -Self.largestBias), Self.largestBias)))
        }
    }

    /// Whether all sums of products and biases stay within 32 bits, whatever the inputs are.
    var sumsFit32Bits: Bool {
        let length = weights.count / max(bias.count, 1)
        return bias.indices.allSatisfy {
            Operation.sumsFit32Bits(weights.span.extracting($0 * length..<($0 + 1) * length), bias: bias[$0])
        }
    }

    /// Leaves room for sums of products beside the bias.
    static let largestBias = 0x1p28
    static let leastScale = Float.leastNormalMagnitude * 0x1p10

    private static func scale(of row: Span<Float>) -> Float {
        var largest: Float = 0
        for index in row.indices { largest = max(largest, row[index].magnitude) }
        guard largest > 0, largest.isFinite else { return 1 / 127 }
        var best = (error: Float.infinity, scale: largest / 127)
        for k in candidates {
            let scale = largest / k
            guard scale.isNormal else { continue }
            let error = squaredError(of: row, scale: scale)
            if error < best.error { best = (error, scale) }
        }
        return best.scale
    }

    /// 127 first: it stays where nothing is better.
    private static let candidates: [Float] = [127] + (64..<127).reversed().map(Float.init) + (128...160).map(Float.init)

    private static func squaredError(of row: Span<Float>, scale: Float) -> Float {
        let inverse = 1 / scale
        // Adding and subtracting 1.5 · 2²³ rounds to an integer, half to even, for numbers well below 2²².
        let rounder: Float = 0x1.8p23
        var error: Float = 0
        for index in row.indices {
            let units = min(max((row[index] * inverse + rounder) - rounder, -127), 127)
            let difference = row[index] - units * scale
            error += difference * difference
        }
        return error
    }
}
