// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import TestSupport

/// Images as bad weather, optics and sensors make them, in five severities.
///
/// After D. Hendrycks, T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019, with formulas of our own:
///
///     noise     y = x + σ·n,  n standard normal for each sample
///     blur      a Gaussian of deviation σ pixels, borders repeated
///     fog       y = (1 − t)·x + t·(0.5 + 0.5·f),  f smooth random fields of 2, 4 and 8 cells a side, weighed 0.5, 0.3, 0.2
///     contrast  y = m + c·(x − m),  m the mean of the channel
enum Corruption: String, CaseIterable, Sendable {
    case noise, blur, fog, contrast

    private var strengths: [Double] {
        switch self {
        case .noise: [0.02, 0.03, 0.04, 0.06, 0.08]
        case .blur: [0.5, 0.6, 0.7, 0.9, 1.1]
        case .fog: [0.2, 0.35, 0.5, 0.6, 0.7]
        case .contrast: [0.75, 0.5, 0.4, 0.3, 0.15]
        }
    }

    /// - Parameter severity: 1 … 5.
    func applied(to image: Image, severity: Int, using random: inout SeededGenerator) -> Image {
        let strength = strengths[severity - 1]
        let (width, height, channels) = (image.width, image.height, image.channels)
        var samples = image.pixels.map { Double($0) / 255 }
        switch self {
        case .noise:
            for index in samples.indices { samples[index] += strength * Self.normal(&random) }
        case .blur:
            for (step, count) in [(channels, width), (channels * width, height)] {
                samples = Self.blurred(samples, deviation: strength, step: step, count: count)
            }
        case .fog:
            let field = Self.field(width, height, &random)
            for index in samples.indices {
                samples[index] = (1 - strength) * samples[index] + strength * (0.5 + 0.5 * field[index / channels])
            }
        case .contrast:
            for channel in 0..<channels {
                let places = stride(from: channel, to: samples.count, by: channels)
                let mean = places.reduce(0) { $0 + samples[$1] } / Double(width * height)
                for place in places { samples[place] = mean + strength * (samples[place] - mean) }
            }
        }
        return Image(
            width: width, height: height, channels: channels, pixels: samples.map { UInt8((min(max($0, 0), 1) * 255).rounded(.toNearestOrEven)) })
    }

    /// By the method of Box and Muller.
    private static func normal(_ random: inout SeededGenerator) -> Double {
        (-2 * log(Double.random(in: Double.leastNormalMagnitude..<1, using: &random))).squareRoot() * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }

    /// Along the lines of `count` samples that lie `step` apart.
    private static func blurred(_ samples: [Double], deviation: Double, step: Int, count: Int) -> [Double] {
        let radius = Int((3 * deviation).rounded(.up))
        let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let sum = weights.reduce(0, +)
        return samples.indices.map { index in
            let place = index / step % count
            return zip(-radius...radius, weights).reduce(0) { $0 + samples[index + (min(max(place + $1.0, 0), count - 1) - place) * step] * $1.1 } / sum
        }
    }

    /// 0 … 1 for each pixel, bilinear between the random corners of the cells.
    private static func field(_ width: Int, _ height: Int, _ random: inout SeededGenerator) -> [Double] {
        var field = [Double](repeating: 0, count: width * height)
        for (cells, weight) in [(2, 0.5), (4, 0.3), (8, 0.2)] {
            let side = cells + 1
            let corners = (0..<side * side).map { _ in Double.random(in: 0..<1, using: &random) }
            for y in 0..<height {
                for x in 0..<width {
                    let (u, v) = (Double(x * cells) / Double(width), Double(y * cells) / Double(height))
                    let (i, j) = (Int(u), Int(v))
                    let (f, g) = (u - Double(i), v - Double(j))
                    let upper = corners[j * side + i] * (1 - f) + corners[j * side + i + 1] * f
                    let lower = corners[(j + 1) * side + i] * (1 - f) + corners[(j + 1) * side + i + 1] * f
                    field[y * width + x] += weight * (upper * (1 - g) + lower * g)
                }
            }
        }
        return field
    }
}
