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
    /// The constraints that the chosen plan violates: some of ``demoted``, and misses where it was in use and keeps them by a deadline that is later by the hysteresis.
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
        let forecast = Forecast(self, in: conditions, deadline: policy.deadline, inFlight: policy.inFlight)
        var selection = Selection(policy, forecast, plans: plans.count)
        let best = selection.select()
        let limits = selection.limits
        var chosen = best
        if let plan { chosen = selection.stays(plan, instead: best) }
        var ranked = [chosen.plan]
        var isOpen = Array(repeating: true, count: plans.count)
        isOpen[chosen.plan] = false
        while ranked.count < min(count, plans.count) {
            let next = selection.select { isOpen[$0] }.plan
            ranked.append(next)
            isOpen[next] = false
        }
        let entries = ranked.map { other in
            Choice.Entry(
                plan: other, figures: forecast.figures(other),
                lost: other == chosen.plan ? nil : selection.reason(other, lostTo: chosen.plan, best: best.plan, limits))
        }
        return Choice(
            ranking: entries, demoted: Array(policy.constraints[best.kept...]), violated: policy.constraints.filter { selection.violates(chosen.plan, $0) })
    }
}

/// One choice: what it compares.
private struct Selection {
    struct Result {
        var plan: Int
        /// How many constraints, from the first on, can be kept together.
        var kept: Int
    }

    private let policy: Policy
    private let forecast: Forecast
    private let plans: Int
    /// By ``Figure/rawValue`` and plan; NaN where it wasn't asked for yet.
    private var costs: [[Double]]
    /// What is as good as the best in each target but the last, as they were compared last.
    private(set) var limits: [Double] = []

    init(_ policy: Policy, _ forecast: Forecast, plans: Int) {
        (self.policy, self.forecast, self.plans) = (policy, forecast, plans)
        costs = Array(repeating: [], count: Figure.allCases.count)
    }

    /// The costs of these plans, by plan; what stands there of others says nothing.
    private mutating func costs(_ figure: Figure, of open: [Int]) -> [Double] {
        let index = figure.rawValue
        if costs[index].isEmpty { costs[index] = Array(repeating: .nan, count: plans) }
        forecast.fill(&costs[index], of: figure, for: open)
        return costs[index]
    }

    private mutating func cost(_ plan: Int, _ figure: Figure) -> Double { costs(figure, of: [plan])[plan] }

    mutating func violates(_ plan: Int, _ constraint: Policy.Constraint) -> Bool { excess(plan, constraint) > 0 }

    /// Whether the plan in use violates it. Misses come in steps of a link's state, one of which may hover at the deadline: they count by one that is later by the hysteresis.
    mutating func breaks(_ plan: Int, _ constraint: Policy.Constraint) -> Bool {
        guard constraint.figure == .misses else { return violates(plan, constraint) }
        return forecast.misses(plan, later: policy.hysteresis) > constraint.figure.cost(of: constraint.bound)
    }

    /// By how much a cost is above its bound.
    private mutating func excess(_ plan: Int, _ constraint: Policy.Constraint) -> Double {
        max(cost(plan, constraint.figure) - constraint.figure.cost(of: constraint.bound), 0)
    }

    /// The best plan.
    ///
    /// - Parameter isOpen: which plans are looked at, of which there is one.
    mutating func select(_ isOpen: (Int) -> Bool = { _ in true }) -> Result {
        var open = (0..<plans).filter(isOpen)
        var kept = 0
        while kept < policy.constraints.count {
            let keeping = keeping(policy.constraints[kept], among: open)
            if keeping.isEmpty { break }
            open = keeping
            kept += 1
        }
        return Result(plan: best(among: nearest(policy.constraints[kept...], among: open)), kept: kept)
    }

    private mutating func keeping(_ constraint: Policy.Constraint, among open: [Int], margin: Double = 0) -> [Int] {
        let costs = costs(constraint.figure, of: open)
        let bound = constraint.figure.cost(of: constraint.bound) * (1 - margin)
        return open.filter { costs[$0] <= bound }
    }

    /// Those that miss the first of these constraints by the least; of those, the ones that miss the second by the least; and so on.
    private mutating func nearest(_ constraints: ArraySlice<Policy.Constraint>, among plans: [Int]) -> [Int] {
        constraints.reduce(plans) { open, constraint in
            asGood(in: Policy.Target(constraint.figure), among: open, enough: constraint.figure.cost(of: constraint.bound)).plans
        }
    }

