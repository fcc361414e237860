// SPDX-License-Identifier: Apache-2.0
import Certification
import Planning
import TestSupport
import Testing

/// Against frames played through one by one, each with its own size, in every state of the link.
struct ForecastTests {
    /// What happens to one frame.
    private struct Played {
        var time: Double
        var isRight: Bool
        var isLate: Bool
        var computing: Double
        var bytes: Double
    }

    private func play(_ plan: Plan, _ sample: Int, state: Int, _ table: CalibrationTable, _ costs: CostTable, _ conditions: Conditions, deadline: Double) -> Played {
        let slowdown = conditions.board.slowdown
        var (clock, position) = (0.0, 0.0)
        func run(to arrival: Double, head: Double) {
            clock += (max(arrival - position, 0) + head) * slowdown
            position = max(position, arrival)
        }
        for gate in plan.gates {
            run(to: costs.exits[gate.exit].arrival, head: costs.exits[gate.exit].head)
            if Double(table.exits[gate.exit].scores[sample]) >= gate.threshold {
                return Played(time: clock, isRight: table.exits[gate.exit].right.contains(sample), isLate: clock > deadline, computing: clock, bytes: 0)
            }
        }
        guard let upload = plan.upload, let place = table.sent.firstIndex(where: { $0.upload == upload }), let link = conditions.link else {
            run(to: costs.exits[table.end].arrival, head: 0)
            return Played(time: clock, isRight: table.exits[table.end].right.contains(sample), isLate: clock > deadline, computing: clock, bytes: 0)
        }
        run(to: costs.sent[place].arrival, head: 0)
        let reached = clock
        let packed = clock + costs.sent[place].packing * slowdown
        let bytes = Double(table.sent[place].bytes[sample])
        let transfer = (bytes * 8e-6 / link.radio.uplink + link.radio.roundTrip) * link.spread.classes[state]
        let cloud = packed + transfer + conditions.server.queue.classes[state] + costs.sent[place].server * conditions.server.slowdown
        var played = Played(time: cloud, isRight: table.sent[place].right.contains(sample), isLate: cloud > deadline, computing: reached, bytes: bytes)
        if let insurance = plan.insurance {
            let held = costs.packsFirst ? packed - reached : 0
            clock += held
            run(to: costs.exits[insurance.exit].arrival, head: costs.exits[insurance.exit].head)
            played.computing = max(min(clock, cloud) - held, reached)
            if clock < cloud, Double(table.exits[insurance.exit].scores[sample]) >= insurance.threshold {
                played.time = clock
                played.isLate = clock > deadline
                played.isRight = table.exits[insurance.exit].right.contains(sample)
                return played
            }
        }
        if played.isLate { played.isRight = (plan.insurance ?? plan.gates.last).map { table.exits[$0.exit].right.contains(sample) } ?? false }
        return played
    }

    @Test(arguments: Array(0..<12), [(false, false), (true, false), (true, true)])
    func figuresAreThoseOfFramesPlayedThrough(seed: Int, given: (varying: Bool, packsFirst: Bool)) {
        let varying = given.varying
        var generator = SeededGenerator(seed: UInt64(seed))
        let (space, table, costs) = randomSpace(samples: 400, packsFirst: given.packsFirst, using: &generator)
        var conditions = randomConditions(varying: varying, using: &generator)
        conditions.board.highSlowdown = conditions.board.slowdown
        let deadline = generator.magnitude(0.05...0.6)
        let forecast = Forecast(space, in: conditions, deadline: deadline)
        for _ in 0..<25 {
            let index = Int.random(in: space.plans.indices, using: &generator)
            let plan = space.plans[index]
            let figures = forecast.figures(index)
            let frames = (0..<table.samples).flatMap { sample in
                (0..<8).map { play(plan, sample, state: $0, table, costs, conditions, deadline: deadline) }
            }
            let count = Double(frames.count)
            func mean(_ value: (Played) -> Double) -> Double { frames.reduce(0) { $0 + value($1) } / count }
            func near(_ figure: Figure, _ played: Double, within share: Double, or difference: Double = 1e-12) -> Bool {
                (figures[figure] - played).magnitude <= max(share * played, difference)
            }
            let times = frames.map(\.time).sorted()
            let comment: Comment = "seed \(seed), \(plan)"
            // Without insurance means are exact; with one, sizes are taken by their octiles.
            #expect(near(.latency, mean(\.time), within: plan.insurance == nil ? 1e-9 : 0.01), comment)
            #expect(near(.bytes, mean(\.bytes), within: 1e-9), comment)
            #expect(near(.misses, mean { $0.isLate ? 1 : 0 }, within: 0, or: 0.06), comment)
            #expect(near(.accuracy, mean { $0.isRight ? 1 : 0 }, within: 0, or: 0.03), comment)
            #expect(near(.energy, mean(\.computing) * conditions.board.power, within: 0.01) || plan.upload != nil, comment)
            #expect(figures[.throughput] <= 1.02 / mean(\.computing), comment)
            // Between the quantiles beside it.
            let rank = { (share: Double) in times[min(Int(share * count), times.count - 1)] }
            #expect(figures[.highLatency] >= rank(0.91) * 0.97 && figures[.highLatency] <= rank(0.99) * 1.03, comment)
        }
    }

