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

    private func play(
        _ plan: Plan, _ sample: Int, state: Int, _ table: CalibrationTable, _ costs: CostTable, _ conditions: Conditions, deadline: Double, endFloor: Double = 0
    ) -> Played {
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
            let isUnsure = Double(table.exits[table.end].scores[sample]) < endFloor
            return Played(time: clock, isRight: table.exits[table.end].right.contains(sample), isLate: clock > deadline || isUnsure, computing: clock, bytes: 0)
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
        // One frame at a time: what several do to each other is tested below.
        conditions.framePeriod = 3600
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

    /// What a gate at the end doesn't accept is no answer in time, however early it is; and where the cloud is asked, the gate has nothing to say.
    @Test(arguments: 0..<6, [0.5, 0.9]) func whatTheEndsGateDoesNotAcceptIsMissed(seed: Int, floor: Double) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let (space, table, costs) = randomSpace(samples: 400, using: &generator)
        var conditions = randomConditions(varying: false, using: &generator)
        (conditions.board.highSlowdown, conditions.framePeriod) = (conditions.board.slowdown, 3600)
        let deadline = generator.magnitude(0.05...0.6)
        let gated = PlanSpace(space.plans, table: table, costs: costs, endFloor: floor)
        let (forecast, free) = (Forecast(gated, in: conditions, deadline: deadline), Forecast(space, in: conditions, deadline: deadline))
        for (index, plan) in space.plans.enumerated() {
            let figures = forecast.figures(index)
            for figure in Figure.allCases where figure != .misses || plan.upload != nil { #expect(figures[figure] == free.figures(index)[figure], "\(plan), \(figure)") }
            guard plan.upload == nil else { continue }
            let played = (0..<table.samples).count { play(plan, $0, state: 0, table, costs, conditions, deadline: deadline, endFloor: floor).isLate }
            #expect((figures[.misses] - Double(played) / Double(table.samples)).magnitude < 1e-9, "\(plan)")
        }
    }

    @Test func allButFivePercentAreThereByTheHighLatencyAndNotBefore() {
        for seed in 0..<10 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let (space, _, _) = randomSpace(using: &generator)
            var conditions = randomConditions(using: &generator)
            conditions.framePeriod = 3600
            let forecast = Forecast(space, in: conditions, deadline: nil)
            for plan in stride(from: 0, to: space.plans.count, by: 7) {
                let high = forecast.figures(plan)[.highLatency]
                #expect(Forecast(space, in: conditions, deadline: high * (1 + 1e-9)).figures(plan)[.misses] <= 0.05 + 1e-9, "seed \(seed), \(space.plans[plan])")
                #expect(Forecast(space, in: conditions, deadline: high * (1 - 1e-9)).figures(plan)[.misses] > 0.05 - 1e-9, "seed \(seed), \(space.plans[plan])")
            }
        }
    }

    /// Frames come evenly, and a share of them wants to be sent: each that is occupies the link for a while, and a place until its answer comes; without a place nothing is sent.
    ///
    /// - Returns: what part of them is sent, and the mean transfers that one waits.
    private func queued(share: Double, transfer: Double, roundTrip: Double = 0, inFlight: Int, using generator: inout SeededGenerator) -> (sent: Double, waited: Double) {
        var (free, ends, waited, sent, wanted) = (0.0, [Double](), 0.0, 0, 0)
        for frame in 0..<200_000 where Double.random(in: 0..<1, using: &generator) < share {
            let now = Double(frame)
            wanted += 1
            ends.removeAll { $0 <= now }
            guard ends.count < inFlight else { continue }
            let start = max(free, now)
            waited += start - now
            sent += 1
            free = start + transfer
            ends.append(free + roundTrip)
        }
        return (Double(sent) / Double(wanted), waited / Double(sent) / transfer)
    }

    /// A plan that wants to send a share of the frames, each 1000 bytes, and answers all others at once.
    private func sending(_ share: Double, unsent end: Double = 0) -> PlanSpace {
        let samples = 1000
        let sure = SampleSet(of: samples) { $0 >= Int(share * Double(samples)) }
        let all = SampleSet.all(of: samples)
        let upload = Upload(cut: 0, payload: .png)
        let table = CalibrationTable(
            exits: [
                .init(position: 1, scores: (0..<samples).map { sure.contains($0) ? 1 : 0 }, right: all),
                .init(position: 2, scores: Array(repeating: 1, count: samples), right: SampleSet(of: samples) { _ in false }),
            ], sent: [.init(upload, bytes: Array(repeating: 1000, count: samples), right: all)], full: all)
        let costs = CostTable(exits: [.init(arrival: 0, head: 0), .init(arrival: end, head: 0)], sent: [.init(arrival: 0, packing: 0, server: 0)])
        return PlanSpace([Plan(gates: [.init(exit: 0, threshold: 0.5)], upload: upload)], table: table, costs: costs)
    }

    private func link(transfer: Double, roundTrip: Double) -> Conditions {
        var generator = SeededGenerator(seed: 21)
        var conditions = randomConditions(varying: false, using: &generator)
        (conditions.board, conditions.server) = (.init(slowdown: 1, highSlowdown: 1, power: 1), .init(slowdown: 1, queue: Octiles(0)))
        conditions.link?.radio.uplink = 8e-3 / transfer
        conditions.link?.radio.roundTrip = roundTrip
        return conditions
    }

    @Test(arguments: [1.0, 0.5], [0.3, 0.7, 0.9, 1.3, 3])
    func whatIsSentWaitsForWhatWasSentBefore(share: Double, use: Double) throws {
        var generator = SeededGenerator(seed: 21)
        let conditions = link(transfer: use / share * 0.1, roundTrip: 0)
        let transfer = use / share * conditions.framePeriod
        // What isn't sent takes no time.
        let figures = Forecast(sending(share), in: conditions, deadline: nil, inFlight: 4).figures(0)
        let (sent, waited) = (figures[.bytes] / (1000 * share), figures[.latency] / (share * transfer))
        let expected = queued(share: share, transfer: use / share, inFlight: 4, using: &generator)
        #expect((sent - expected.sent).magnitude < 0.1, "\(sent) \(expected)")
        // In transfers, of which three are the most.
        #expect(waited >= expected.sent * (1 + expected.waited * 0.95) - 0.1 && waited <= expected.sent * (1 + expected.waited * 1.45) + 0.2, "\(waited) \(expected)")
        #expect(share < 1 || use > 1 || (sent == 1 && (waited - 1).magnitude < 1e-9))
    }

    /// Places are held for the whole round trip: beyond them the board goes on alone, however fast the link is.
    @Test(arguments: [(1.0, 1), (1, 2), (1, 8), (0.5, 1), (0.5, 2), (0.5, 4), (0.2, 2)] as [(Double, Int)], [0.4, 1.4, 2.5, 6.4, 15.7])
    func ofMoreFramesThanThereArePlacesForTheBoardGoesOnAlone(sent given: (share: Double, inFlight: Int), periods: Double) {
        var generator = SeededGenerator(seed: 22)
        let transfer = 0.001
        let conditions = link(transfer: transfer * 0.1, roundTrip: periods * 0.1)
        let figures = Forecast(sending(given.share, unsent: 0.03), in: conditions, deadline: nil, inFlight: given.inFlight).figures(0)
        let expected = queued(share: given.share, transfer: transfer, roundTrip: periods, inFlight: given.inFlight, using: &generator).sent
        let sent = figures[.bytes] / (1000 * given.share)
        #expect((sent - expected).magnitude < (given.share == 1 || given.inFlight == 1 ? 0.02 : 0.1), "\(sent) \(expected)")
        // The cloud is always right, the end never.
        let latency = given.share * (sent * 0.1 * (periods + transfer) + (1 - sent) * 0.03)
        #expect((figures[.latency] / latency - 1).magnitude < 0.02 && (figures[.accuracy] - (1 - given.share * (1 - sent))).magnitude < 1e-9)
        // Frames that wait for a place: one an answer and place.
        let rate = Double(given.inFlight) / (given.share * 0.1 * (periods + transfer))
        #expect((figures[.throughput] / min(rate, 1 / (given.share * 0.1 * transfer)) - 1).magnitude < 0.01)
        var files = conditions
        files.framesWait = true
        #expect(Forecast(sending(given.share), in: files, deadline: nil, inFlight: given.inFlight).figures(0)[.bytes] == 1000 * given.share)
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
