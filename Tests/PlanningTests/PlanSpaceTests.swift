// SPDX-License-Identifier: Apache-2.0
import Packing
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

    /// The first is in the family, the others differ from it in one way each and aren't.
    @Test(arguments: PlanFamily.allCases)
    func aFamilyHoldsWhatItsSystemCanDo(family: PlanFamily) {
        let frame = Upload(cut: 0, payload: .jpeg(quality: 80))
        func cut(_ bits: UInt8?, _ form: PackingForm = .bytesLZ4, exit: Int? = nil) -> Upload {
            Upload(cut: 22, payload: bits.map { .tensors(bits: $0, form) } ?? .floats, exit: exit)
        }
        let (early, middle, end) = (Plan.Gate(exit: 0, threshold: 0.8), Plan.Gate(exit: 1, threshold: 0.8), Plan.Gate(exit: 2, threshold: 0.8))
        let (inside, outside): ([Plan], [Plan]) =
            switch family {
            case .all: ([Plan(), Plan(gates: [early], upload: cut(4), insurance: end)], [])
            case .cloudOnly: ([Plan(upload: frame)], [Plan(), Plan(upload: cut(8)), Plan(gates: [early], upload: frame), Plan(upload: frame, insurance: end)])
            case .deviceOnly: ([Plan()], [Plan(gates: [early]), Plan(upload: frame)])
            case .neurosurgeon: ([Plan(), Plan(upload: frame), Plan(upload: cut(nil))], [Plan(upload: cut(8)), Plan(gates: [early]), Plan(upload: cut(nil, exit: 1))])
            case .edgent:
                ([Plan(gates: [.init(exit: 1, threshold: 0)]), Plan(upload: cut(nil, exit: 1)), Plan(upload: frame)], [Plan(gates: [early]), Plan(upload: cut(8, exit: 1))])
            case .spinn:
                (
                    [Plan(gates: [early, middle]), Plan(gates: [early, middle], upload: cut(8), insurance: end), Plan(upload: frame, insurance: early)],
                    [
                        Plan(gates: [early]), Plan(gates: [early, middle], upload: cut(4)), Plan(gates: [early, middle], upload: cut(8, .symbols)),
                        Plan(upload: frame, insurance: end),
                        Plan(gates: [early, .init(exit: 1, threshold: 0.7)]), Plan(gates: [end], upload: frame),
                    ]
                )
            case .dyno: ([Plan(), Plan(upload: frame), Plan(upload: cut(2)), Plan(upload: cut(8))], [Plan(upload: cut(nil)), Plan(gates: [early])])
            case .sieve: ([Plan(upload: frame), Plan(gates: [end], upload: frame), Plan()], [Plan(gates: [early], upload: frame), Plan(upload: cut(8))])
            }
        for plan in inside { #expect(family.contains(plan, of: table), "\(plan)") }
        for plan in outside { #expect(!family.contains(plan, of: table), "\(plan)") }
    }

    @Test(arguments: PlanFamily.allCases)
    func theSpaceHoldsPlansOfEveryFamilyAndAFamilyNoOthers(family: PlanFamily) {
        let taken = PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0.8), .risk(0.02), .threshold(0)], family: family)
        let all = PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0.8), .risk(0.02), .threshold(0)])
        #expect(!taken.isEmpty)
        #expect(taken.allSatisfy { family.contains($0, of: table) })
        #expect(Set(taken).isSuperset(of: all.filter { family.contains($0, of: table) }))
        // With gates or a cut, where the system has them.
        let count = [.all: all.count, .cloudOnly: 1, .deviceOnly: 1, .neurosurgeon: 2, .edgent: 3, .spinn: 8, .dyno: 6, .sieve: 3][family, default: 0]
        #expect(taken.count >= count, "\(taken)")
    }

    @Test(arguments: [PlanFamily.neurosurgeon, .edgent])
    func aSystemThatSendsFloatsKeepsThemWhereFewBitsWouldBeBetter(family: PlanFamily) {
        let right = SampleSet.all(of: 4)
        let sent = [(Payload.tensors(bits: 8, .symbols), UInt32(800)), (.floats, 3200)].map { payload, bytes in
            CalibrationTable.Sent(Upload(cut: 1, payload: payload), bytes: Array(repeating: bytes, count: 4), right: right)
        }
        let table = CalibrationTable(exits: [.init(position: 2, scores: [1, 1, 1, 1], right: right)], sent: sent, full: right)
        let costs = CostTable(exits: [.init(arrival: 0.2, head: 0)], sent: sent.map { _ in .init(arrival: 0.1, packing: 0.01, server: 0.01) })
        #expect(PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0)]).contains(Plan(upload: sent[1].upload)) == false)
        #expect(PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0)], family: family).contains(Plan(upload: sent[1].upload)))
    }

    @Test func costsOfAnotherNetworkOrThatAreNoTimesAreRefused() throws {
        try costs.check(for: table)
        let changes: [(inout CostTable) -> Void] = [
            { $0.exits.removeLast() }, { $0.sent.removeFirst() }, { $0.exits[0].head = -1 }, { $0.exits[1].arrival = .nan }, { $0.sent[0].server = .infinity },
            { $0.sent[1].packing = -1e-9 }, { $0.sent[2].arrival = 1e9 },
        ]
        for change in changes {
            var damaged = costs
            change(&damaged)
            #expect(throws: CalibrationTableError.self) { try damaged.check(for: table) }
        }
        let empty = CalibrationTable(exits: [.init(position: 1, scores: [], right: .all(of: 0))], sent: [], full: .all(of: 0))
        #expect(throws: CalibrationTableError.self) { try CostTable(exits: [.init(arrival: 1, head: 0)], sent: []).check(for: empty) }
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