    @Test func allButFivePercentAreThereByTheHighLatencyAndNotBefore() {
        for seed in 0..<10 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let (space, _, _) = randomSpace(using: &generator)
            let conditions = randomConditions(using: &generator)
            let forecast = Forecast(space, in: conditions, deadline: nil)
            for plan in stride(from: 0, to: space.plans.count, by: 7) {
                let high = forecast.figures(plan)[.highLatency]
                #expect(Forecast(space, in: conditions, deadline: high * (1 + 1e-9)).figures(plan)[.misses] <= 0.05 + 1e-9, "seed \(seed), \(space.plans[plan])")
                #expect(Forecast(space, in: conditions, deadline: high * (1 - 1e-9)).figures(plan)[.misses] > 0.05 - 1e-9, "seed \(seed), \(space.plans[plan])")
            }
        }
    }

    /// Frames come evenly; each that is sent occupies the link for a while, and of more than `inFlight` at once nothing is sent.
    private func queued(share: Double, use: Double, inFlight: Int, using generator: inout SeededGenerator) -> Double {
        let transfer = use / share
        var (ends, waited, sent) = ([Double](), 0.0, 0)
        for frame in 0..<200_000 where Double.random(in: 0..<1, using: &generator) < share {
            let now = Double(frame)
            ends.removeAll { $0 <= now }
            guard ends.count < inFlight else { continue }
            let start = max(ends.last ?? now, now)
            waited += start - now
            sent += 1
            ends.append(start + transfer)
        }
        return waited / Double(sent) / transfer
    }

    @Test(arguments: [1.0, 0.5], [0.3, 0.7, 0.9, 1.3, 3])
    func whatIsSentWaitsForWhatWasSentBefore(share: Double, use: Double) throws {
        var generator = SeededGenerator(seed: 21)
        let inFlight = 4
        let samples = 1000
        let sure = SampleSet(of: samples) { $0 >= Int(share * Double(samples)) }
        let all = SampleSet.all(of: samples)
        let upload = Upload(cut: 0, payload: .png)
        let table = CalibrationTable(
            exits: [.init(position: 1, scores: (0..<samples).map { sure.contains($0) ? 1 : 0 }, right: all), .init(position: 2, scores: Array(repeating: 1, count: samples), right: all)],
            sent: [.init(upload, bytes: Array(repeating: 1000, count: samples), right: all)], full: all)
        let costs = CostTable(exits: [.init(arrival: 0, head: 0), .init(arrival: 1, head: 0)], sent: [.init(arrival: 0, packing: 0, server: 0)])
        let space = PlanSpace([Plan(gates: [.init(exit: 0, threshold: 0.5)], upload: upload)], table: table, costs: costs)
        var conditions = randomConditions(varying: false, using: &generator)
        (conditions.board, conditions.server) = (.init(slowdown: 1, highSlowdown: 1, power: 1), .init(slowdown: 1, queue: Octiles(0)))
        let transfer = use / share * conditions.framePeriod
        conditions.link?.radio.uplink = 8e-3 / transfer
        conditions.link?.radio.roundTrip = 0
        let alone = Forecast(space, in: conditions, deadline: nil).figures(0)[.latency]
        let found = (Forecast(space, in: conditions, deadline: nil, inFlight: inFlight).figures(0)[.latency] - alone) / (share * transfer)
        let expected = queued(share: share, use: use, inFlight: inFlight, using: &generator)
        // In transfers, of which three are the most.
        #expect(found >= expected * 0.95 - 0.01 && found <= expected * 1.45 + 0.2, "\(found) \(expected)")
        #expect(share < 1 || use > 1 || found == 0)
    }

    @Test func withoutALinkWhatIsSentNeverArrivesAndInsurancesAnswer() throws {
        var generator = SeededGenerator(seed: 3)
        let (space, table, _) = randomSpace(using: &generator)
        var conditions = randomConditions(using: &generator)
        conditions.link = nil
        let forecast = Forecast(space, in: conditions, deadline: 1)
        for (index, plan) in space.plans.enumerated() {
            let (figures, replay) = (forecast.figures(index), table.replay(plan))
            #expect((figures[.accuracy] - replay.accuracyAlone.value).magnitude < 1e-9)
            let waits = replay.cloud.samples > 0
            #expect((figures[.latency] == .infinity) == waits, "\(plan)")
            #expect((figures[.throughput] == 0) == (replay.sent > 0))
            #expect(figures[.energy].isFinite)
        }
    }

    @Test func anEnormousSpreadAndAHugePeriodAreNoCrash() {
        var generator = SeededGenerator(seed: 4)
        let (space, _, _) = randomSpace(samples: 20, using: &generator)
        var conditions = randomConditions(using: &generator)
        conditions.link?.radio.uplink = 1e-9
        conditions.link?.spread = Octiles(1e200)
        for period in [1e-12, 1e12] {
            conditions.framePeriod = period
            for plan in space.plans.indices { #expect(!Forecast(space, in: conditions, deadline: 0).figures(plan)[.energy].isNaN) }
        }
    }
}
