// SPDX-License-Identifier: Apache-2.0
import Planning
import TestSupport
import Testing

struct PlanSpaceTests {
    private let table: CalibrationTable
    private let costs: CostTable
    private let plans: [Plan]

    init() {
        var generator = SeededGenerator(seed: 6)
        table = randomTable(samples: 400, using: &generator)
        costs = randomCosts(of: table, using: &generator)
        plans = PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0.8), .risk(0.02)])
    }

    @Test func thePublishedSystemsArePlansOfTheSpace() {
        let frame = table.sent[0].upload
        #expect(plans.contains(Plan()), "device-only")
        #expect(plans.contains(Plan(upload: frame)), "cloud-only")
        #expect(plans.contains { $0.gates.isEmpty && ($0.upload?.cut ?? 0) > 0 && $0.insurance == nil }, "DynO, Neurosurgeon")
        #expect(plans.contains { $0.gates.isEmpty && ($0.upload?.cut ?? 0) > 0 && $0.upload?.exit == 0 && $0.insurance == nil }, "Edgent")
        #expect(plans.contains(Plan(gates: [.init(exit: 2, threshold: 0.8)], upload: frame)), "SIEVE")
        let gates = [Plan.Gate(exit: 0, threshold: 0.8), .init(exit: 1, threshold: 0.8)]
        let insurance = Plan.Gate(exit: 2, threshold: 0.8)
        #expect(plans.contains { $0.gates == gates && ($0.upload?.cut ?? 0) > table.exits[1].position && $0.insurance == insurance }, "SPINN")
    }

    @Test func noPlanIsThereTwice() { #expect(Set(plans).count == plans.count) }

    @Test func gatesLieBeforeWhatIsSentAndInsurancesBehindIt() {
        for plan in plans {
            #expect(plan.gates.map(\.exit) == plan.gates.map(\.exit).sorted())
            guard let upload = plan.upload else {
                #expect(plan.insurance == nil)
                continue
            }
            if upload.cut > 0 { #expect(plan.gates.allSatisfy { table.exits[$0.exit].position <= upload.cut }) }
            if let insurance = plan.insurance {
                #expect(table.exits[insurance.exit].position > max(upload.cut, plan.gates.last.map { table.exits[$0.exit].position } ?? 0))
            }
        }
    }

    @Test func aFamilyOfPlansCanBeAskedForAlone() {
        let recovering = PlanSpace.plans(of: table, costs: costs, levels: [.risk(0.02)]) { $0.upload?.cut == 0 && $0.gates.last?.exit == 2 }
        #expect(!recovering.isEmpty)
        #expect(recovering.allSatisfy { $0.upload?.cut == 0 && $0.gates.last?.exit == 2 })
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6])
    func anUploadIsLeftOutOnlyWhereOneThatIsKeptDominatesIt(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let table = randomTable(samples: 100, cuts: 6, using: &generator)
        let costs = randomCosts(of: table, using: &generator)
        let kept = PlanSpace.worthwhileUploads(of: table, costs: costs, negligible: 0)
        func dominates(_ a: Int, _ b: Int) -> Bool {
            let (one, other) = (table.sent[a], table.sent[b])
            let exits = { (sent: CalibrationTable.Sent) in sent.upload.cut == 0 ? -1 : table.exits.count { $0.position <= sent.upload.cut } }
            let bytes = { (sent: CalibrationTable.Sent) in sent.bytes.reduce(0) { $0 + Int($1) } }
            return exits(one) == exits(other) && bytes(one) <= bytes(other) && one.right.count >= other.right.count
                && costs.sent[a].arrival <= costs.sent[b].arrival && costs.sent[a].packing <= costs.sent[b].packing && costs.sent[a].server <= costs.sent[b].server
        }
        for place in table.sent.indices {
            let isDominated = kept.contains { $0 != place && dominates($0, place) }
            #expect(kept.contains(place) != isDominated, "seed \(seed), upload \(place)")
        }
        let fewer = PlanSpace.worthwhileUploads(of: table, costs: costs, negligible: 0.5)
        #expect(!fewer.isEmpty && fewer.count < table.sent.count)
    }
}
