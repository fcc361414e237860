// SPDX-License-Identifier: Apache-2.0
import Planning
import TestSupport
import Testing

struct ChoiceTests {
    private func randomPolicy(_ space: PlanSpace, _ conditions: Conditions, using generator: inout SeededGenerator) -> Policy {
        let deadline = generator.magnitude(0.05...1)
        let forecast = Forecast(space, in: conditions, deadline: deadline)
        func someFigures(_ count: Int) -> [Figure] { Array(Figure.allCases.shuffled(using: &generator).prefix(count)) }
        let constraints = someFigures(Int.random(in: 0...3, using: &generator)).map { figure in
            // What some plan reaches, or a little more than that.
            let value = forecast.figures(Int.random(in: space.plans.indices, using: &generator))[figure]
            let cost = figure.cost(of: value) * Double.random(in: 0.5...1, using: &generator)
            return Policy.Constraint(figure, figure.value(ofCost: cost))
        }
        let targets = someFigures(Int.random(in: 1...3, using: &generator)).map { Policy.Target($0, slack: Bool.random(using: &generator) ? 0 : 0.05) }
        return Policy(constraints: constraints, targets: targets, deadline: deadline)
    }

    /// A space, conditions and a policy, for each of many seeds.
    private func everyCase(_ count: Int, _ body: (Int, PlanSpace, Conditions, Policy, inout SeededGenerator) -> Void) {
        for seed in 0..<count {
            var generator = SeededGenerator(seed: UInt64(seed))
            let space = randomSpace(samples: 100, using: &generator).space
            let conditions = randomConditions(using: &generator)
            let policy = randomPolicy(space, conditions, using: &generator)
            body(seed, space, conditions, policy, &generator)
        }
    }

    private func cost(_ figures: Figures, _ figure: Figure) -> Double { figure.cost(of: figures[figure]) }

    private func meets(_ figures: Figures, _ constraint: Policy.Constraint) -> Bool {
        cost(figures, constraint.figure) <= constraint.figure.cost(of: constraint.bound) * (1 + 1e-9)
    }

    @Test func theChosenPlanIsNeverDominated() {
        everyCase(40) { seed, space, conditions, policy, _ in
            let choice = space.choose(by: policy, in: conditions)
            let forecast = Forecast(space, in: conditions, deadline: policy.deadline)
            let chosen = forecast.figures(choice.plan)
            let figures = policy.targets.map(\.figure)
            for plan in space.plans.indices {
                let other = forecast.figures(plan)
                guard policy.constraints.allSatisfy({ cost(other, $0.figure) <= cost(chosen, $0.figure) }) else { continue }
                let isBetter = figures.allSatisfy { cost(other, $0) <= cost(chosen, $0) } && figures.contains { cost(other, $0) * (1 + 1e-9) < cost(chosen, $0) }
                #expect(!isBetter, "seed \(seed): \(space.plans[choice.plan]) by \(space.plans[plan])")
            }
        }
    }

