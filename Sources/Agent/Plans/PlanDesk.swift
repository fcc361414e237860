// SPDX-License-Identifier: Apache-2.0
internal import Planning
internal import Settings
internal import Synchronization
internal import Threads

/// The shell around ``PlanEstimates``, ``ProbeSchedule`` and the planner: their lock, their clock and the thread that chooses. Calls come from any thread; none waits for a
/// choice.
final class PlanDesk: Sendable {
    /// The plan of the moment, as the frame thread takes it for one frame.
    struct Present: Sendable {
        var course: Course
        /// Of each step of the course, in seconds, and of those where the frame can't be sent.
        var seconds: [Double]
        var unsentSeconds: [Double]
        /// What the server takes for its part.
        var server: Double
        /// What packing took when the board was measured.
        var packing: Double
        /// Where frames are counted.
        var slot: Int
    }

    /// What the frame thread did with a frame.
    struct Flight {
        var slot: Int
        /// From taking up the frame to having its pixels.
        var preparing = 0.0
        /// What the board ran, and what that takes by the costs.
        var seconds = 0.0
        var expected = 0.0
        var isInsured = false
        /// The exit that answered.
        var exit: Int?
    }

    enum Verdict { case counts, probe, foreign }

    private struct State {
        var estimates: PlanEstimates
        var probes: ProbeSchedule
        var mode = CloudStatus.Mode.autonomous
        var present: Present
        var statistics: PlanStatistics
        var preparing = RunningMean()
        /// What packing took, as a factor on what was measured at the start: of frames, of tensors.
        var packing = [RunningMean](repeating: RunningMean(1), count: 2)
        /// Questions that hold tensors.
        var tensors: [UInt64] = []
        /// Until then nobody is asked to go on from a cut, since the workers have another model.
        var withoutTensorsUntil: Duration?
        var isUrgent = true
        var nextLook = Duration.zero
        var isStopped = false
    }

    /// What the thread that chooses goes by. Where what it was made of turns out otherwise, it's made anew.
    private struct Chooser {
        var times: BoardTimes
        var sendsTensors = true
        var costs: CostTable
        var planner: Planner
    }

    /// How often it looks, with and without transfers under way.
    private static let period = (busy: Duration.milliseconds(50), idle: Duration.seconds(1))
    /// So long after a refusal the workers' model is tried again.
    private static let otherModelTime = Duration.seconds(300)
    private static let mostTensors = 64

    let material: PlanMaterial
    private let settings: PolicySettings
    private let deadline: Double
    private let clock: AgentClock
    private let state: Monitor<State>
    private let probe = Atomic<Bool>(false)
    private let thread: Monitor<WorkerThread?> = Monitor(nil)
    private let first: Chooser
    private let log: AgentLog
    private let report: @Sendable (PlanReport) -> Void

    /// - Parameters:
    ///   - times: of the board.
    ///   - report: called with each choice on the desk's thread; it must be quick.
    /// - Throws: where the network has no plan of the policy's family.
    init(
        _ material: PlanMaterial, _ settings: PolicySettings, deadline: Duration, times: BoardTimes, assuming: PlanEstimates.Settings, clock: AgentClock, log: AgentLog,
        report: @escaping @Sendable (PlanReport) -> Void
    ) throws(AgentError) {
        self.material = material
        self.settings = settings
        self.deadline = deadline.inSeconds
        self.clock = clock
        self.log = log
        self.report = report
        let estimates = PlanEstimates(assuming)
        let costs = times.costs(of: material.table, server: material.serverSeconds)
        do {
            try costs.check(for: material.table)
        } catch {
            throw AgentError(.data, "make plans", "\(error)")
        }
        let plans = material.plans(settings, costs: costs)
        guard !plans.isEmpty else { throw AgentError(.configuration, "make plans", "the bundle has no plan of the family \(settings.family.rawValue)") }
        let policy = settings.policy(for: material.table, deadline: deadline.inSeconds)
        let space = PlanSpace(plans, table: material.table, costs: costs)
        let planner = Planner(space, policy: policy, in: estimates.conditions(at: clock.now().inSeconds))
        first = Chooser(times: times, costs: costs, planner: planner)
        var statistics = PlanStatistics(plan: planner.plan, exits: material.places.exits.count)
        statistics.plans = plans.count
        var initial = State(
            estimates: estimates, probes: ProbeSchedule(perHour: settings.probesPerHour), present: Self.present(first, measured: times, material, slot: 0), statistics: statistics)
        initial.tensors.reserveCapacity(Self.mostTensors)
        state = Monitor(initial)
    }

    private static func present(_ chooser: Chooser, measured: BoardTimes, _ material: PlanMaterial, slot: Int) -> Present {
        let plan = chooser.planner.plan
        let course = Course(plan, in: material.places)
        let upload = plan.upload.flatMap { upload in material.table.sent.firstIndex { $0.upload == upload } }
        return Present(
            course: course, seconds: course.steps.map(chooser.times.seconds), unsentSeconds: course.unsent.map(chooser.times.seconds),
            server: upload.map { chooser.costs.sent[$0].server } ?? 0, packing: upload.map { measured.packing[$0] } ?? 0, slot: slot)
    }

