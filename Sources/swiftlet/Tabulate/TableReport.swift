// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Demonstration
internal import Gating
internal import Networks
internal import Packing
internal import Planning

/// What a bundle's calibration table says, exit by exit and upload by upload: `tabulate --json`, and a part of `inspect --json`. Bytes are means.
struct TableReport: Encodable {
    struct Exit: Encodable {
        var name: String
        /// Nodes before its head.
        var position: Int
        var multiply_adds_before: Int
        var accuracy: PairReport.Share
        /// At a threshold of ``level``: answered here, alone, and right of those.
        var accepted: PairReport.Share
        var accepted_accuracy: Double?
    }

    struct Choice: Encodable {
        var payload: String
        /// Of a number that crosses; `nil` for a frame.
        var bits: Int?
        /// As the codec calls it: symbols, planesLZ4, floats.
        var form: String?
        /// Where the cloud stops; `nil`: at the end.
        var exit: Int?
        var bytes: Double
        var accuracy: PairReport.Share
    }

    struct Place: Encodable {
        /// Nodes of the board's network before it, and of the full one's.
        var position: Int
        var full_position: Int
        /// The node before it; `nil`: the frame itself is sent.
        var after: String?
        var shapes: [[Int]]
        var multiply_adds_before: Int
        var uploads: [Choice]
    }

    static let level = 0.8

    var samples: Int
    /// Whether right means the label. Otherwise it means what the full network says. `nil` where a bundle is read: it doesn't say.
    var labelled: Bool?
    /// SHA-256 of the full network's weights.
    var full_model: String
    var full_accuracy: PairReport.Share
    /// What scores are.
    var measure: String
    var multiply_adds: Int
    var exits: [Exit]
    var cuts: [Place]
    var bytes: Int
    /// What measuring took, in seconds.
    var seconds: Double?
    /// Cuts from which the full network can go on, and those of them at which only the names were alike.
    var shared_cuts: Int?
    var unlike_cuts: Int?

    /// - Parameters:
    ///   - graph: the board's.
    ///   - path: of the bundle, for errors.
    /// - Throws: where the table can't be read, or isn't about these exits and cuts.
    init(_ plans: PlanDetails, of graph: Graph, path: String) throws {
        let table: CalibrationTable
        do {
            table = try CalibrationTable(decoding: plans.table)
        } catch {
            throw CommandFailure(.badData, "\(path): \(error)")
        }
        let graph = graph.orderedByExits()
        let positions = Set(plans.cuts.map(\.position)).union([0])
        guard table.exits.map(\.position) == graph.exitPositions, table.sent.allSatisfy({ positions.contains($0.upload.cut) }), table.samples > 0 else {
            throw CommandFailure(.badData, "\(path): its calibration table is about other exits or cuts than it has")
        }
        let work = graph.backboneWork
        func share(_ right: SampleSet) -> PairReport.Share { PairReport.Share(Proportion(right.count, of: right.samples)) }
        samples = table.samples
        full_model = plans.fullModel
        full_accuracy = share(table.full)
        measure = plans.measure.rawValue
        multiply_adds = work[graph.nodes.count]
        bytes = plans.table.count
        exits = table.exits.enumerated().map { index, exit in
            let accepted = table.accepted(Plan.Gate(exit: index, threshold: Self.level))
            return Exit(
                name: plans.exits[index].name, position: exit.position, multiply_adds_before: work[exit.position], accuracy: share(exit.right),
                accepted: share(accepted), accepted_accuracy: accepted.count > 0 ? Double(accepted.count(with: exit.right)) / Double(accepted.count) : nil)
        }
        let frame = PlanDetails.Cut(position: 0, fullPosition: 0, crossing: [])
        cuts = ([frame] + plans.cuts).map { cut in
            let sent = table.sent.filter { $0.upload.cut == cut.position }
            return Place(
                position: cut.position, full_position: cut.fullPosition, after: cut.position > 0 ? graph.nodes[cut.position - 1].name : nil,
                shapes: cut.crossing.map { Array($0.shape.dropFirst($0.shape.count > 1 ? 1 : 0)) }, multiply_adds_before: work[cut.position],
                uploads: sent.map { Choice($0) })
        }
    }
}

