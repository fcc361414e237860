// SPDX-License-Identifier: Apache-2.0
import Certification
import Packing
import Planning
import TestSupport
import Testing

struct CalibrationTableTests {
    /// Sample by sample, as the board would go through them.
    private func naiveReplay(_ plan: Plan, _ table: CalibrationTable, endFloor: Double) -> Replay {
        var replay = Replay(samples: table.samples, answered: Array(repeating: .init(), count: plan.gates.count + (plan.upload == nil ? 1 : 0)))
        func count(_ answered: inout Replay.Answered, _ right: SampleSet?, _ sample: Int) {
            let isRight = right?.contains(sample) ?? false
            answered.samples += 1
            if isRight { answered.right += 1 }
            if !isRight, table.full.contains(sample) { answered.harms += 1 }
        }
        for sample in 0..<table.samples {
            if let gate = plan.gates.firstIndex(where: { Double(table.exits[$0.exit].scores[sample]) >= $0.threshold }) {
                count(&replay.answered[gate], table.exits[plan.gates[gate].exit].right, sample)
                continue
            }
            guard let upload = plan.upload, let sent = table.sent.first(where: { $0.upload == upload }) else {
                count(&replay.answered[plan.gates.count], table.exits[table.end].right, sample)
                if endFloor > 0, !(Double(table.exits[table.end].scores[sample]) >= endFloor) { replay.unsure += 1 }
                continue
            }
            replay.sent += 1
            replay.sentBytes += Int(sent.bytes[sample])
            if let insurance = plan.insurance, Double(table.exits[insurance.exit].scores[sample]) >= insurance.threshold {
                replay.insuredBytes += Int(sent.bytes[sample])
                count(&replay.insured, table.exits[insurance.exit].right, sample)
                count(&replay.cloudInstead, sent.right, sample)
            } else {
                count(&replay.cloud, sent.right, sample)
                count(&replay.forWant, (plan.insurance ?? plan.gates.last).map { table.exits[$0.exit].right }, sample)
                count(&replay.unsent, table.exits[table.end].right, sample)
                let threshold = (plan.insurance ?? plan.gates.last)?.threshold ?? 0
                if Double(table.exits[table.end].scores[sample]) >= max(threshold, endFloor) { replay.unsentSure += 1 }
            }
        }
        return replay
    }

    private func randomPlan(_ table: CalibrationTable, using generator: inout SeededGenerator) -> Plan {
        func gate(_ exit: Int) -> Plan.Gate { Plan.Gate(exit: exit, threshold: Double(Int.random(in: 0...52, using: &generator)) / 50) }
        let exits = table.exits.indices.filter { _ in Bool.random(using: &generator) }
        let split = Int.random(in: 0...exits.count, using: &generator)
        let upload = Int.random(in: 0...4, using: &generator) > 0 ? table.sent.randomElement(using: &generator)?.upload : nil
        let insurance = upload != nil && split < exits.count ? gate(exits[split]) : nil
        return Plan(gates: exits[..<split].map(gate), upload: upload, insurance: insurance)
    }

    /// Numbers of samples around a word's 64 as well.
    @Test(arguments: [0, 1, 63, 64, 65, 200, 1000])
    func aReplayIsWhatGoingThroughTheSamplesOneByOneGives(samples: Int) {
        var generator = SeededGenerator(seed: UInt64(samples))
        let table = randomTable(samples: samples, exits: 4, using: &generator)
        for _ in 0..<200 {
            let plan = randomPlan(table, using: &generator)
            for floor in [0, 0.5, 0.9, .infinity] {
                #expect(table.replay(plan, endFloor: floor) == naiveReplay(plan, table, endFloor: floor), "\(plan), from \(floor) on")
            }
        }
    }

