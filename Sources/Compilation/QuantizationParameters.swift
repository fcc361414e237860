// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// The quantisation of each value: the one that is given for it or a value that shares it; else the one that a quantised model brought; else that
/// of the fixed range of a sigmoid; else the one that a rule picks from statistics.
struct QuantizationParameters {
    private let graph: Graph
    private let plan: QuantizationPlan
    private var byRepresentative: [ValueID: Quantization] = [:]
    /// Representatives of values that took numbers which no quantisation represents.
    private var overflows: Set<ValueID> = []

    init(
        _ graph: Graph, plan: QuantizationPlan, statistics: [ValueID: ValueStatistics], rule: RangeRule, given: [ValueID: Quantization]
    ) {
        self.graph = graph
        self.plan = plan
        var groups: [ValueID: [ValueID]] = [:]
        for index in graph.values.indices where graph.values[index].constant == nil {
            let id = ValueID(rawValue: index)
            groups[plan.representative(of: id), default: []].append(id)
        }
        var fixed: [ValueID: Quantization] = [:]
        for node in graph.nodes {
            if case .activation(let activation) = node.operation, let range = activation.fixedRange {
                fixed[node.outputs[0]] = .activations(minimum: range.lowerBound, maximum: range.upperBound)
            }
        }
        for (representative, members) in groups {
            if let known = members.lazy.compactMap({ given[$0] }).first
                ?? members.lazy.compactMap({ graph[$0].quantization }).first
                ?? (members.count == 1 ? fixed[members[0]] : nil)
            {
                byRepresentative[representative] = known
                continue
            }
            let seen = members.compactMap { statistics[$0]?.range }
            guard var all = seen.first else { continue }
            for other in seen.dropFirst() { all.merge(other) }
            guard !all.hasOverflow else {
                overflows.insert(representative)
                continue
            }
            byRepresentative[representative] = all.quantization(rule)
        }
    }

    func quantization(of id: ValueID) throws(CompilationError) -> Quantization {
        if let constant = graph[id].constant {
            var statistics = RangeStatistics()
            statistics.observe(constant.floats.span)
            guard !statistics.hasOverflow else {
                throw CompilationError("constant '\(graph[id].name)' to int8", "it holds a number that isn't finite, or too large")
            }
            return statistics.quantization(.extremes)
        }
        guard !overflows.contains(plan.representative(of: id)) else {
            throw CompilationError(
                "value '\(graph[id].name)' to int8",
                "calibration met a number that isn't finite, or too large: the input holds one, or the network overflows")
        }
        guard let quantization = byRepresentative[plan.representative(of: id)] else {
            throw CompilationError("value '\(graph[id].name)' to int8", "calibration never saw it")
        }
        return quantization
    }
}

extension Activation {
    /// All results lie within it, and come near both ends.
    fileprivate var fixedRange: ClosedRange<Float>? {
        switch self {
        case .sigmoid, .hardSigmoid: 0...1
        case .none, .relu, .clip, .leakyRelu, .hardSwish, .silu: nil
        }
    }
}