extension TableReport.Choice {
    init(_ sent: CalibrationTable.Sent) {
        payload = "\(sent.upload.payload)"
        if let packing = sent.upload.payload.packing {
            bits = packing.bits
            form = sent.upload.payload == .floats ? "floats" : "\(packing.form)"
        }
        exit = sent.upload.exit
        bytes = Double(sent.bytes.reduce(0) { $0 + Int($1) }) / Double(max(sent.bytes.count, 1))
        accuracy = PairReport.Share(Proportion(sent.right.count, of: sent.right.samples))
    }
}

extension Graph {
    /// For each position the multiply-adds of the backbone before it.
    fileprivate var backboneWork: [Int] {
        var sum = 0
        return [0] + zip(nodes, heads).map { node, head in
            if head == nil { sum += cost(of: node).multiplyAccumulates }
            return sum
        }
    }
}

extension TableReport {
    var text: String {
        var lines = ["\(samples) images\(labelled == false ? " without labels: the full model's answer counts as right" : ""), full model \(percent(full_accuracy.value)) % right"]
        if let shared_cuts {
            let unlike = unlike_cuts.map { $0 > 0 ? ", \($0) of them with other values under the same names" : "" } ?? ""
            lines.append("\(shared_cuts) cuts from which the cloud can go on\(unlike); \(cuts.count - 1) are worth it")
        }
        for part in [exitLines, frameLines, cutLines] {
            lines.append("")
            lines += part
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    /// A line for `inspect`.
    var summary: String {
        let uploads = cuts.reduce(0) { $0 + $1.uploads.count }
        let took = seconds.map { ", measured in \(fixed($0, 1)) s" } ?? ""
        return "\(samples) images, \(exits.count) exit\(exits.count == 1 ? "" : "s"), \(uploads) uploads at \(cuts.count - 1) cuts and of the frame, by \(measure), "
            + "\(bytes / 1024) KiB, full model \(full_model.prefix(12))\(took)"
    }

    private var exitLines: [String] {
        var cells = [["exit", "work before", "right", "answered at \(measure) ≥ \(fixed(Self.level, 1))", "right of those"]]
        for exit in exits {
            var row = [exit.name, work(exit.multiply_adds_before), "\(percent(exit.accuracy.value)) %"]
            row += ["\(percent(exit.accepted.value)) %", exit.accepted_accuracy.map { "\(percent($0)) %" } ?? "–"]
            cells.append(row)
        }
        return aligned(cells, words: 1)
    }

    private var frameLines: [String] {
        var cells = [["the frame as", "bytes", "right", "change, points"]]
        for choice in cuts[0].uploads where choice.exit == nil {
            cells.append([choice.payload, fixed(choice.bytes, 0), "\(percent(choice.accuracy.value)) %", change(choice)])
        }
        return aligned(cells, words: 1)
    }

    private static let shownBits = [8, 6, 5, 4, 3, 2]

    private var cutLines: [String] {
        guard cuts.count > 1 else { return ["no cut: the networks have nothing in common that could cross", ""] }
        var cells = [["cut after", "crossing", "work before", "floats"] + Self.shownBits.map { "\($0) bits" }]
        for cut in cuts.dropFirst() {
            var row = [cut.after ?? "", cut.shapes.map { $0.map { "\($0)" }.joined(separator: "×") }.joined(separator: " + "), work(cut.multiply_adds_before)]
            func cell(_ bits: Int, _ form: String) -> String {
                cut.uploads.first { $0.bits == bits && $0.form == form && $0.exit == nil }.map { "\(fixed($0.bytes, 0)) (\(change($0)))" } ?? "–"
            }
            row.append(cell(32, "floats"))
            row += Self.shownBits.map { cell($0, "symbols") }
            cells.append(row)
        }
        return aligned(cells, words: 2) + ["bytes of an image in the mean, and in parentheses points of accuracy against the full model on the frame as it is", ""]
    }

    private func change(_ choice: Choice) -> String {
        let difference = choice.accuracy.value - full_accuracy.value
        return (difference >= 0 ? "+" : "") + fixed(difference * 100, 2)
    }

    private func work(_ multiplyAdds: Int) -> String { "\(percent(Double(multiplyAdds) / Double(max(multiply_adds, 1)))) %" }
    private func percent(_ share: Double) -> String { PairReport.percent(share) }
}
