// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import Testing
import swiftlet

struct KernelContestTests {
    /// Convolutions of one image, one after the other in the graph.
    private func contests(_ convolutions: [Convolution], channels: Int = 4) throws -> [KernelContest] {
        var graph = Graph(name: "test")
        let x = graph.add(Value(name: "x", type: .float32, shape: [1, channels, 9, 9]))
        graph.inputs = [x]
        for (index, convolution) in convolutions.enumerated() {
            let shape = [8, channels / convolution.groups] + convolution.window.size
            let w = graph.add(Value(name: "w\(index)", constant: Tensor(shape: shape, [Float](repeating: 1, count: shape.elementCount))))
            let type = try Networks.Operation.convolution(convolution).outputs(of: [graph[x], graph[w]], declared: [])[0]
            graph.outputs.append(
                graph.add(
                    .convolution(convolution), name: "n\(index)", inputs: [x, w], output: Value(name: "y\(index)", type: type.type, shape: type.shape)))
        }
        try graph.check()
        return KernelContest.all(of: graph)
    }

    private let padded = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])

    @Test func layersThatDifferInTheirLimitsOnlyAreOneInTwoPlaces() throws {
        let activations: [Activation] = [.none, .relu, .clip(low: 0, high: 6)]
        let contests = try contests(activations.map { Convolution(window: padded, activation: $0) })
        #expect(contests.map(\.layer) == ["3×3 4 → 8 of 9×9"])
        #expect(contests.map(\.places) == [3])
    }

    @Test func layersThatTakeOtherTimesHaveOtherNames() throws {
        var windows = [padded, Window(size: [3, 3]), Window(size: [3, 3], padsBefore: [0, 0], padsAfter: [1, 1])]
        windows += [[2, 2], [2, 1], [1, 2]].map { Window(size: [3, 3], strides: $0, padsBefore: [1, 1], padsAfter: [1, 1]) }
        windows += [[2, 2], [2, 1]].map { Window(size: [3, 3], dilations: $0, padsBefore: [1, 1], padsAfter: [1, 1]) }
        var convolutions = windows.map { Convolution(window: $0) }
        convolutions += [Convolution(window: padded, groups: 2), Convolution(window: padded, activation: .hardSwish)]
        convolutions.append(Convolution(window: padded, activation: .leakyRelu(slope: 0.1)))
        let contests = try contests(convolutions)
        #expect(contests.count == convolutions.count)
        #expect(Set(contests.map(\.layer)).count == contests.count, "\(contests.map(\.layer))")
    }
}
