// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What one wants of an agent that plans, as a policy file says it: the same for every network and board.
///
/// What depends on them, a bound that is the agent's deadline or that is held against the full model, is put in by ``policy(for:deadline:)``.
package struct PolicySettings: Hashable, Sendable {
    package enum Insurance: String, CaseIterable, Hashable, Sendable {
        /// Like everything else, where it serves the targets.
        case auto
        /// Whatever is sent, the board goes on to the next exit or to the end.
        case always
        /// The board waits for the cloud.
        case never
    }

    /// A bound of a figure.
    package enum Bound: Hashable, Sendable {
        case value(Figure, Double)
        /// At most the time until an answer must be there.
        case deadline(Figure)
        /// At most so many fewer right answers than the full model has, a share of all frames.
        case accuracyLoss(Double)
    }

    package var family: PlanFamily
    /// Instead of the family's plans, where it fits the network.
    package var only: Plan?
    /// How sure exits may have to be.
    package var levels: [GateLevel]
    package var insurance: Insurance
    /// The most important first.
    package var constraints: [Bound]
    /// The most important first, at least one.
    package var targets: [Policy.Target]
    /// See ``Planning/Policy``.
    package var hysteresis: Double
    package var step: Double
    /// Frames that may wait for the cloud at the same time.
    package var maximumInFlight: Int
    /// Small messages that find out how the link is, in any hour, where nothing else was sent.
    package var probesPerHour: Int

    package init(
        family: PlanFamily = .all, only: Plan? = nil, levels: [GateLevel] = [], insurance: Insurance = .auto, constraints: [Bound] = [], targets: [Policy.Target],
        hysteresis: Double = 0.05, step: Double = 0.05, maximumInFlight: Int = 2, probesPerHour: Int = 12
    ) {
        (self.family, self.only, self.levels, self.insurance, self.constraints, self.targets) = (family, only, levels, insurance, constraints, targets)
        (self.hysteresis, self.step, self.maximumInFlight, self.probesPerHour) = (hysteresis, step, maximumInFlight, probesPerHour)
    }

    /// What the planner goes by.
    ///
    /// - Parameter deadline: seconds from a frame to its decision; without one, bounds that are the deadline bound nothing.
    package func policy(for table: CalibrationTable, deadline: Double?) -> Policy {
        let full = Double(table.full.count) / Double(max(table.samples, 1))
        let constraints = constraints.compactMap { bound in
            switch bound {
            case .value(let figure, let value): Policy.Constraint(figure, value)
            case .deadline(let figure): deadline.map { Policy.Constraint(figure, $0) }
            // Sums of shares round: what loses just as much as it may does keep this.
            case .accuracyLoss(let loss): Policy.Constraint(.accuracy, full - loss - 1e-9)
            }
        }
        return Policy(constraints: constraints, targets: targets, deadline: deadline, inFlight: maximumInFlight, hysteresis: hysteresis, step: step)
    }

    /// The plans to choose among; none where the network has none of this family.
    ///
    /// - Parameter endFloor: what a gate that is asked at the end as well accepts at least, in the table's scores.
    package func plans(of table: CalibrationTable, costs: CostTable, endFloor: Double = 0) -> [Plan] {
        var known: Set<Plan> = []
        return plans(of: table, costs).compactMap { plan in
            let plan = plan.raising(table.end, to: endFloor)
            return known.insert(plan).inserted ? plan : nil
        }
    }

    private func plans(of table: CalibrationTable, _ costs: CostTable) -> [Plan] {
        if let only { return only.fits(table) ? [only] : [] }
        return PlanSpace.plans(of: table, costs: costs, levels: levels, family: family).filter { plan in
            switch insurance {
            case .auto: true
            case .always: plan.upload == nil || plan.insurance != nil
            case .never: plan.insurance == nil
            }
        }
    }
}
