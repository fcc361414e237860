// SPDX-License-Identifier: Apache-2.0
internal import Definitions
internal import Frames
internal import Inference
internal import Kernels
package import Networks
package import Tensors

/// A quantised network against the definitions of its operations: exact values, and what the engine makes of the same input.
///
/// Values that are rounded in float32 on their way (a softmax, say) may differ in their last bits, and so may 8-bit ones computed from them: these
/// are counted, and not compared.
package struct Verification {
    private let graph: Graph
    private let input: [Tensor]
    /// By value.
    private let truth: [Tensor?]
    private let isExact: [Bool]

    /// Evaluates the definitions.
    ///
    /// - Precondition: `input` fits the graph.
    package init(_ graph: Graph, input: [Tensor]) throws {
        self.graph = graph
        self.input = input
        var truth = graph.values.map(\.constant)
        for (id, tensor) in zip(graph.inputs, input) { truth[id.rawValue] = tensor }
        var isExact = graph.values.map { _ in true }
        for node in graph.nodes {
            let results = try node.definedResults(truth, graph)
            let exact = node.isExact(in: graph) && node.inputs.allSatisfy { $0.map { isExact[$0.rawValue] } ?? true }
            for (id, result) in zip(node.outputs, results) {
                truth[id.rawValue] = result
                isExact[id.rawValue] = exact
            }
        }
        self.truth = truth
        self.isExact = isExact
    }

    /// Runs the engine in every way that it can run here.
    package func report(name: String) throws -> VerificationReport {
        let computed = graph.nodes.flatMap(\.outputs)
        let compared = computed.filter { isExact[$0.rawValue] }
        var report = VerificationReport(
            network: name, values: compared.count, elements: compared.reduce(0) { $0 + graph[$1].shape.elementCount },
            inexactValues: computed.count - compared.count,
            inexactBytes: computed.count { !isExact[$0.rawValue] && graph[$0].type == .uint8 })
        // Where a barrier is said to cost nothing, all steps that can be divided are.
        // With every value kept no two operations become one; with none kept memory is reused and whatever can be fused is.
        var open = graph
        open.outputs = computed
        for (name, features) in CPUFeatures.selectable {
            for threads in 1...3 {
                for graph in [open, graph] {
                    let results = try Executor(graph, options: ExecutorOptions(threads: threads, barrier: .zero, features: features)).run(input)
                    report.runs += 1
                    for (id, result) in zip(graph.outputs, results) where isExact[id.rawValue] {
                        guard let expected = truth[id.rawValue], let difference = Self.difference(expected, result) else { continue }
                        report.differences.append("\(name), \(threads) threads: \(graph[id].name): \(difference)")
                        break
                    }
                }
            }
            report.instructionSets.append(name)
        }
        return report
    }

    /// `nil` for tensors that are the same bit for bit.
    package static func difference(_ expected: Tensor, _ found: Tensor) -> String? {
        guard expected.type == found.type, expected.shape == found.shape else {
            return "\(found.type) \(found.shape) instead of \(expected.type) \(expected.shape)"
        }
        let (a, b) = (unsafe expected.storage.withUnsafeBytes { unsafe Array($0) }, unsafe found.storage.withUnsafeBytes { unsafe Array($0) })
        let count = zip(a, b).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
        guard count > 0, let first = zip(a, b).enumerated().first(where: { $0.element.0 != $0.element.1 }) else { return nil }
        return "\(count) of \(a.count) bytes differ, the first is byte \(first.offset): \(first.element.1) instead of \(first.element.0)"
    }
}

extension Graph {
    /// The same random numbers for the same seed.
    package func randomInput(seed: UInt64) -> [Tensor] {
        var random = SplitMix64(seed: seed)
        return inputs.map { self[$0].randomTensor(using: &random) }
    }
}

extension SplitMix64: RandomNumberGenerator {}

extension Node {
    /// The results of the definition.
    fileprivate func definedResults(_ tensors: [Tensor?], _ graph: Graph) throws -> [Tensor] {
        try evaluate(
            operation, inputs: inputs.map { $0.flatMap { tensors[$0.rawValue] } }, quantizations: inputs.map { $0.flatMap { graph[$0].quantization } },
            outputs: outputs.map { graph[$0] })
    }

    /// Whether its results are the same however it is computed, if its inputs are: integers, and what is made of them by one rounding.
    fileprivate func isExact(in graph: Graph) -> Bool {
        switch operation {
        case .quantize, .dequantize, .reshape, .transpose, .slice, .split, .gather, .concatenation, .pad: return true
        default: return inputs.first.flatMap(\.self).map { graph[$0].type == .uint8 } ?? false
        }
    }
}

/// What ``Verification/report(name:)`` found.
package struct VerificationReport: Encodable, CustomStringConvertible {
    package var network: String
    /// Values of the network that were compared, and their elements.
    package var values: Int
    package var elements: Int
    /// Values that depend on rounding in float32.
    package var inexactValues: Int
    /// Those among them that are in 8 bits.
    package var inexactBytes: Int
    package var instructionSets: [String] = []
    package var runs = 0
    /// One line for each run with a difference: the first value that differs.
    package var differences: [String] = []

    private enum CodingKeys: String, CodingKey {
        case network, values, elements, runs, differences
        case inexactValues = "inexact_values"
        case inexactBytes = "inexact_8bit_values"
        case instructionSets = "instruction_sets"
    }

    package var description: String {
        let bytes = inexactBytes > 0 ? ", \(inexactBytes) of them in 8 bits" : ""
        let rest = inexactValues > 0 ? " (left out: \(inexactValues) that depend on rounding in float32\(bytes))" : ""
        let what = "\(values) of \(values + inexactValues) values, \(elements) elements\(rest)"
        let how = "\(runs) runs on \(instructionSets.joined(separator: ", ")) with 1, 2, 3 threads"
        guard !differences.isEmpty else { return "\(network): equal, \(what), \(how)" }
        return (["\(network): DIFFERENT in \(differences.count) of \(runs) runs, \(what)"] + differences.map { "  \($0)" }).joined(separator: "\n")
    }
}
