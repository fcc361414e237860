// SPDX-License-Identifier: Apache-2.0
import Compilation
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct CompensatedRoundingTests {
    /// The covariance of `samples` random inputs that have much in common.
    private func covariance(_ length: Int, samples: Int, using random: inout SeededGenerator) -> [Float] {
        var sum = [Double](repeating: 0, count: length * length)
        for _ in 0..<samples {
            let shared = Double.random(in: -1...1, using: &random)
            let inputs = (0..<length).map { _ in shared + Double.random(in: -0.5...0.5, using: &random) }
            for i in 0..<length { for j in 0..<length { sum[i * length + j] += inputs[i] * inputs[j] / Double(samples) } }
        }
        return sum.map(Float.init)
    }

    /// `dᵀ · (C + λ) · d`
    private func error(_ weights: [Float], _ integers: [Int8], scale: Float, _ covariance: [Float]) -> Double {
        let length = weights.count
        let damping = (0..<length).reduce(0) { $0 + Double(covariance[$1 * length + $1]) } / Double(length) * CompensatedRounding.damping
        let errors = zip(weights, integers).map { Double($0) - Double(scale) * Double($1) }
        var sum = 0.0
        for i in 0..<length {
            sum += damping * errors[i] * errors[i]
            for j in 0..<length { sum += errors[i] * Double(covariance[i * length + j]) * errors[j] }
        }
        return sum
    }

    /// Beside plain rounding at the best of 23 scales. With three values a weight there is little room to compensate.
    @Test(arguments: [(1, 1.1), (3, 0.8), (7, 0.8)]) func theErrorIsWhatItSaysAndFarBelowPlainRoundingsFromThreeBitsOn(largest: Int, share: Double) throws {
        var random = SeededGenerator(seed: 4)
        for length in [1, 2, 9, 40] {
            let covariance = covariance(length, samples: 100, using: &random)
            let rounding = try #require(CompensatedRounding(covariance: covariance, length: length))
            var (compensated, alone) = (0.0, 0.0)
            for _ in 0..<20 {
                let weights = (0..<length).map { _ in Float.random(in: -1...1, using: &random) }
                let row = try #require(rounding.round(weights, largest: largest))
                #expect(row.integers.count == length && row.integers.allSatisfy { abs(Int($0)) <= largest })
                let found = error(weights, row.integers, scale: row.scale, covariance)
                #expect(abs(found - Double(row.error)) < 1e-4 * (1 + found), "\(found) \(row.error)")
                let largestWeight = weights.map(\.magnitude).max() ?? 0
                let plain = (2...24).map { step in
                    let scale = largestWeight * Float(step) / 20 / Float(largest)
                    let integers = weights.map { Int8(min(max(($0 / scale).rounded(), -Float(largest)), Float(largest))) }
                    return error(weights, integers, scale: scale, covariance)
                }.min() ?? 0
                compensated += found
                alone += plain
            }
            if length >= 9 { #expect(compensated < alone * share, "\(length) weights") }
        }
    }

    @Test func errorsOfInputsThatAreAlwaysEqualCancel() throws {
        let rounding = try #require(CompensatedRounding(covariance: Array(repeating: 1, count: 9), length: 3))
        // Only the sum of these weights matters.
        let row = try #require(rounding.round([1, 0.45, 0.45], largest: 1))
        #expect(abs(row.scale * Float(row.integers.reduce(0) { $0 + Int($1) }) - 1.9) < 0.05)
        #expect(row.error < 0.01)
    }

    @Test func whatDoesNotVaryOrIsNotANumberGivesNothing() {
        #expect(CompensatedRounding(covariance: [0, 0, 0, 0], length: 2) == nil)
        #expect(CompensatedRounding(covariance: [.nan, 0, 0, 1], length: 2) == nil)
        #expect(CompensatedRounding(covariance: [.infinity, 0, 0, 1], length: 2) == nil)
        let rounding = CompensatedRounding(covariance: [1, 0, 0, 1], length: 2)
        #expect(rounding?.round([0, 0], largest: 7) == nil)
    }

    /// Mean and covariance by their definition, over all positions of all images.
    @Test func covariancesAreThoseOfWhatTheWindowsSee() throws {
        var random = SeededGenerator(seed: 6)
        for (groups, stride, dilation) in [(1, 1, 1), (4, 2, 1), (2, 1, 2)] {
            var builder = GraphBuilder(seed: 2)
            let x = builder.input([1, 4, 6, 5])
            let window = Window(size: [3, 2], strides: [stride, 1], dilations: [dilation, 1], padsBefore: [1, 0], padsAfter: [2, 1])
            let weights = builder.constant([4, 4 / groups, 3, 2])
            let output = try builder.add(.convolution(Convolution(window: window, groups: groups)), [x, weights])
            let graph = try builder.finish(output)
            var found = try #require(InputCovariance(graph.nodes[0], in: graph, images: 8))
            #expect(found.groups == groups && found.length == 24 / groups)
            var rows: [[[Double]]] = Array(repeating: [], count: groups)
            for _ in 0..<8 {
                let image = (0..<120).map { _ in Float.random(in: -1...2, using: &random) }
                found.observe(image.span, shape: [1, 4, 6, 5])
                for y in 0..<graph[output].shape[2] {
                    for x in 0..<graph[output].shape[3] {
                        for group in 0..<groups {
                            var row: [Double] = []
                            for channel in group * 4 / groups..<(group + 1) * 4 / groups {
                                for i in 0..<3 {
                                    for j in 0..<2 {
                                        let (r, c) = (y * stride - 1 + i * dilation, x + j)
                                        row.append((0..<6).contains(r) && (0..<5).contains(c) ? Double(image[(channel * 6 + r) * 5 + c]) : 0)
                                    }
                                }
                            }
                            rows[group].append(row)
                        }
                    }
                }
            }
            for group in 0..<groups {
                let (length, count) = (found.length, Double(rows[group].count))
                let means = (0..<length).map { i in rows[group].reduce(0) { $0 + $1[i] } / count }
                let covariance = found.covariance(group: group)
                for i in 0..<length {
                    #expect(abs(found.mean(group: group)[i] - means[i]) < 1e-5)
                    for j in 0..<length {
                        let wanted = rows[group].reduce(0) { $0 + ($1[i] - means[i]) * ($1[j] - means[j]) } / count
                        #expect(abs(Double(covariance[i * length + j]) - wanted) < 1e-4)
                    }
                }
            }
        }
    }
}
