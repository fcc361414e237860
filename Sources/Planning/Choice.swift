// SPDX-License-Identifier: Apache-2.0

/// The best plans of a space, and why they are in this order.
package struct Choice: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        /// Index into ``PlanSpace/plans``.
        package var plan: Int
        package var figures: Figures
        /// Why it isn't the chosen one; `nil` of that itself.
        package var lost: Reason?
    }

    /// In which way a plan is worse than the chosen one.
    package enum Reason: Hashable, Sendable {
        /// It violates what the other one keeps, or violates it more.
        case constraint(Policy.Constraint)
        /// It's worse in this target, after having been as good as the best in those before it.
        case target(Figure)
        /// It isn't better by so much that one would change the plan in use.
        case hysteresis
        /// It's as good.
        case order
    }

    /// The chosen plan, then what one would choose without it, and so on.
    package var ranking: [Entry]
    /// The constraints that no plan can keep together with those before them, and those behind: targets now.
    package var demoted: [Policy.Constraint]
    /// The constraints that the chosen plan violates; all of them are among ``demoted``.
    package var violated: [Policy.Constraint]

    /// The chosen plan.
    package var plan: Int { ranking[0].plan }
}

extension PlanSpace {
    /// Chooses among all plans.
    ///
    /// - Parameters:
    ///   - plan: the one in use, which stays unless another one is better by the policy's hysteresis.
    ///   - count: how many to rank, at least 1.
    /// - Precondition: the space has a plan.
    package func choose(by policy: Policy, in conditions: Conditions, inUse plan: Int? = nil, ranked count: Int = 2) -> Choice {
        precondition(!plans.isEmpty, "no plan to choose")
        let forecast = Forecast(self, in: conditions, deadline: policy.deadline)
        let selection = Selection(policy, forecast, plans: plans.count)
        let best = selection.select()
        let chosen = plan.map { selection.stays($0, instead: best) } ?? best
        var ranked = [chosen.plan]
        while ranked.count < min(count, plans.count) { ranked.append(selection.select(without: ranked).plan) }
        let entries = ranked.map { other in
            Choice.Entry(
                plan: other, figures: forecast.figures(other),
                lost: other == chosen.plan ? nil : selection.reason(other, lostTo: chosen.plan, keeping: best.kept, best: best.plan))
        }
        return Choice(
            ranking: entries, demoted: Array(policy.constraints[best.kept...]), violated: policy.constraints.filter { selection.violates(chosen.plan, $0) })
    }
}

/// One choice: what it compares, for all plans.
private struct Selection {
    struct Result {
        var plan: Int
        /// How many constraints, from the first on, can be kept together.
        var kept: Int
    }

    private let policy: Policy
    /// By ``Figure/rawValue``; empty for figures that don't matter.
    private let costs: [[Double]]
    private let plans: Int

    init(_ policy: Policy, _ forecast: Forecast, plans: Int) {
        self.policy = policy
        self.plans = plans
        let used = Set(policy.constraints.map(\.figure) + policy.targets.map(\.figure))
        costs = Figure.allCases.map { used.contains($0) ? forecast.costs($0) : [] }
    }

    func violates(_ plan: Int, _ constraint: Policy.Constraint) -> Bool { excess(plan, constraint) > 0 }

    /// By how much a cost is above its bound.
    private func excess(_ plan: Int, _ constraint: Policy.Constraint) -> Double {
        max(costs[constraint.figure.rawValue][plan] - constraint.figure.cost(of: constraint.bound), 0)
    }

    /// The best plan.
    ///
    /// - Parameter excluded: plans to leave out, fewer than there are.
    func select(without excluded: [Int] = []) -> Result {
        var open = Array(0..<plans)
        if !excluded.isEmpty { open.removeAll { excluded.contains($0) } }
        var kept = 0
        while kept < policy.constraints.count {
            let keeping = keeping(policy.constraints[kept], among: open)
            if keeping.isEmpty { break }
            open = keeping
            kept += 1
        }
        for constraint in policy.constraints[kept...] {
            let least = open.reduce(Double.infinity) { min($0, excess($1, constraint)) }
            open = open.filter { excess($0, constraint) <= least }
        }
        return Result(plan: best(among: open), kept: kept)
    }

    private func keeping(_ constraint: Policy.Constraint, among open: [Int], margin: Double = 0) -> [Int] {
        let (costs, bound) = (costs[constraint.figure.rawValue], constraint.figure.cost(of: constraint.bound) * (1 - margin))
        return open.filter { costs[$0] <= bound }
    }

    /// The best in the last target of those that are as good as the best in those before it.
    private func best(among plans: [Int]) -> Int {
        var open = plans
        for target in policy.targets.dropLast() { open = asGood(in: target, among: open) }
        // Of equal ones in the last target, the first in an earlier one: what is chosen is not dominated.
        let order = policy.targets.suffix(1) + policy.targets.dropLast()
        for target in order {
            if open.count == 1 { break }
            open = asGood(in: Policy.Target(target.figure), among: open)
        }
        return open[0]
    }

    private func asGood(in target: Policy.Target, among open: [Int]) -> [Int] {
        let costs = costs[target.figure.rawValue]
        var least = Double.infinity
        for plan in open { least = min(least, costs[plan]) }
        let limit = least * (1 + target.slack)
        return open.filter { costs[$0] <= limit }
    }

    /// The plan to use: the one in use, unless another one is better by the hysteresis or keeps constraints that it doesn't.
    func stays(_ plan: Int, instead best: Result) -> Result {
        let stays = Result(plan: plan, kept: best.kept)
        if plan == best.plan { return best }
        let hysteresis = policy.hysteresis
        if policy.constraints[..<best.kept].contains(where: { violates(plan, $0) }) { return best }
        for constraint in policy.constraints[best.kept...] where isWorse(plan, than: best.plan, in: constraint.figure, by: hysteresis) {
            if excess(plan, constraint) > excess(best.plan, constraint) { return best }
        }
        var open = policy.constraints[..<best.kept].reduce(Array(0..<plans)) { keeping($1, among: $0, margin: hysteresis) }
        for constraint in policy.constraints[best.kept...] {
            let least = open.reduce(Double.infinity) { min($0, excess($1, constraint)) }
            open = open.filter { excess($0, constraint) <= least }
        }
        guard !open.isEmpty else { return stays }
        let challenger = self.best(among: open)
        for target in policy.targets {
            let costs = costs[target.figure.rawValue]
            var least = costs[challenger]
            for other in open { least = min(least, costs[other]) }
            if costs[plan] > least * (1 + target.slack + hysteresis) + target.figure.negligible { return Result(plan: challenger, kept: best.kept) }
            open = open.filter { costs[$0] <= least * (1 + target.slack) }
        }
        return stays
    }

    private func isWorse(_ plan: Int, than other: Int, in figure: Figure, by share: Double) -> Bool {
        let costs = costs[figure.rawValue]
        return costs[plan] > costs[other] * (1 + share) + figure.negligible
    }

    /// Why a plan stands behind the chosen one.
    func reason(_ plan: Int, lostTo chosen: Int, keeping kept: Int, best: Int) -> Choice.Reason {
        for constraint in policy.constraints where excess(plan, constraint) > excess(chosen, constraint) { return .constraint(constraint) }
        if plan == best { return .hysteresis }
        for target in policy.targets where isWorse(plan, than: chosen, in: target.figure, by: target.slack) { return .target(target.figure) }
        for target in policy.targets.reversed() where costs[target.figure.rawValue][plan] > costs[target.figure.rawValue][chosen] { return .target(target.figure) }
        return .order
    }
}
