// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import Testing

/// Chains of values with so many numbers each; only sizes and who reads what matter here.
struct ShippableCutTests {
    /// `x` and the steps, each a concatenation, or a slice where it's shorter than its only input.
    private func graph(_ input: Int, _ steps: [(output: String, inputs: [String], count: Int)], outputs: [String], frames: Int = 1) throws -> Graph {
        var graph = Graph(name: "sizes")
        func id(_ name: String) throws -> ValueID { try #require(graph.values.lastIndex { $0.name == name }.map { ValueID(rawValue: $0) }) }
        graph.inputs = [graph.add(Value(name: "x", type: .float32, shape: [frames, input]))]
        for step in steps {
            let inputs = try step.inputs.map { try id($0) }
            let isShorter = inputs.count == 1 && step.count <= graph[inputs[0]].shape[1]
            let slice = SliceRange(axis: 1, start: 0, step: 1, count: step.count)
            graph.add(
                isShorter ? .slice([slice]) : .concatenation(axis: 1), name: step.output, inputs: inputs,
                output: Value(name: step.output, type: .float32, shape: [frames, step.count]))
        }
        graph.outputs = try outputs.map { try id($0) }
        try graph.check()
        return graph
    }

    @Test func anOverviewLeavesOutCutsWhereTwiceTheNumbersOfOneBeforeCross() throws {
        let graph = try graph(10, [("a", ["x", "x"], 20), ("b", ["a"], 6), ("c", ["b", "b"], 12), ("d", ["b", "c"], 18), ("e", ["d"], 11), ("f", ["e"], 2)], outputs: ["f"])
        // 10, 20, 6, 6 + 12, 18, 11, and nothing at the end.
        #expect(graph.shippableCuts.map(\.position) == [0, 1, 2, 3, 4, 5])
        #expect(graph.narrowCuts.map(\.position) == [0, 2, 5])
    }

    @Test func onlyFloatsOfOneFrameAreShipped() throws {
        #expect(try graph(4, [("a", ["x"], 3), ("b", ["a"], 2)], outputs: ["b"], frames: 2).shippableCuts.isEmpty)
        var bytes = try graph(4, [("a", ["x"], 3), ("b", ["a"], 2)], outputs: ["b"])
        for index in bytes.values.indices { bytes.values[index].type = .uint8 }
        #expect(bytes.shippableCuts.isEmpty)
    }

    @Test func moreValuesThanARequestHoldsAreNotShipped() throws {
        let parts = (0..<33).map { (output: "p\($0)", inputs: ["x"], count: 1) }
        let graph = try graph(40, parts + [("all", parts.map(\.output), 33)], outputs: ["all"])
        #expect(graph.shippableCuts.allSatisfy { $0.crossing.count <= 32 } && graph.cuts[33].crossing.count == 33)
        #expect(!graph.shippableCuts.contains { $0.position == 33 })
    }

    @Test func anExitIsReachedFromWhereAllThatItsHeadReadsCrosses() throws {
        // The head of the first exit reads a, which the backbone needs no more, and b.
        let graph = try graph(
            8, [("a", ["x"], 7), ("b", ["a"], 6), ("h", ["a", "b"], 13), ("early", ["h"], 2), ("c", ["b"], 5), ("end", ["c"], 2)], outputs: ["early", "end"]
        ).orderedByExits()
        #expect(graph.exitPositions[0] == 2)
        let cuts = graph.cuts
        #expect(cuts.map { graph.canAnswer(at: 0, from: $0) } == [true, true, false, false, false, false, false])
        #expect(cuts.map { graph.canAnswer(at: 1, from: $0) } == [true, true, true, true, true, true, false])
        #expect(!graph.canAnswer(at: 2, from: cuts[0]) && !graph.canAnswer(at: -1, from: cuts[0]))
    }

    @Test func anExitThatIsAValueOfTheBackboneIsReachedFromBeforeIt() throws {
        let graph = try graph(8, [("a", ["x"], 7), ("b", ["a"], 6), ("end", ["b"], 2)], outputs: ["b", "end"]).orderedByExits()
        #expect(graph.cuts.map { graph.canAnswer(at: 0, from: $0) } == [true, true, false, false])
    }
}
