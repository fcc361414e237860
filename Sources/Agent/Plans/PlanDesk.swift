// SPDX-License-Identifier: Apache-2.0
internal import Planning
internal import Settings
internal import Threads

/// The shell around ``FrameEstimates``, ``CloudEstimates``, ``ProbeSchedule`` and the planner: their locks, their clock and the thread that chooses. Calls come from any thread;
/// none waits for a choice, and the frame thread for no estimate of the cloud either: what it touches has a lock of its own.
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
        /// What is sent, as a rule.
        var bytes: Int
        var sendsTensors: Bool
        /// Where frames are counted.
        var slot: Int
        /// Whether the workers don't go on from what the plan sends.
        var isUnusable = false
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

    /// What the frame thread touches. Whoever holds its lock counts, and reads no more than 32 runs; and keeps no copy of what allocates when it's written.
    private struct Frames {
        var present: Present
        var estimates: FrameEstimates
        /// Of each slot; and of each exit, those that it answered.
        var flown = [UInt64](repeating: 0, count: PlanStatistics.mostPlans)
        var exits: [UInt64]
        var insured: UInt64 = 0
        var unbuffered: UInt64 = 0
        /// Until then nobody is asked to go on from a cut, since the workers have another model, or can't read what crosses.
        var withoutTensorsUntil: Duration?
    }

    private struct State {
        var estimates: CloudEstimates
        var probes: ProbeSchedule
        var mode = CloudStatus.Mode.autonomous
        var statistics: PlanStatistics
        /// How much slower packing is than it was when it was measured at the start.
        var packing = (frames: BoardEstimate(), tensors: BoardEstimate())
        /// Questions that hold tensors.
        var tensors: [UInt64] = []
        /// How many of these in a row the workers couldn't read.
        var unread = 0
        var isUrgent = true
        var nextLook = Duration.zero
        /// But for what is urgent.
        var restsUntil = Duration.zero
        var isStopped = false
    }

    /// How often it looks, with and without transfers under way.
    private static let period = (busy: Duration.milliseconds(50), idle: Duration.seconds(1))
    /// How many times as long as a look and a choice took it looks at nothing: a fiftieth of a processor is spent on it, unless that makes it slow to notice anything.
    private static let rest = 50
    private static let longestRest = Duration.milliseconds(500)
    /// So long after a refusal the workers' model is tried again.
    private static let otherModelTime = Duration.seconds(300)
    private static let mostTensors = 64
    private static let mostUnread = 3

    let material: PlanMaterial
    private let clock: AgentClock
    private let assumptions: PlanAssumptions
    private let frames: Monitor<Frames>
    private let state: Monitor<State>
    /// The probe that is due.
    private let probe: Monitor<ProbeSchedule.Size?> = Monitor(nil)
    private let thread: Monitor<WorkerThread?> = Monitor(nil)
    private let chooser: PlanChooser
    private let hindrance: @Sendable (Int) -> String?
    private let endFloor: @Sendable () -> Double
    private let report: @Sendable (PlanReport) -> Void

    /// - Parameters:
    ///   - times: of the board.
    ///   - hindrance: why a question of so many bytes would be refused at the moment. It doesn't wait.
    ///   - endFloor: what the end answers has at least this score, at the moment. It doesn't wait.
    ///   - report: called with each choice on the desk's thread; it must be quick.
    /// - Throws: where the network has no plan of the policy's family.
    init(
        _ material: PlanMaterial, _ settings: PolicySettings, deadline: Duration, times: BoardTimes, assuming assumptions: PlanAssumptions, clock: AgentClock,
        hindrance: @escaping @Sendable (Int) -> String?, endFloor: @escaping @Sendable () -> Double, report: @escaping @Sendable (PlanReport) -> Void
    ) throws(AgentError) {
        self.material = material
        self.clock = clock
        self.hindrance = hindrance
        self.endFloor = endFloor
        self.report = report
        self.assumptions = assumptions
        let estimates = (frames: FrameEstimates(period: assumptions.framePeriod), cloud: CloudEstimates(assumptions))
        let conditions = Self.conditions(assumptions, estimates.frames, at: clock.now().inSeconds)
        chooser = try PlanChooser(material, settings, deadline: deadline.inSeconds, times: times, endFloor: endFloor(), in: conditions)
        var statistics = PlanStatistics(plan: chooser.plan, exits: material.places.exits.count)
        statistics.plans = chooser.planner.space.plans.count
        frames = Monitor(Frames(present: Present(chooser, slot: 0), estimates: estimates.frames, exits: statistics.exits))
        var initial = State(estimates: estimates.cloud, probes: ProbeSchedule(perHour: settings.probesPerHour), statistics: statistics)
        initial.tensors.reserveCapacity(Self.mostTensors)
        state = Monitor(initial)
    }

    func start() throws(AgentError) {
        let thread = try WorkerThread.ofAgent("swiftlet-plans") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    // What the frame thread calls.

    /// A frame is taken up: the plan for it.
    ///
    /// - Parameter arrived: how many have come so far, with those that a newer one replaced.
    func take(arrived: UInt64) -> Present {
        let now = clock.now().inSeconds
        return frames.withLock { frames in
            frames.estimates.taken(at: now, arrived: arrived)
            var present = frames.present
            present.isUnusable = present.sendsTensors && frames.withoutTensorsUntil.map { clock.now() < $0 } ?? false
            return present
        }
    }

    /// Whether no processor is left for packing while the board computes.
    var packsFirst: Bool { chooser.measured.packsFirst }

    /// What it takes to give the network its pixels.
    var beginning: Double { chooser.measured.arrivals.first?.seconds ?? 0 }

    /// The board is done with a frame.
    func note(_ flight: Flight) {
        let now = clock.now().inSeconds
        frames.withLock { frames in
            frames.flown[flight.slot] += 1
            if flight.isInsured { frames.insured += 1 }
            if let exit = flight.exit { frames.exits[exit] += 1 }
            frames.estimates.prepared(flight.preparing)
            frames.estimates.ran(flight.seconds, expected: flight.expected, at: now)
        }
    }

    /// How large a question is to be asked for the link's sake; once each time that one is due.
    func takeProbe() -> ProbeSchedule.Size? {
        probe.withLock { probe in
            defer { probe = nil }
            return probe
        }
    }

    func countUnbuffered() { frames.withLock { $0.unbuffered += 1 } }

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
            state.statistics.add(bytes, isProbe: question.isProbe)
            if !question.isProbe { state.statistics.packing.add(packing) }
            if let expected = question.upload?.packing {
                if hasTensors {
                    state.packing.tensors.observe(packing.inSeconds, expected: expected, at: now)
                } else {
                    state.packing.frames.observe(packing.inSeconds, expected: expected, at: now)
                }
            }
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
            state.statistics.takeBack(bytes, isProbe: isProbe)
            noteModel(reason, &state)
        }
    }

    func countWithdrawn() { state.withLock { $0.statistics.withdrawn += 1 } }
    func countUnpacked() { state.withLock { $0.statistics.unpacked += 1 } }

    // What the network thread calls.

    func answered(_ frame: UInt64, model: String?, _ transfer: CloudTransfer?) -> Verdict {
        let now = clock.now().inSeconds
        return state.change { state in
            state.nextLook = .zero
            let isProbe = state.estimates.answered(frame, transfer, at: now)
            state.statistics.serverTime += transfer?.inference ?? .zero
            let tensors = state.tensors.firstIndex(of: frame)
            if let tensors { state.tensors.remove(at: tensors) }
            if isProbe { return .probe }
            if tensors != nil { state.unread = 0 }
            guard tensors != nil, let model, model != material.fullModel else { return .counts }
            state.statistics.foreign += 1
            avoidTensors()
            return .foreign
        }
    }

    /// A question has ended without an answer.
    ///
    /// - Parameter waited: at the worker that has refused it.
    /// - Returns: whether it was a probe.
    func unanswered(_ frame: UInt64, reason: String, waited: Duration? = nil) -> Bool {
        let now = clock.now().inSeconds
        return state.change { state in
            state.nextLook = .zero
            noteModel(reason, &state)
            if reason == Self.unreadable, state.tensors.contains(frame) {
                state.unread += 1
                if state.unread >= Self.mostUnread {
                    avoidTensors()
                    state.isUrgent = true
                }
            }
            // A late answer may still come; that it's one to tensors stays known.
            if Self.otherModel.contains(reason) || reason == Self.unreadable { state.tensors.removeAll { $0 == frame } }
            let isExcused = reason.hasPrefix(CloudEvent.byWorker) || reason == CloudEvent.disconnected
            return state.estimates.ended(frame, isExcused: isExcused, waited: waited?.inSeconds, at: now)
        }
    }

    /// What the link and a worker say of a cut that isn't one of their model's.
    private static let otherModel: Set<String> = ["other model", CloudEvent.byWorker + "no_model"]

    private static let unreadable = CloudEvent.byWorker + "bad_request"

    private func noteModel(_ reason: String, _ state: inout State) {
        guard Self.otherModel.contains(reason) else { return }
        avoidTensors()
        state.isUrgent = true
    }

    private func avoidTensors() {
        let end = clock.now() + Self.otherModelTime
        frames.withLock { $0.withoutTensorsUntil = end }
    }

    func setStatus(_ status: CloudStatus) {
        let now = clock.now().inSeconds
        state.change { state in
            if status.mode == .connected, state.mode != .connected {
                frames.withLock { $0.withoutTensorsUntil = nil }
                state.unread = 0
            }
            state.mode = status.mode
            state.estimates.setNetwork(status.network)
            state.estimates.setConnected(status.mode == .connected, at: now)
            state.isUrgent = true
        }
    }

    // The thread that chooses.

    private func run() {
        var chooser = chooser
        var (standstill, bytes) = (Standstill(), 0)
        publish(chooser, chooser.first)
        while let state = nextLook() {
            let begun = clock.now()
            defer { rest(after: clock.now() - begun) }
            var findings = findings(state)
            // Of the last plan that sends.
            if chooser.usualBytes > 0 { bytes = chooser.usualBytes }
            if findings.conditions.link == nil { standstill.end() } else { standstill.look(hindrance(bytes), at: begun.inSeconds) }
            findings.endFloor = endFloor()
            if let reason = standstill.reason { (findings.conditions.link, findings.hindrance) = (nil, reason) }
            guard var report = chooser.choose(by: findings, at: begun.inSeconds) else { continue }
            report.choosing = clock.now() - begun
            publish(chooser, report)
        }
    }

    /// Reckoned of copies: nobody waits for it.
    private func findings(_ state: State) -> PlanChooser.Findings {
        let now = clock.now()
        func factor(_ estimate: BoardEstimate) -> Double { estimate.board(power: 0, at: now.inSeconds).slowdown }
        return PlanChooser.Findings(
            conditions: conditions(with: state.estimates, at: now.inSeconds), sendsTensors: frames.withLock { $0.withoutTensorsUntil.map { $0 <= now } ?? true },
            preparing: frames.withLock { $0.estimates.preparing }, packing: (factor(state.packing.frames), factor(state.packing.tensors)))
    }

    private func conditions(with cloud: CloudEstimates, at now: Double) -> Conditions {
        var conditions = frames.withLock { Self.conditions(assumptions, $0.estimates, at: now) }
        (conditions.link, conditions.server) = (cloud.link(at: now), cloud.server(at: now))
        return conditions
    }

    private static func conditions(_ assumptions: PlanAssumptions, _ frames: borrowing FrameEstimates, at now: Double) -> Conditions {
        Conditions(
            board: frames.board.board(power: assumptions.power, at: now), link: nil, framePeriod: max(frames.period, 0.001), framesWait: assumptions.framesWait)
    }

    /// Waits until it's time for a look.
    private func nextLook() -> State? {
        state.wait { state in
            guard !state.isStopped else { return .done(nil) }
            let now = clock.now()
            let next = max(state.nextLook, state.restsUntil)
            guard state.isUrgent || next <= now else { return .wait(next - now) }
            state.isUrgent = false
            state.nextLook = now + (state.estimates.hasOpen ? Self.period.busy : Self.period.idle)
            let seconds = now.inSeconds
            if !state.estimates.hasOpen,
                let size = state.probes.due(
                    age: state.estimates.ages(at: seconds).link, isKnown: state.estimates.knowsLink, isDoubtful: state.estimates.isDoubtful(at: seconds),
                    mode: state.mode, at: seconds)
            {
                state.probes.began(at: seconds)
                probe.withLock { $0 = size }
            }
            return .done(state)
        }
    }

    /// The processor is for frames.
    private func rest(after time: Duration) {
        let end = clock.now() + min(time * Self.rest, Self.longestRest)
        state.withLock { $0.restsUntil = end }
    }

    private func publish(_ chooser: PlanChooser, _ report: PlanReport) {
        var report = report
        report.number = state.withLock { state in
            state.statistics.plan = report.plan
            state.statistics.plans = report.plans
            if report.before != nil, report.isChange { state.statistics.changes += 1 }
            return state.statistics.slot(of: report.plan)
        }
        let present = Present(chooser, slot: report.number)
        frames.withLock { $0.present = present }
        self.report(report)
    }

    /// Looks at the clock again: for clocks that are moved by hand.
    func wake() { state.wakeAll() }

    func stop() {
        state.change { $0.isStopped = true }
        thread.withLock { $0 }?.join(timeout: .seconds(1))
    }

    var statistics: PlanStatistics {
        let now = clock.now().inSeconds
        let state = state.withLock { $0 }
        var statistics = state.statistics
        frames.withLock { frames in
            for slot in statistics.flown.indices { statistics.flown[slot].frames = frames.flown[slot] }
            for exit in statistics.exits.indices { statistics.exits[exit] = frames.exits[exit] }
            (statistics.insured, statistics.unbuffered) = (frames.insured, frames.unbuffered)
            statistics.ages.board = frames.estimates.board.age(at: now)
        }
        (statistics.ages.link, statistics.ages.server) = state.estimates.ages(at: now)
        statistics.conditions = conditions(with: state.estimates, at: now)
        return statistics
    }
}

extension PlanDesk.Present {
    fileprivate init(_ chooser: PlanChooser, slot: Int) {
        let (plan, times) = (chooser.plan, chooser.measured)
        let course = Course(plan, in: chooser.material.places)
        let upload = chooser.upload
        self.init(
            course: course, seconds: course.steps.map(times.seconds), unsentSeconds: course.unsent.map(times.seconds),
            server: upload.map { chooser.material.serverSeconds[$0] } ?? 0, packing: upload.map { times.packing[$0] } ?? 0,
            bytes: chooser.usualBytes, sendsTensors: (chooser.plan.upload?.cut ?? 0) > 0, slot: slot)
    }
}
