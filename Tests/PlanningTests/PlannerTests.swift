// SPDX-License-Identifier: Apache-2.0
import Planning
import TestSupport
import Testing

struct PlannerTests {
    private let space: PlanSpace
    private let table: CalibrationTable
    private var conditions: Conditions

    init() {
        var generator = SeededGenerator(seed: 9)
        (space, table, _) = randomSpace(using: &generator)
        conditions = randomConditions(using: &generator)
        conditions.link?.radio.uplink = 20
    }

    @Test func nothingIsChosenAnewUntilAnEstimateMovedByMoreThanTheStep() {
        var planner = Planner(space, policy: Policy(targets: [.init(.latency)]), in: conditions)
        var next = conditions
        next.link?.radio.uplink *= 1.04
        _ = planner.update(next)
        #expect(planner.conditions == conditions)
        // Small steps add up.
        next.link?.radio.uplink *= 1.04
        _ = planner.update(next)
        #expect(planner.conditions == next)
    }

    @Test func aPlannerThatIsMadeAnewKeepsThePlanInUseUnlessAnotherIsBetterByTheHysteresis() {
        let policy = Policy(targets: [.init(.latency)], hysteresis: 1e9)
        let best = Planner(space, policy: policy, in: conditions).choice.plan
        let other = (best + 1) % space.plans.count
        #expect(Planner(space, policy: policy, in: conditions, inUse: other).choice.plan == other)
    }

    @Test func everyEstimateCounts() {
        let changes: [(inout Conditions) -> Void] = [
            { $0.link = nil }, { $0.link?.radio.uplink /= 1.06 }, { $0.link?.radio.roundTrip += 0.1 }, { $0.link?.radio.name = "other" },
            { $0.link?.spread = Octiles(9) }, { $0.board.slowdown *= 1.06 }, { $0.board.highSlowdown *= 1.06 }, { $0.board.power *= 1.06 },
            { $0.server.slowdown *= 1.06 }, { $0.server.queue = Octiles(1) }, { $0.framePeriod *= 1.06 },
        ]
        #expect(!conditions.differs(from: conditions, by: 0))
        for (index, change) in changes.enumerated() {
            var other = conditions
            change(&other)
            #expect(other.differs(from: conditions, by: 0.05), "\(index)")
            #expect(conditions.differs(from: other, by: 0.05), "\(index)")
        }
    }

    @Test func aLostLinkBringsThePlanHomeAndItsReturnTheOldOne() {
        let policy = Policy(constraints: [.init(.latency, 10)], targets: [.init(.latency)])
        var fast = conditions
        fast.link?.radio.uplink = 1000
        fast.link?.radio.roundTrip = 0.0005
        fast.link?.spread = Octiles(1)
        fast.server = .init()
        fast.board.slowdown = 20
        var planner = Planner(space, policy: policy, in: fast)
        let before = planner.plan
        #expect(before.upload != nil)
        var alone = fast
        alone.link = nil
        let left = planner.update(alone)
        #expect(left)
        #expect(table.replay(planner.plan).cloud.samples == 0)
        let returned = planner.update(fast)
        #expect(returned)
        #expect(planner.plan == before)
    }
}