    @Test func aPlanOfNothingButAnUploadIsAsRightAsTheCloud() {
        var generator = SeededGenerator(seed: 1)
        let table = randomTable(samples: 500, using: &generator)
        let replay = table.replay(Plan(upload: table.sent[0].upload))
        #expect(replay.accuracy.successes == table.sent[0].right.count)
        #expect(replay.sentBytes == table.sent[0].bytes.reduce(0) { $0 + Int($1) })
        #expect(replay.accuracyAlone.successes == 0)
    }

    @Test(arguments: [0, 0.002, 0.01, 0.05, 1])
    func theThresholdOfARiskIsTheLowestThatKeepsIt(risk: Double) throws {
        var generator = SeededGenerator(seed: 2)
        let table = randomTable(samples: 700, using: &generator)
        func harms(_ exit: Int, _ threshold: Double) -> Int {
            (0..<table.samples).count { sample in
                Double(table.exits[exit].scores[sample]) >= threshold && !table.exits[exit].right.contains(sample) && table.full.contains(sample)
            }
        }
        for exit in table.exits.indices {
            let scores = Set(table.exits[exit].scores.map(Double.init))
            let limit = risk * Double(table.samples)
            #expect(table.threshold(exit: exit, risk: risk) == scores.filter { Double(harms(exit, $0)) <= limit }.min())
        }
    }

    @Test func noGateAcceptsAScoreThatIsNoNumber() {
        let table = CalibrationTable(
            exits: [.init(position: 1, scores: [.nan, 1], right: .all(of: 2))], sent: [], full: .all(of: 2))
        #expect(table.accepted(.init(exit: 0, threshold: -1)).count == 1)
        #expect(table.threshold(exit: 0, risk: 0) == 1)
    }

    @Test(arguments: [0, 1, 7, 8, 65, 300])
    func aTableSurvivesItsEncoding(samples: Int) throws {
        var generator = SeededGenerator(seed: 3)
        let table = randomTable(samples: samples, using: &generator)
        #expect(try CalibrationTable(decoding: table.encoded()) == table)
    }

    @Test func aSampleTakesWhatTheFormatSays() throws {
        let samples = 800
        let exit = CalibrationTable.Exit(position: 3, scores: Array(repeating: 0.5, count: samples), right: .all(of: samples))
        let sizes = (0..<samples).map { UInt32(70_000 + $0 % 1000) }
        let sent = CalibrationTable.Sent(Upload(cut: 1, payload: .tensors(bits: 4, .planesLZ4)), bytes: sizes, right: .all(of: samples))
        let bits = CalibrationTable(exits: [exit], sent: [sent], full: .all(of: samples)).encoded().count * 8
        #expect(bits == (5 + 8 + 4 + 4 + 1 + 3 + 4 + 1) * 8 + samples * (33 + 1 + 10 + 1))
    }

    /// Equal sizes take no bytes in the file: what it says of itself bounds what is reserved.
    @Test func aTableThatWouldGrowBeyondMeasureIsRefused() throws {
        let header = Array("SwCT".utf8) + [1, 0, 0, 16, 0, 1, 0, 232, 3]
        let error = try #require(throws: CalibrationTableError.self) { try CalibrationTable(decoding: header + Array(repeating: 0, count: 1000)) }
        #expect(error.reason == "1048576 samples of each of 1000 uploads, of 33554432 in all at most")
    }

    @Test func damagedBytesAreRefusedOrRead() throws {
        var generator = SeededGenerator(seed: 4)
        let bytes = randomTable(samples: 50, cuts: 1, using: &generator).encoded()
        #expect(throws: CalibrationTableError.self) { try CalibrationTable(decoding: []) }
        for end in bytes.indices { #expect(throws: CalibrationTableError.self) { try CalibrationTable(decoding: Array(bytes[..<end])) } }
        #expect(throws: CalibrationTableError.self) { try CalibrationTable(decoding: bytes + [0]) }
        for _ in 0..<3000 {
            let damaged = generator.damaged(bytes)
            // No crash; what is read may be replayed.
            guard let table = try? CalibrationTable(decoding: damaged) else { continue }
            _ = table.replay(Plan(gates: [.init(exit: 0, threshold: 0.5)]))
        }
    }
}
