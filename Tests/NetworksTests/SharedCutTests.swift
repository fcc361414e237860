// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import Testing

/// Graphs of activations on `[1, 2]`, written as `output ← inputs`: only who reads what matters here.
struct SharedCutTests {
    private func graph(_ steps: [(output: String, inputs: [String])], outputs: [String], shape: [Int] = [1, 2]) throws -> Graph {
        var graph = Graph(name: "names")
        func id(_ name: String) throws -> ValueID { try #require(graph.values.lastIndex { $0.name == name }.map { ValueID(rawValue: $0) }) }
        graph.inputs = [graph.add(Value(name: "x", type: .float32, shape: shape))]
        for step in steps {
            let operation: Networks.Operation = step.inputs.count == 2 ? .binary(.add, activation: .none) : .activation(.relu)
            graph.add(
                operation, name: "make \(step.output)", inputs: try step.inputs.map { try id($0) }, output: Value(name: step.output, type: .float32, shape: shape))
        }
        graph.outputs = try outputs.map { try id($0) }
        try graph.check()
        return graph
    }

    private func positions(_ shared: [SharedCut]) -> [[Int]] { shared.map { [$0.position, $0.otherPosition] } }

    @Test func aNetworkSharesEveryCutButItsEndWithItself() throws {
        let one = try graph([("a", ["x"]), ("b", ["a"]), ("c", ["b", "a"]), ("d", ["c"])], outputs: ["d"])
        #expect(positions(one.cutsShared(with: one)) == [[0, 0], [1, 1], [2, 2], [3, 3]])
    }

    @Test func whatOneFormFusesTheOtherNeedNotHave() throws {
        // b is computed within c on the other side, and an extra node stands before a on this one.
        let one = try graph([("x.quantized", ["x"]), ("a", ["x.quantized"]), ("b", ["a"]), ("c", ["b"]), ("d", ["c"])], outputs: ["d"])
        let other = try graph([("a", ["x"]), ("c", ["a"]), ("d", ["c"])], outputs: ["d"])
        #expect(positions(one.cutsShared(with: other)) == [[0, 0], [2, 1], [4, 2]])
    }

    @Test func ofPositionsWithTheSameCrossingTheLeastStandsForAll() throws {
        // The head of an exit reads a, and nothing of it crosses to the rest.
        let board = try graph([("a", ["x"]), ("h", ["a"]), ("exit", ["h"]), ("b", ["a"]), ("end", ["b"])], outputs: ["exit", "end"])
        let full = try graph([("a", ["x"]), ("b", ["a"]), ("end", ["b"])], outputs: ["end"])
        #expect(positions(board.cutsShared(with: full)) == [[0, 0], [1, 1], [4, 2]])
        #expect(positions(full.cutsShared(with: board)) == [[0, 0], [1, 1], [2, 4]])
    }

    /// The two sides send and read in their own order.
    @Test func whatCrossesInAnotherOrderIsNotShared() throws {
        let one = try graph([("a", ["x"]), ("b", ["x"]), ("c", ["a", "b"]), ("d", ["c"])], outputs: ["d"])
        let other = try graph([("b", ["x"]), ("a", ["x"]), ("c", ["a", "b"]), ("d", ["c"])], outputs: ["d"])
        #expect(positions(one.cutsShared(with: other)) == [[0, 0], [3, 3]])
    }

    @Test func otherNamesOtherShapesAndRepeatedNamesAreNotShared() throws {
        let one = try graph([("a", ["x"]), ("b", ["a"])], outputs: ["b"])
        let renamed = try graph([("z", ["x"]), ("b", ["z"])], outputs: ["b"])
        #expect(positions(one.cutsShared(with: renamed)) == [[0, 0]])
        #expect(one.cutsShared(with: try graph([("a", ["x"]), ("b", ["a"])], outputs: ["b"], shape: [1, 3])) == [])
        let repeated = try graph([("a", ["x"]), ("a", ["a"]), ("b", ["a"])], outputs: ["b"])
        #expect(positions(one.cutsShared(with: repeated)) == [[0, 0]])
        #expect(positions(repeated.cutsShared(with: one)) == [[0, 0]])
    }
}
