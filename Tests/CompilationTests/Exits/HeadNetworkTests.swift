// SPDX-License-Identifier: Apache-2.0
import Compilation
import TestSupport
import Testing

@Suite struct HeadNetworkTests {
    static let designs = [
        HeadDesign(channels: 3, height: 4, width: 6, classes: 4, grid: 2),
        HeadDesign(channels: 3, height: 5, width: 5, classes: 4),
        HeadDesign(channels: 2, height: 7, width: 6, classes: 3, convolutions: [4]),
        HeadDesign(channels: 2, height: 9, width: 8, classes: 3, convolutions: [4, 5]),
        HeadDesign(channels: 2, height: 8, width: 8, classes: 3, convolutions: [3, 4], grid: 2),
    ]

    /// The slope of a sum of logits with random weights by each parameter, against the difference quotient. Steps are small, so that hardly any ReLU turns over; where
    /// one does the two quotients to both sides differ, and the parameter says nothing.
    @Test(arguments: designs) func gradientsAreThoseOfFiniteDifferences(design: HeadDesign) {
        var random = SeededGenerator(seed: 5)
        var network = HeadNetwork(design, capacity: 3, seed: 9)
        for index in network.parameters.indices { network.parameters[index] += Float.random(in: -0.2...0.2, using: &random) }
        let input = (0..<3 * network.inputCount).map { _ in Float.random(in: -1...1, using: &random) }
        let slopes = (0..<3 * design.classes).map { _ in Float.random(in: -1...1, using: &random) }
        func sum() -> Double {
            network.run(input, count: 3)
            return zip(network.logits, slopes).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let start = sum()
        network.forget()
        network.learn(from: slopes, count: 3)
        let gradients = network.gradients
        let largest = gradients.map(\.magnitude).max() ?? 0
        #expect(largest > 0.01)
        var compared = 0
        let step: Float = 1 / 512
        for index in network.parameters.indices {
            let kept = network.parameters[index]
            network.parameters[index] = kept + step
            let above = (sum() - start) / Double(step)
            network.parameters[index] = kept - step
            let below = (start - sum()) / Double(step)
            network.parameters[index] = kept
            guard abs(above - below) < 0.01 * Double(largest) else { continue }
            compared += 1
            #expect(abs((above + below) / 2 - Double(gradients[index])) < 0.01 * Double(largest), "parameter \(index)")
        }
        #expect(compared * 10 > network.parameters.count * 9)
    }

    @Test func gradientsAddUpOverPasses() {
        let design = Self.designs[3]
        var random = SeededGenerator(seed: 6)
        var network = HeadNetwork(design, capacity: 4, seed: 2)
        let size = network.inputCount
        let input = (0..<4 * size).map { _ in Float.random(in: -1...1, using: &random) }
        let slopes = (0..<4 * design.classes).map { _ in Float.random(in: -1...1, using: &random) }
        network.run(input, count: 4)
        network.learn(from: slopes, count: 4)
        let together = network.gradients
        network.forget()
        for image in 0..<4 {
            network.run(Array(input[image * size..<(image + 1) * size]), count: 1)
            network.learn(from: Array(slopes[image * design.classes..<(image + 1) * design.classes]), count: 1)
        }
        for (a, b) in zip(together, network.gradients) { #expect(abs(a - b) <= 1e-4 * max(1, abs(a))) }
    }

    @Test func aHeadKeepsItsWorkWithinTheLimit() {
        let wide = HeadDesign.convolutional(channels: 64, height: 56, width: 56, classes: 10, limit: .max)
        #expect(wide.convolutions == [128, 128])
        let narrow = HeadDesign.convolutional(channels: 64, height: 56, width: 56, classes: 10, limit: wide.multiplyAccumulates / 5)
        #expect(narrow.multiplyAccumulates <= wide.multiplyAccumulates / 5 && narrow.convolutions.count == 2)
        #expect(HeadDesign.convolutional(channels: 16, height: 8, width: 8, classes: 10, limit: .max).convolutions == [32])
        let pooled = HeadDesign.pooled(channels: 16, height: 32, width: 32, classes: 10)
        #expect(pooled.grid == 4 && pooled.multiplyAccumulates == 16 * 16 * 10)
        #expect(HeadDesign.pooled(channels: 256, height: 7, width: 7, classes: 10).grid == 1)
    }
}