    @Test func constraintsHoldAsFarDownTheListAsAnyPlanKeepsThemAndTheRestIsNamed() {
        everyCase(60) { seed, space, conditions, policy, _ in
            let choice = space.choose(by: policy, in: conditions)
            let forecast = Forecast(space, in: conditions, deadline: policy.deadline)
            let chosen = forecast.figures(choice.plan)
            var open = Array(space.plans.indices)
            var kept = 0
            for constraint in policy.constraints {
                open = open.filter { meets(forecast.figures($0), constraint) }
                if open.isEmpty { break }
                kept += 1
            }
            #expect(choice.demoted == Array(policy.constraints[kept...]), "seed \(seed)")
            #expect(policy.constraints[..<kept].allSatisfy { meets(chosen, $0) }, "seed \(seed)")
            #expect(choice.violated == policy.constraints.filter { !meets(chosen, $0) }, "seed \(seed)")
            if let infeasible = choice.demoted.first { #expect(choice.violated.contains(infeasible), "seed \(seed)") }
        }
    }

    @Test func aConstraintThatNoPlanKeepsIsMissedByAsLittleAsCanBe() {
        everyCase(10) { seed, space, conditions, _, _ in
            let policy = Policy(constraints: [.init(.latency, 1e-6)], targets: [.init(.accuracy)])
            let choice = space.choose(by: policy, in: conditions)
            let forecast = Forecast(space, in: conditions, deadline: nil)
            let best = space.plans.indices.map { forecast.figures($0)[.latency] }.min() ?? 0
            #expect(choice.ranking[0].figures[.latency] <= best * (1 + 1e-9), "seed \(seed)")
            #expect(choice.violated.map(\.figure) == [.latency])
        }
    }

    @Test func aSinglePlanIsChosen() {
        everyCase(10) { _, space, conditions, policy, generator in
            let table = randomTable(samples: 20, using: &generator)
            let one = PlanSpace([Plan(upload: table.sent[1].upload)], table: table, costs: randomCosts(of: table, using: &generator))
            let choice = one.choose(by: policy, in: conditions, ranked: 5)
            #expect(choice.ranking.map(\.plan) == [0])
            #expect(choice.ranking[0].lost == nil)
        }
    }

    @Test func theFirstTargetDecidesAndTheNextAmongThoseWithinItsSlack() {
        everyCase(20) { seed, space, conditions, _, _ in
            let policy = Policy(targets: [.init(.latency, slack: 0.3), .init(.bytes)])
            let forecast = Forecast(space, in: conditions, deadline: nil)
            let figures = space.plans.indices.map(forecast.figures)
            let least = figures.map { $0[.latency] }.min() ?? 0
            let expected = figures.filter { $0[.latency] <= least * 1.3 }.map { $0[.bytes] }.min()
            #expect(space.choose(by: policy, in: conditions).ranking[0].figures[.bytes] == expected, "seed \(seed)")
        }
    }

    /// A board that computes what can never be asked for in time answers as soon as one that rests, but for how sums are rounded.
    @Test func ofPlansThatOnlyRoundingTellsApartTheNextTargetChooses() {
        let asked: [Figure] = [.latency, .highLatency, .bytes]
        everyCase(60) { seed, space, conditions, _, _ in
            let policy = Policy(targets: (asked + [.energy]).map { Policy.Target($0) })
            let forecast = Forecast(space, in: conditions, deadline: nil)
            let chosen = forecast.figures(space.choose(by: policy, in: conditions).plan)
            for plan in space.plans.indices {
                let other = forecast.figures(plan)
                guard asked.allSatisfy({ cost(other, $0) <= cost(chosen, $0) * (1 + 1e-12) }) else { continue }
                #expect(chosen[.energy] <= other[.energy] * (1 + 1e-9), "seed \(seed): \(space.plans[plan])")
            }
        }
    }

    @Test func theRankingHoldsEachPlanOnceAndSaysWhyItLost() {
        everyCase(10) { seed, space, conditions, policy, _ in
            let choice = space.choose(by: policy, in: conditions, ranked: 12)
            #expect(choice.ranking.count == 12)
            #expect(Set(choice.ranking.map(\.plan)).count == 12)
            #expect(choice.ranking[0].lost == nil)
            for entry in choice.ranking.dropFirst() {
                switch entry.lost {
                case .constraint(let constraint):
                    #expect(cost(entry.figures, constraint.figure) > cost(choice.ranking[0].figures, constraint.figure), "seed \(seed)")
                case .target(let figure): #expect(cost(entry.figures, figure) > cost(choice.ranking[0].figures, figure), "seed \(seed)")
                case .order: #expect(policy.targets.allSatisfy { cost(entry.figures, $0.figure) <= cost(choice.ranking[0].figures, $0.figure) * (1 + 1e-9) }, "seed \(seed)")
                case .hysteresis, nil: Issue.record("seed \(seed): no reason")
                }
            }
        }
    }

    @Test func whatIsRankedNextIsWhatOneWouldChooseWithoutTheFirst() {
        everyCase(10) { seed, space, conditions, policy, generator in
            let table = randomTable(samples: 60, using: &generator)
            let costs = randomCosts(of: table, using: &generator)
            let plans = Array(PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0.7)]).prefix(40))
            let choice = PlanSpace(plans, table: table, costs: costs).choose(by: policy, in: conditions)
            var others = plans
            others.remove(at: choice.plan)
            let next = PlanSpace(others, table: table, costs: costs).choose(by: policy, in: conditions)
            #expect(others[next.plan] == plans[choice.ranking[1].plan], "seed \(seed)")
        }
    }

    /// Target by target, each among those that are as good as the best in the targets before it.
    @Test func theReasonIsTheFirstTargetInWhichAPlanWasNotAsGoodAsTheBest() {
        everyCase(30) { seed, space, conditions, random, _ in
            let policy = Policy(targets: random.targets, deadline: random.deadline)
            let choice = space.choose(by: policy, in: conditions, ranked: 30)
            let forecast = Forecast(space, in: conditions, deadline: policy.deadline)
            let figures = space.plans.indices.map(forecast.figures)
            for entry in choice.ranking.dropFirst() {
                var (open, expected) = (Array(space.plans.indices), Figure?.none)
                for target in policy.targets.dropLast() where expected == nil {
                    let limit = (open.map { cost(figures[$0], target.figure) }.min() ?? 0) * (1 + max(target.slack, 1e-9))
                    if cost(entry.figures, target.figure) > limit { expected = target.figure }
                    open = open.filter { cost(figures[$0], target.figure) <= limit }
                }
                if let expected { #expect(entry.lost == .target(expected), "seed \(seed)") }
            }
        }
    }

    /// A plan that keeps its constraints is never left for one that is worse in an earlier target than the one in which it's better.
    @Test func whatReplacesThePlanInUseIsAsGoodInTheTargetsBefore() {
        everyCase(200) { seed, space, conditions, random, generator in
            let forecast = Forecast(space, in: conditions, deadline: random.deadline)
            let figures = space.plans.indices.map(forecast.figures)
            // Bounds that the plan in use just keeps, so that what might replace it better doesn't keep them by a margin.
            let inUse = Int.random(in: space.plans.indices, using: &generator)
            let constraint = Policy.Constraint(.latency, figures[inUse][.latency] * Double.random(in: 1...1.1, using: &generator))
            let targets = random.targets + [Policy.Target(.bytes)]
            let policy = Policy(constraints: [constraint], targets: targets, deadline: random.deadline)
            let choice = space.choose(by: policy, in: conditions, inUse: inUse)
            guard choice.plan != inUse else { return }
            for target in targets {
                let (old, new) = (cost(figures[inUse], target.figure), cost(figures[choice.plan], target.figure))
                if old > new * (1 + target.slack) { return }
                #expect(new <= old * (1 + target.slack) * (1 + 2e-9), "seed \(seed), \(target.figure)")
            }
        }
    }

    @Test func thePlanInUseStaysAmongEqualOnes() {
        var generator = SeededGenerator(seed: 8)
        let table = randomTable(samples: 50, using: &generator)
        let costs = randomCosts(of: table, using: &generator)
        let plan = Plan(upload: table.sent[0].upload)
        let space = PlanSpace([plan, plan, plan], table: table, costs: costs)
        for _ in 0..<20 {
            let conditions = randomConditions(using: &generator)
            for inUse in 0..<3 {
                for figure in Figure.allCases {
                    let policy = Policy(constraints: [.init(.latency, 0.2)], targets: [.init(figure)], deadline: 0.3)
                    #expect(space.choose(by: policy, in: conditions, inUse: inUse).plan == inUse)
                }
            }
        }
    }

    @Test func estimatesThatTrembleChangeThePlanOnceAtMost() {
        everyCase(40) { seed, space, conditions, policy, generator in
            var (inUse, changes) = (space.choose(by: policy, in: conditions).plan, 0)
            for _ in 0..<30 {
                var trembling = conditions
                trembling.link?.radio.uplink *= Double.random(in: 0.995...1.005, using: &generator)
                trembling.board.slowdown *= Double.random(in: 0.995...1.005, using: &generator)
                let choice = space.choose(by: policy, in: trembling, inUse: inUse)
                if choice.plan != inUse { changes += 1 }
                inUse = choice.plan
            }
            #expect(changes <= 1, "seed \(seed)")
        }
    }

    /// Changes of plan while the uplink goes to and fro around a value.
    private func changes(_ space: PlanSpace, _ policy: Policy, _ conditions: Conditions, uplink: Double) -> Int {
        var (inUse, changes) = (Int?.none, 0)
        for round in 0..<20 {
            var trembling = conditions
            trembling.link?.radio.uplink = uplink * (round % 2 == 0 ? 0.99 : 1.01)
            let plan = space.choose(by: policy, in: trembling, inUse: inUse).plan
            if let inUse, plan != inUse { changes += 1 }
            inUse = plan
        }
        return changes
    }

    /// One plan sends frames, the other one nothing: at some bandwidth they take the same time.
    private func twoPlans() -> (space: PlanSpace, conditions: Conditions, crossing: Double) {
        var generator = SeededGenerator(seed: 12)
        let table = randomTable(samples: 50, using: &generator)
        let costs = CostTable(
            exits: table.exits.indices.map { .init(arrival: 0.1 * Double($0 + 1), head: 0) }, sent: table.sent.map { _ in .init(arrival: 0, packing: 0, server: 0.01) })
        let space = PlanSpace([Plan(), Plan(upload: table.sent[1].upload)], table: table, costs: costs)
        var conditions = randomConditions(varying: false, using: &generator)
        conditions.link?.radio.roundTrip = 0.01
        let policy = Policy(targets: [.init(.latency)])
        var (low, high) = (0.001, 1000.0)
        while high - low > 1e-9 * high {
            conditions.link?.radio.uplink = (low + high) / 2
            if space.choose(by: policy, in: conditions).plan == 1 { high = (low + high) / 2 } else { low = (low + high) / 2 }
        }
        return (space, conditions, high)
    }

    @Test func whereTwoPlansAreAsFastTheHysteresisEndsTheirChanges() {
        let (space, conditions, crossing) = twoPlans()
        #expect(changes(space, Policy(targets: [.init(.latency)], hysteresis: 0), conditions, uplink: crossing) == 19)
        #expect(changes(space, Policy(targets: [.init(.latency)]), conditions, uplink: crossing) == 0)
    }

    @Test func whereAPlanJustKeepsAConstraintTheHysteresisEndsItsComingAndGoing() {
        let (space, conditions, crossing) = twoPlans()
        // Sending costs the board less, but at the crossing it just keeps the bound on the latency.
        var atCrossing = conditions
        atCrossing.link?.radio.uplink = crossing
        atCrossing.board.power = 1e6
        let forecast = Forecast(space, in: atCrossing, deadline: nil)
        #expect(forecast.figures(1)[.energy] < forecast.figures(0)[.energy])
        var policy = Policy(constraints: [.init(.latency, forecast.figures(1)[.latency] * 1.0001)], targets: [.init(.energy)], hysteresis: 0)
        #expect(changes(space, policy, atCrossing, uplink: crossing) == 19)
        policy.hysteresis = 0.05
        #expect(changes(space, policy, atCrossing, uplink: crossing) <= 1)
    }

    @Test func thePlanInUseIsWithinTheHysteresisOfTheBest() {
        everyCase(20) { seed, space, conditions, _, generator in
            let policy = Policy(targets: [.init(.latency)], hysteresis: 0.1)
            let best = space.choose(by: policy, in: conditions).ranking[0].figures[.latency]
            for _ in 0..<10 {
                let inUse = Int.random(in: space.plans.indices, using: &generator)
                let choice = space.choose(by: policy, in: conditions, inUse: inUse)
                #expect(choice.ranking[0].figures[.latency] <= best * 1.1 * (1 + 1e-9), "seed \(seed)")
                if choice.plan != inUse { #expect(choice.ranking[0].figures[.latency] == best, "seed \(seed)") }
            }
        }
    }

    @Test func anAccuracyThatJustKeepsItsBoundIsTrusted() {
        everyCase(20) { seed, space, conditions, _, generator in
            let accuracy = space.choose(by: Policy(targets: [.init(.latency)]), in: conditions).ranking[0].figures[.accuracy]
            let policy = Policy(constraints: [.init(.accuracy, accuracy)], targets: [.init(.latency)], hysteresis: 0.1)
            let best = space.choose(by: policy, in: conditions).ranking[0].figures[.latency]
            for _ in 0..<10 {
                let inUse = Int.random(in: space.plans.indices, using: &generator)
                let choice = space.choose(by: policy, in: conditions, inUse: inUse)
                #expect(choice.ranking[0].figures[.latency] <= best * 1.1 * (1 + 1e-9), "seed \(seed)")
            }
        }
    }

    @Test func aPlanInUseThatBreaksAConstraintWhichAnotherKeepsIsLeft() {
        everyCase(30) { seed, space, conditions, policy, generator in
            let best = space.choose(by: policy, in: conditions)
            let kept = policy.constraints.filter { !best.demoted.contains($0) }
            for _ in 0..<10 {
                let inUse = Int.random(in: space.plans.indices, using: &generator)
                let choice = space.choose(by: policy, in: conditions, inUse: inUse)
                #expect(kept.allSatisfy { meets(choice.ranking[0].figures, $0) }, "seed \(seed)")
                #expect(choice.demoted == best.demoted)
            }
        }
    }

    /// Where the constraints say nothing of the link. Over a slow link frames that find no place save bytes, too: here there is always a place.
    @Test(arguments: [Figure.latency, .highLatency])
    func moreBandwidthNeverMakesTheChosenLatencyWorse(figure: Figure) {
        everyCase(20) { seed, space, conditions, _, _ in
            var conditions = conditions
            conditions.framePeriod = 3600
            let forecast = Forecast(space, in: conditions, deadline: nil)
            let bytes = forecast.figures(space.plans.count / 2)[.bytes]
            let policy = Policy(constraints: [.init(.bytes, bytes)], targets: [.init(figure)])
            var before = Double.infinity
            for step in 0..<40 {
                var faster = conditions
                faster.link?.radio.uplink = 0.05 * Double(1 << (step / 4)) * (1 + Double(step % 4) / 4)
                let latency = space.choose(by: policy, in: faster).ranking[0].figures[figure]
                #expect(latency <= before * (1 + 1e-9), "seed \(seed), step \(step)")
                before = latency
            }
        }
    }
}