    /// The best in the last target of those that are as good as the best in those before it.
    private mutating func best(among plans: [Int]) -> Int {
        var open = plans
        limits = []
        for target in policy.targets.dropLast() {
            let (asGood, limit) = asGood(in: target, among: open)
            limits.append(limit)
            open = asGood
        }
        // Of equal ones in the last target, the first in an earlier one: what is chosen is not dominated.
        let order = policy.targets.suffix(1) + policy.targets.dropLast()
        for target in order {
            if open.count == 1 { break }
            open = asGood(in: Policy.Target(target.figure), among: open).plans
        }
        return open[0]
    }

    /// - Parameter enough: costs below it are as good as it.
    /// - Returns: those up to the cost that is as good as the least.
    private mutating func asGood(in target: Policy.Target, among open: [Int], enough: Double = 0) -> (plans: [Int], limit: Double) {
        let costs = costs(target.figure, of: open)
        var (least, most) = (Double.infinity, 0.0)
        for plan in open { (least, most) = (min(least, costs[plan]), max(most, costs[plan])) }
        let limit = max(target.limit(least), enough)
        return (most <= limit ? open : open.filter { costs[$0] <= limit }, limit)
    }

    /// The plan to use: the one in use, unless
    ///
    /// - it breaks a constraint that others keep together with those before it, or misses one that none keeps by clearly more than the best plan does;
    /// - or a plan that keeps all of them by a margin is better in a target by the hysteresis on top of its slack. Targets are looked at in their order, each among the
    ///   plans that are as good as the best in those before it, be that one of them or the one in use.
    mutating func stays(_ plan: Int, instead best: Result) -> Result {
        let stays = Result(plan: plan, kept: best.kept)
        if plan == best.plan { return best }
        let hysteresis = policy.hysteresis
        let (kept, demoted) = (policy.constraints[..<best.kept], policy.constraints[best.kept...])
        for constraint in kept where breaks(plan, constraint) { return best }
        for constraint in demoted where isWorse(plan, than: best.plan, in: constraint.figure, by: hysteresis) {
            if excess(plan, constraint) > excess(best.plan, constraint) { return best }
        }
        var open = Array(0..<plans)
        for constraint in kept { open = keeping(constraint, among: open, margin: constraint.figure.isFleeting ? hysteresis : 0) }
        open = nearest(demoted, among: open)
        guard !open.isEmpty else { return stays }
        for target in policy.targets {
            let costs = costs(target.figure, of: open + [plan])
            var least = Double.infinity
            for other in open { least = min(least, costs[other]) }
            if costs[plan] > least * (1 + target.slack + hysteresis) + target.figure.negligible { return Result(plan: self.best(among: open), kept: best.kept) }
            let limit = target.limit(min(least, costs[plan]))
            open = open.filter { costs[$0] <= limit }
            if open.isEmpty { return stays }
        }
        return stays
    }

    private mutating func isWorse(_ plan: Int, than other: Int, in figure: Figure, by share: Double) -> Bool {
        let costs = costs(figure, of: [plan, other])
        return costs[plan] > costs[other] * (1 + share) + figure.negligible
    }

    /// Why a plan stands behind the chosen one.
    ///
    /// - Parameters:
    ///   - best: what one would choose without a plan in use.
    ///   - limits: of the targets, by which that was chosen.
    mutating func reason(_ plan: Int, lostTo chosen: Int, best: Int, _ limits: [Double]) -> Choice.Reason {
        for constraint in policy.constraints where excess(plan, constraint) > excess(chosen, constraint) { return .constraint(constraint) }
        if plan == best { return .hysteresis }
        for (target, limit) in zip(policy.targets, limits) {
            let isAsGood = cost(plan, target.figure) <= limit
            // Of the one in use nothing else is asked.
            if cost(chosen, target.figure) > limit {
                if isAsGood { return .hysteresis }
                break
            }
            if !isAsGood { return .target(target.figure) }
        }
        // As ``best(among:)`` tells apart what is as good.
        for target in policy.targets.suffix(1) + policy.targets.dropLast() where cost(plan, target.figure) > Policy.Target(target.figure).limit(cost(chosen, target.figure)) {
            return .target(target.figure)
        }
        return .order
    }
}