    func start() throws(AgentError) {
        let thread = try WorkerThread.ofAgent("swiftlet-plans") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    // What the frame thread calls.

    /// A frame is taken up: the plan for it.
    func take() -> Present {
        let now = clock.now().inSeconds
        return state.withLock { state in
            state.estimates.taken(at: now)
            return state.present
        }
    }

    /// What it takes to give the network its pixels.
    var beginning: Double { first.times.arrivals.first?.seconds ?? 0 }

    /// The board is done with a frame.
    func note(_ flight: Flight) {
        let now = clock.now().inSeconds
        state.withLock { state in
            state.statistics.flown[flight.slot].frames += 1
            if flight.isInsured { state.statistics.insured += 1 }
            if let exit = flight.exit { state.statistics.exits[exit] += 1 }
            state.preparing.add(flight.preparing)
            state.estimates.ran(flight.seconds, expected: flight.expected, at: now)
        }
    }

    /// Whether a question is to be asked for the link's sake; once each time that one is due. Waits for nothing.
    func takesProbe() -> Bool { probe.load(ordering: .relaxed) && probe.exchange(false, ordering: .relaxed) }

    func countUnbuffered() { state.withLock { $0.statistics.unbuffered += 1 } }

    // What the thread that packs calls.

    /// A question is packed, and about to be handed to the link.
    ///
    /// - Parameter packing: how long packing took.
    func sent(_ question: FrameQuestion, bytes: Int, packing: Duration) {
        let now = clock.now().inSeconds
        let server = question.upload?.server ?? material.probeSeconds
        let hasTensors = question.upload?.crossing != nil
        state.withLock { state in
            state.estimates.sent(question.frame, bytes: bytes, server: server, isProbe: question.isProbe, at: now)
            state.statistics.bytes += UInt64(bytes)
            if question.isProbe {
                state.statistics.probes += 1
            } else {
                state.statistics.sent += 1
                state.statistics.packing.add(packing)
            }
            if let expected = question.upload?.packing, expected > 0, packing > .zero { state.packing[hasTensors ? 1 : 0].add(packing.inSeconds / expected) }
            if hasTensors {
                if state.tensors.count == Self.mostTensors { state.tensors.removeFirst() }
                state.tensors.append(question.frame)
            }
            state.nextLook = min(state.nextLook, clock.now() + Self.period.busy)
        }
        state.wakeAll()
    }

    /// The link wouldn't take it.
    func refused(_ frame: UInt64, bytes: Int, isProbe: Bool, reason: String) {
        state.withLock { state in
            state.estimates.refused(frame)
            state.tensors.removeAll { $0 == frame }
            if isProbe { state.statistics.probes -= 1 } else { state.statistics.sent -= 1 }
            state.statistics.bytes -= UInt64(bytes)
            noteModel(reason, &state)
        }
    }

    func countWithdrawn() { state.withLock { $0.statistics.withdrawn += 1 } }
    func countUnpacked() { state.withLock { $0.statistics.unpacked += 1 } }

    // What the network thread calls.

    func answered(_ frame: UInt64, model: String?, _ transfer: CloudTransfer?) -> Verdict {
        let now = clock.now().inSeconds
        return state.change { state in
            state.isUrgent = true
            let isProbe = state.estimates.answered(frame, transfer, at: now)
            state.statistics.serverTime += transfer?.inference ?? .zero
            let tensors = state.tensors.firstIndex(of: frame)
            if let tensors { state.tensors.remove(at: tensors) }
            if isProbe { return .probe }
            guard tensors != nil, let model, model != material.fullModel else { return .counts }
            state.statistics.foreign += 1
            state.withoutTensorsUntil = clock.now() + Self.otherModelTime
            return .foreign
        }
    }

    /// A question has ended without an answer.
    ///
    /// - Returns: whether it was a probe.
    func unanswered(_ frame: UInt64, reason: String) -> Bool {
        let now = clock.now().inSeconds
        return state.change { state in
            state.isUrgent = true
            // A late answer may still come; that it's one to tensors stays known.
            if Self.otherModel.contains(reason) { state.tensors.removeAll { $0 == frame } }
            noteModel(reason, &state)
            return state.estimates.ended(frame, at: now)
        }
    }

    /// What the link and a worker say of a cut that isn't one of their model's.
    private static let otherModel: Set<String> = ["other model", "worker: no_model"]

    private func noteModel(_ reason: String, _ state: inout State) {
        guard Self.otherModel.contains(reason) else { return }
        state.withoutTensorsUntil = clock.now() + Self.otherModelTime
        state.isUrgent = true
    }

    func setMode(_ mode: CloudStatus.Mode) {
        state.change { state in
            if mode == .connected, state.mode != .connected { state.withoutTensorsUntil = nil }
            state.mode = mode
            state.estimates.setConnected(mode == .connected)
            state.isUrgent = true
        }
    }

    // The thread that chooses.

    private struct Task {
        var conditions: Conditions
        var sendsTensors: Bool
        var preparing: Double
        var packing: [Double]
    }

    private func run() {
        var chooser = first
        publish(chooser, instead: nil, causes: [], choosing: .zero)
        while let task = nextTask() {
            let (before, old) = (chooser.planner.plan, chooser.planner.conditions)
            let begun = clock.now()
            let causes: [String]
            if let changed = remade(chooser, task) {
                let isSameModel = changed.sendsTensors == chooser.sendsTensors
                causes = [isSameModel ? "costs were measured anew" : changed.sendsTensors ? "the workers' model is tried again" : "the workers have another model"]
                chooser = changed
            } else {
                _ = chooser.planner.update(task.conditions)
                // Conditions that are much the same choose nothing.
                guard chooser.planner.conditions != old else { continue }
                causes = PlanReport.causes(old, task.conditions, step: settings.step)
            }
            publish(chooser, instead: before, causes: causes, choosing: clock.now() - begun)
        }
    }

    private func nextTask() -> Task? {
        state.wait { state in
            guard !state.isStopped else { return .done(nil) }
            let now = clock.now()
            guard state.isUrgent || state.nextLook <= now else { return .wait(state.nextLook - now) }
            state.isUrgent = false
            state.nextLook = now + (state.estimates.hasOpen ? Self.period.busy : Self.period.idle)
            let seconds = now.inSeconds
            if !state.estimates.hasOpen, state.probes.isDue(age: state.estimates.ages(at: seconds).link, mode: state.mode, at: seconds) {
                state.probes.began(at: seconds)
                probe.store(true, ordering: .relaxed)
            }
            return .done(
                Task(
                    conditions: state.estimates.conditions(at: seconds), sendsTensors: state.withoutTensorsUntil.map { $0 <= now } ?? true,
                    preparing: state.preparing.value, packing: state.packing.map(\.value)))
        }
    }

    /// The chooser for what turned out otherwise: preparing or packing that takes so much longer, or shorter, that it matters beside the network; workers of another model.
    ///
    /// - Returns: `nil` where nothing did, or no plan would be left.
    private func remade(_ chooser: Chooser, _ task: Task) -> Chooser? {
        let whole = max(first.times.arrivals.last?.seconds ?? 0, 0.001)
        var times = first.times
        times.preparing = task.preparing
        for (index, sent) in material.table.sent.enumerated() { times.packing[index] *= task.packing[sent.upload.cut > 0 ? 1 : 0] }
        let moved = zip(times.packing + [times.preparing], chooser.times.packing + [chooser.times.preparing]).map { abs($0 - $1) }.max() ?? 0
        guard moved > whole / 10 || task.sendsTensors != chooser.sendsTensors else { return nil }
        let costs = times.costs(of: material.table, server: material.serverSeconds)
        var plans = material.plans(settings, costs: costs, sendsTensors: task.sendsTensors)
        // A family that does nothing else goes on trying.
        if plans.isEmpty { plans = chooser.planner.space.plans }
        guard (try? costs.check(for: material.table)) != nil, !plans.isEmpty else { return nil }
        return Chooser(
            times: times, sendsTensors: task.sendsTensors, costs: costs,
            planner: Planner(PlanSpace(plans, table: material.table, costs: costs), policy: chooser.planner.policy, in: task.conditions))
    }

    private func publish(_ chooser: Chooser, instead before: Plan?, causes: [String], choosing: Duration) {
        let planner = chooser.planner
        let (plan, space) = (planner.plan, planner.space)
        let number = state.withLock { state in
            let slot = state.statistics.slot(of: plan)
            state.statistics.plan = plan
            state.statistics.plans = space.plans.count
            if let before, before != plan { state.statistics.changes += 1 }
            state.present = Self.present(chooser, measured: first.times, material, slot: slot)
            return slot
        }
        var figuresBefore: Figures?
        if let before, before != plan, let index = space.plans.firstIndex(of: before) {
            figuresBefore = Forecast(space, in: planner.conditions, deadline: deadline).figures(index)
        }
        report(
            PlanReport(
                number: number, plan: plan, before: before, figures: planner.choice.ranking[0].figures, figuresBefore: figuresBefore, causes: causes,
                violated: planner.choice.violated, conditions: planner.conditions, plans: space.plans.count, choosing: choosing))
    }

    /// Looks at the clock again: for clocks that are moved by hand.
    func wake() { state.wakeAll() }

    func stop() {
        state.change { $0.isStopped = true }
        thread.withLock { $0 }?.join(timeout: .seconds(1))
    }

    var statistics: PlanStatistics {
        let now = clock.now().inSeconds
        return state.withLock { state in
            var statistics = state.statistics
            statistics.conditions = state.estimates.conditions(at: now)
            statistics.ages = state.estimates.ages(at: now)
            return statistics
        }
    }
}
