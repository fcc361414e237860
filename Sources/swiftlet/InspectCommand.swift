// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Gating
internal import Inference
internal import Networks
internal import Tensors

/// `swiftlet inspect BUNDLE [--json]`: what a bundle holds, and whether it still gives its golden outputs.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a bundle holds, and check it.")

    @Argument(help: ArgumentHelp("The bundle.", valueName: "bundle"))
    var bundle: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws { try exiting { try inspect() } }

    private func inspect() throws {
        let content = try Bundle(contentsOf: bundle, isThorough: true)
        let executor = try Executor(verifying: content)
        let inspection = try Inspection(content, executor, path: bundle)
        if json { try printJSON(inspection) } else { try printLine(inspection.text) }
    }
}

private struct Inspection: Encodable {
    struct Port: Encodable {
        var name: String
        var type: String
        var shape: [Int]
    }

    struct Step: Encodable {
        var node: String
        var kernel: String
        var macs: Int
    }

    struct Exit: Encodable {
        var name: String
        /// Multiplications of the network before its head, and of the head.
        var macs_before: Int
        var head_macs: Int
        var temperature: Double
    }

    var details: BundleDetails
    var task: String
    var inputs: [Port]
    var outputs: [Port]
    var nodes: Int
    var macs: Int
    var weight_bytes: Int
    var activation_bytes: Int
    /// The most that is alive during one step.
    var least_activation_bytes: Int
    /// Outputs before the end.
    var exits: [Exit]
    /// Of each thread.
    var scratch_bytes: Int
    /// Inputs and outputs to check the network by are there, and fit.
    var golden: Bool
    /// What plans are replayed from.
    var plans: TableReport?
    /// Of steps that have no kernel.
    var warning: String?
    var steps: [Step]

    init(_ bundle: Bundle, _ executor: Executor, path: String) throws {
        details = bundle.details
        task = bundle.details.task
        func port(_ id: ValueID) -> Port {
            Port(name: bundle.graph[id].name, type: bundle.graph[id].type.rawValue, shape: bundle.graph[id].shape)
        }
        inputs = bundle.graph.inputs.map(port)
        outputs = bundle.graph.outputs.map(port)
        nodes = bundle.graph.nodes.count
        macs = bundle.graph.cost.multiplyAccumulates
        weight_bytes = bundle.graph.values.reduce(0) { $0 + ($1.constant?.storage.count ?? 0) }
        activation_bytes = executor.arenaBytes
        least_activation_bytes = executor.leastArenaBytes
        scratch_bytes = executor.scratchBytes
        golden = bundle.golden != nil
        plans = try bundle.details.plans.flatMap { $0.isTabulated ? try TableReport($0, of: bundle.graph, path: path) : nil }
        let graph = bundle.graph.orderedByExits()
        let known = bundle.details.plans?.exits ?? []
        exits = graph.exitCosts.dropLast().enumerated().map { exit, cost in
            Exit(
                name: graph[graph.outputs[exit]].name, macs_before: cost.before, head_macs: cost.head,
                temperature: known.indices.contains(exit) ? known[exit].temperature : 1)
        }
        warning = executor.definitionWarning
        steps = executor.plan.map { Step(node: $0.node, kernel: $0.kernel, macs: $0.macs) }
    }

    var text: String {
        var lines = [
            "name           \(details.name)",
            "precision      \(details.precision.rawValue)",
            "input          \(inputs.map(Self.line).joined(separator: ", "))",
            "output         \(outputs.map(Self.line).joined(separator: ", ")), \(details.outputKind.rawValue), temperature \(details.temperature)",
        ]
        if let preprocessing = details.preprocessing {
            lines.append(
                "preprocessing  \(preprocessing.channelOrder.rawValue), resize \(preprocessing.resize), (pixel · \(preprocessing.scale) − \(preprocessing.mean)) / \(preprocessing.deviation)")
        }
        lines += [
            "labels         \(details.labels.count)\(details.labels.isEmpty ? "" : ": \(details.labels.prefix(4).joined(separator: ", ")) …")",
            "task           \(task)",
            "source         \(details.sourceDigest.isEmpty ? "unknown" : details.sourceDigest)",
            "weights        \(details.weightsDigest), \(weight_bytes / 1024) KiB",
            "gate           \(details.certifiedGate?.lines.joined(separator: "\n               ") ?? "none certified")",
            "recovery       \(details.recovery?.line ?? "nothing is known about uploads")",
            "plans          \(plans?.summary ?? "no table")",
            "work           \(nodes) operations, \(Double(macs / 10_000) / 100) million multiplications",
            "memory         \(memory)",
        ]
        for exit in exits {
            let before = "\(Double(exit.macs_before / 10_000) / 100)", own = "\(Double(exit.head_macs / 100) / 10_000)"
            lines.append("exit           \(exit.name): after \(before) million multiplications, its own \(own), temperature \(exit.temperature)")
        }
        if let warning { lines.append("warning        \(warning)") }
        lines += [
            "golden output  \(golden ? "there, and reproduced" : "none")",
            "",
        ]
        let width = steps.map { $0.kernel.count }.max() ?? 0
        for step in steps {
            lines.append("\(step.kernel)\(String(repeating: " ", count: width - step.kernel.count))  \(step.node)\(step.macs > 0 ? ", \(step.macs) multiplications" : "")")
        }
        return lines.joined(separator: "\n")
    }

    private var memory: String {
        let ratio = Double(activation_bytes) / Double(max(least_activation_bytes, 1))
        return "\(activation_bytes / 1024) KiB of activations, \(ratio.rounded(to: 3)) times what is alive at once, and \(scratch_bytes / 1024) KiB a thread"
    }

    private static func line(_ port: Port) -> String { "\(port.name) \(port.type) \(port.shape)" }
}
