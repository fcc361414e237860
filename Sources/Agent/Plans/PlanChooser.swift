// SPDX-License-Identifier: Apache-2.0
internal import Planning
internal import Settings

/// The planner with what it is made of. Where that turns out otherwise, and stays so (``RemakingSchedule``), it is made anew, which takes some tens of milliseconds. Pure.
struct PlanChooser: Sendable {
    /// What is known when one chooses.
    struct Findings {
        var conditions: Conditions
        /// Whether the workers have the model that the cuts are of.
        var sendsTensors = true
        /// Seconds from taking up a frame to having its pixels.
        var preparing = 0.0
        /// What packing takes, as a factor on what was measured.
        var packing = (frames: 1.0, tensors: 1.0)
        /// Why nothing can be sent though workers answer.
        var hindrance: String?
        /// What the end answers has at least this score.
        var endFloor = 0.0
    }

    let material: PlanMaterial
    private let settings: PolicySettings
    private let deadline: Double
    /// Of the board, when the agent was made.
    let measured: BoardTimes
    /// What plans are made of now.
    private var times: BoardTimes
    private var sendsTensors = true
    private var endFloor: Double
    private var schedule = RemakingSchedule()
    private(set) var planner: Planner

    /// - Parameters:
    ///   - deadline: seconds from a frame to its decision.
    ///   - endFloor: what the end answers has at least this score.
    /// - Throws: where the network has no plan of the policy's family.
    init(_ material: PlanMaterial, _ settings: PolicySettings, deadline: Double, times: BoardTimes, endFloor: Double, in conditions: Conditions) throws(AgentError) {
        (self.material, self.settings, self.deadline, measured, self.times, self.endFloor) = (material, settings, deadline, times, times, endFloor)
        let costs = times.costs(of: material.table, server: material.serverSeconds)
        do {
            try costs.check(for: material.table)
        } catch {
            throw AgentError(.data, "make plans", "\(error)")
        }
        let plans = material.plans(settings, costs: costs, endFloor: endFloor)
        guard !plans.isEmpty else { throw AgentError(.configuration, "make plans", "the bundle has no plan of the family \(settings.family.rawValue)") }
        planner = Planner(
            PlanSpace(plans, table: material.table, costs: costs, endFloor: endFloor), policy: settings.policy(for: material.table, deadline: deadline), in: conditions)
    }

    var plan: Plan { planner.plan }

    /// Among those of the table; `nil` where the plan sends nothing.
    var upload: Int? { plan.upload.flatMap { upload in material.table.sent.firstIndex { $0.upload == upload } } }

    /// What the plan sends of a frame, as a rule.
    var usualBytes: Int { upload.map { Int(material.table.sent[$0].meanBytes) } ?? 0 }

    /// The first choice.
    var first: PlanReport { report(instead: nil, causes: []) }

    /// - Parameter now: seconds of any clock that doesn't go back.
    /// - Returns: `nil` where nothing moved by so much that one would choose anew.
    mutating func choose(by findings: Findings, at now: Double) -> PlanReport? {
        let (before, old) = (plan, planner.conditions)
        let cause = remake(by: findings, at: now)
        if cause == nil { _ = planner.update(findings.conditions) }
        guard cause != nil || planner.conditions != old else { return nil }
        return report(
            instead: before, causes: PlanReport.causes(old, planner.conditions, step: settings.step, hindrance: findings.hindrance) + [cause].compactMap(\.self))
    }

    /// Makes the planner anew where preparing or packing takes so much longer, or shorter, that it matters beside the network, the workers' model is, or may no longer be, another one, or audits
    /// have moved the gate.
    ///
    /// - Returns: why; `nil` where it wasn't.
    private mutating func remake(by findings: Findings, at now: Double) -> String? {
        let found = measured.seen(
            preparing: findings.preparing, packing: findings.packing, slowdown: findings.conditions.board.slowdown, of: material.table)
        let moved = zip(found.packing + [found.preparing], times.packing + [times.preparing]).map { abs($0 - $1) }.max() ?? 0
        let isSameModel = findings.sendsTensors == sendsTensors
        let isSameGate = findings.endFloor == endFloor
        let isMoved = moved > max(measured.arrivals.last?.seconds ?? 0, 0.001) / 10
        let isDue = schedule.isDue(isMoved: isMoved, plans: planner.space.plans.count, at: now)
        guard !isSameModel || !isSameGate || isDue else { return nil }
        let costs = found.costs(of: material.table, server: material.serverSeconds)
        guard (try? costs.check(for: material.table)) != nil else { return nil }
        var plans = material.plans(settings, costs: costs, sendsTensors: findings.sendsTensors, endFloor: findings.endFloor)
        // A family that can't do without goes on trying.
        if plans.isEmpty { plans = planner.space.plans }
        times = found
        (sendsTensors, endFloor) = (findings.sendsTensors, findings.endFloor)
        schedule.remade(at: now)
        let inUse = plans.firstIndex(of: plan.raising(material.table.end, to: endFloor))
        planner = Planner(
            PlanSpace(plans, table: material.table, costs: costs, endFloor: endFloor), policy: planner.policy, in: findings.conditions, inUse: inUse)
        if !isSameGate { return "audits have moved the gate" }
        return isSameModel ? "costs were measured anew" : sendsTensors ? "the workers' model is tried again" : "the workers have another model"
    }

    private func report(instead before: Plan?, causes: [String]) -> PlanReport {
        let space = planner.space
        var figuresBefore: Figures?
        if let before, before != plan, let index = space.plans.firstIndex(of: before) {
            figuresBefore = Forecast(space, in: planner.conditions, deadline: deadline, inFlight: planner.policy.inFlight).figures(index)
        }
        return PlanReport(
            number: 0, plan: plan, before: before, figures: planner.choice.ranking[0].figures, figuresBefore: figuresBefore, causes: causes,
            violated: planner.choice.violated, demoted: planner.choice.demoted, conditions: planner.conditions, plans: space.plans.count, choosing: .zero)
    }
}
