// SPDX-License-Identifier: Apache-2.0

/// How sure exits must be.
package enum GateLevel: Hashable, Sendable {
    /// The same threshold for all of them: SPINN's way.
    case threshold(Double)
    /// For each of them the lowest threshold at which it alone does harm to at most this share of the samples.
    case risk(Double)
}

extension PlanSpace {
    /// The plans of a network:
    ///
    /// - gates: no exit, each alone, and all, of those that lie before the cut (where the frame itself is sent, of all), at each level;
    /// - the end alone gives the answer, or an upload that no other one of the family dominates;
    /// - after an upload: no insurance, to the next exit, to the end.
    ///
    /// - Parameter family: which of them to take.
    package static func plans(of table: CalibrationTable, costs: CostTable, levels: [GateLevel], family: PlanFamily = .all) -> [Plan] {
        var known: Set<Plan> = []
        var plans: [Plan] = []
        func add(_ plan: Plan) {
            if family.contains(plan, of: table), known.insert(plan).inserted { plans.append(plan) }
        }
        let uploads = worthwhileUploads(of: table, costs: costs, family: family).map { table.sent[$0].upload }
        for level in levels.isEmpty ? [.threshold(1)] : levels {
            let gates = table.exits.indices.map { table.gate($0, level) }
            for asked in choices(of: table.exits.indices.dropLast().compactMap { gates[$0] }) { add(Plan(gates: asked)) }
            for upload in uploads {
                let before = table.exits.indices.filter { upload.cut == 0 || table.exits[$0].position <= upload.cut }
                for asked in choices(of: before.compactMap { gates[$0] }) {
                    add(Plan(gates: asked, upload: upload))
                    let position = max(upload.cut, asked.last.map { table.exits[$0.exit].position } ?? 0)
                    let next = table.exits.indices.first { table.exits[$0].position > position }
                    for exit in [next, table.end] {
                        guard let exit, table.exits[exit].position > position, let insurance = gates[exit] else { continue }
                        add(Plan(gates: asked, upload: upload, insurance: insurance))
                    }
                }
            }
        }
        return plans
    }

    /// None, each alone, all.
    private static func choices(of gates: [Plan.Gate]) -> [[Plan.Gate]] { [[]] + gates.map { [$0] } + (gates.count > 1 ? [gates] : []) }

    /// Indices of the family's uploads that aren't dominated: by another one of them, with as many exits before it, that sends no more bytes on average, is right as
    /// often, and takes no longer on the board, in packing and on the server; times that differ by less than `negligible` of the whole network's count as equal.
    package static func worthwhileUploads(
        of table: CalibrationTable, costs: CostTable, family: PlanFamily = .all, negligible: Double = 0.02
    ) -> [Int] {
        let board = negligible * (costs.exits.last?.arrival ?? 0)
        let server = negligible * (costs.sent.map(\.server).max() ?? 0)
        let traits = table.sent.indices.map { place in
            let sent = table.sent[place]
            return Trait(
                exits: sent.upload.cut == 0 ? -1 : table.exits.count { $0.position <= sent.upload.cut }, bytes: sent.bytes.reduce(0) { $0 + Int($1) },
                right: sent.right.count, costs: costs.sent[place])
        }
        // Whoever dominates comes before, so what is kept stays so.
        let order = traits.indices.filter { family.sends(table.sent[$0].upload) }.sorted { first, second in
            let (a, b) = (traits[first], traits[second])
            return (a.bytes, -a.right, a.costs.arrival, first) < (b.bytes, -b.right, b.costs.arrival, second)
        }
        var kept: [Int] = []
        for place in order {
            let one = traits[place]
            let isDominated = kept.contains { other in
                let other = traits[other]
                return other.exits == one.exits && other.right >= one.right && other.costs.packing <= one.costs.packing
                    && other.costs.arrival <= one.costs.arrival + board && other.costs.server <= one.costs.server + server
            }
            if !isDominated { kept.append(place) }
        }
        return kept.sorted()
    }
}

private struct Trait {
    var exits: Int
    var bytes: Int
    var right: Int
    var costs: CostTable.Sent
}

extension CalibrationTable {
    /// `nil` where the exit accepts nothing at this level.
    fileprivate func gate(_ exit: Int, _ level: GateLevel) -> Plan.Gate? {
        switch level {
        case .threshold(let threshold): Plan.Gate(exit: exit, threshold: threshold)
        case .risk(let risk): threshold(exit: exit, risk: risk).map { Plan.Gate(exit: exit, threshold: $0) }
        }
    }
}
