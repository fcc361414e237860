// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
package import Networks
package import Planning

/// What the exits and cuts of a network are called, so that plans read as what is done.
package struct PlanNames: Sendable {
    /// For each exit; the last is the end.
    private let exits: [String]
    /// By position: what runs before it.
    private let cuts: [Int: String]
    /// Mean of all samples.
    private let bytes: [Upload: Double]

    package init(exits: [String], cuts: [Int: String], table: CalibrationTable) {
        (self.exits, self.cuts) = (exits, cuts)
        var bytes: [Upload: Double] = [:]
        for sent in table.sent { bytes[sent.upload] = Double(sent.bytes.reduce(0) { $0 + Int($1) }) / Double(max(table.samples, 1)) }
        self.bytes = bytes
    }

    /// Names from a board's network: outputs, and of each cut the last node of the backbone before it.
    package init(_ plans: PlanDetails, of graph: Graph, table: CalibrationTable) {
        let ordered = graph.orderedByExits()
        let heads = ordered.heads
        var cuts: [Int: String] = [:]
        for cut in plans.cuts {
            let last = ordered.nodes.indices.prefix(cut.position).last { heads[$0] == nil }
            cuts[cut.position] = last.map { ordered.nodes[$0].name } ?? cut.crossing.first?.name
        }
        self.init(exits: plans.exits.map(\.name), cuts: cuts, table: table)
    }

    package func name(ofExit exit: Int) -> String { exit == exits.count - 1 ? "the end" : exits.indices.contains(exit) ? exits[exit] : "exit \(exit)" }

    package func name(ofCut position: Int) -> String { position == 0 ? "the frame" : "after \(cuts[position] ?? "node \(position)")" }

    /// As in `exit1 ≥ 93.1 %, else send after layer2.0.add, 4 bits: 3.1 kB; meanwhile the end ≥ 72.0 %`.
    package func describe(_ plan: Plan) -> String {
        let gates = plan.gates.map(describe)
        guard let upload = plan.upload else {
            if let last = plan.gates.last, plan.gates.count == 1, last.threshold <= 0 { return "the board alone, up to \(name(ofExit: last.exit))" }
            return "the board alone: " + (gates + ["the end"]).joined(separator: ", else ")
        }
        var text = (gates + ["send \(describe(upload))"]).joined(separator: ", else ")
        if let insurance = plan.insurance { text += "; meanwhile \(describe(insurance))" }
        return text
    }

    /// As in `after layer2.0.add, 4 bits: 3.1 kB`.
    package func describe(_ upload: Upload) -> String {
        let form =
            switch upload.payload {
            case .jpeg(let quality): "JPEG \(quality)"
            case .png: "lossless"
            case .tensors(let bits, _): "\(bits) bits"
            case .floats: "floats"
            }
        let size = bytes[upload].map { ": \($0.bytesText)" } ?? ""
        let goal = upload.exit.map { " for \(name(ofExit: $0)) of the cloud" } ?? ""
        return "\(name(ofCut: upload.cut)), \(form)\(size)\(goal)"
    }

    private func describe(_ gate: Plan.Gate) -> String {
        if gate.threshold <= 0 { return name(ofExit: gate.exit) }
        return "\(name(ofExit: gate.exit)) ≥ \(fixed(gate.threshold * 100, gate.threshold > 0.99 ? 2 : 1)) %"
    }
}

extension Double {
    /// A number of bytes: `0.40 B`, `812 B`, `3.1 kB`.
    var bytesText: String {
        if self < 999.5 { return "\(fixed(self, self > 0 && self < 9.5 ? 2 : 0)) B" }
        return "\(fixed(self / 1000, self < 99_950 ? 1 : 0)) kB"
    }
}
