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

    @Test func oneBitIsADifference() {
        let a = Tensor(shape: [2, 2], [UInt8(1), 2, 3, 4])
        #expect(Verification.difference(a, a) == nil)
        #expect(Verification.difference(a, Tensor(shape: [2, 2], [UInt8(1), 2, 3, 4])) == nil)
        #expect(Verification.difference(a, Tensor(shape: [2, 2], [UInt8(1), 2, 2, 5])) == "2 of 4 bytes differ, the first is byte 2: 2 instead of 3")
        #expect(Verification.difference(a, Tensor(shape: [4], [UInt8(1), 2, 3, 4])) != nil)
        #expect(Verification.difference(a, Tensor(shape: [2, 2], [Int8(1), 2, 3, 4])) != nil)
    }
}
