// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import TestSupport
import Testing
import swiftlet

struct VerificationTests {
    @Test func everyExactValueOfAQuantisedNetworkIsCompared() async throws {
        let file = try ModelFile(try await FlightBundles.shared.board)
        let graph = try file.runnable(precision: .int8)
        let report = try Verification(graph, input: graph.randomInput(seed: 3)).report(name: "board")
        #expect(report.differences.isEmpty, "\(report)")
        #expect(report.values > 10 && report.elements > 10_000 && report.inexactValues < 3)
        #expect(report.instructionSets.first == "plain" && report.runs == 6 * report.instructionSets.count)
    }

    @Test func whatDependsOnRoundingIsCountedAndNotCompared() throws {
        var graph = Graph(name: "softmax")
        func value(_ name: String, _ type: ElementType) -> Value {
            Value(name: name, type: type, shape: [1, 8], quantization: type == .uint8 ? Quantization(scale: 0.01, zeroPoint: 0) : nil)
        }
        let x = graph.add(value("x", .float32))
        let exact = graph.add(.quantize(axis: 0, blockSize: 0), name: "a", inputs: [x], output: value("exact", .uint8))
        let rounded = graph.add(.softmax(axis: 1), name: "b", inputs: [x], output: value("rounded", .float32))
        let behind = graph.add(.quantize(axis: 0, blockSize: 0), name: "c", inputs: [rounded], output: value("behind", .uint8))
        (graph.inputs, graph.outputs) = ([x], [exact, behind])
        let report = try Verification(graph, input: graph.randomInput(seed: 3)).report(name: "softmax")
        #expect(report.values == 1 && report.inexactValues == 2 && report.inexactBytes == 1)
        #expect("\(report)".hasPrefix("softmax: equal, 1 of 3 values, 8 elements (left out: 2 that depend on rounding in float32, 1 of them in 8 bits), "))
    }

    @Test func oneBitIsADifference() {
        let a = Tensor(shape: [2, 2], [UInt8(1), 2, 3, 4])
        #expect(Verification.difference(a, a) == nil)
        #expect(Verification.difference(a, Tensor(shape: [2, 2], [UInt8(1), 2, 3, 4])) == nil)
        #expect(Verification.difference(a, Tensor(shape: [2, 2], [UInt8(1), 2, 2, 5])) == "2 of 4 bytes differ, the first is byte 2: 2 instead of 3")
        #expect(Verification.difference(a, Tensor(shape: [4], [UInt8(1), 2, 3, 4])) != nil)
        #expect(Verification.difference(a, Tensor(shape: [2, 2], [Int8(1), 2, 3, 4])) != nil)
    }
}
