// SPDX-License-Identifier: Apache-2.0
internal import Answers
package import Frames
internal import Gating
internal import Images
internal import Inference
package import Logging
package import Networks
package import Settings
internal import Tensors
internal import Threads

/// The loop: a frame in, exactly one decision out.
///
/// Threads, and what each may wait for:
/// - the source's own puts frames into the slot for the newest: waits for the source;
/// - `swiftlet-frames` takes the newest frame, runs the network and the gate: waits for frames only;
/// - `swiftlet-asks` compresses images and hands them to the link: for the budget's storage half a second at most, never for the network;
/// - `swiftlet-budget` and `swiftlet-audit` write what was spent, and what audits have found, to the state folder, where there is one;
/// - `swiftlet-timer` decides at the deadline, and cancels questions;
/// - `swiftlet-plans`, where there are plans, chooses among them as conditions change;
/// - `swiftlet-tele`, where there is a link, sends the statistics now and then;
/// - `swiftlet-notes` calls the callback and the link's `publish`, `swiftlet-lines` writes standard output, `swiftlet-log` the log:
///   each from a bounded queue, so that whoever is slow there loses elements and holds up nobody.
package final class Agent: Sendable {
    package struct Outputs: Sendable {
        /// Decisions are written here as JSON lines.
        package var lines: CInt?
        /// Called with the number of each frame that is taken up, on the frame thread: it must not wait.
        package var onTaken: (@Sendable (UInt64) -> Void)?
        /// Called with each decision, in order, on a thread of the agent's.
        package var onDecision: (@Sendable (DecisionRecord) -> Void)?

        package init(
            lines: CInt? = nil, onTaken: (@Sendable (UInt64) -> Void)? = nil, onDecision: (@Sendable (DecisionRecord) -> Void)? = nil
        ) {
            self.lines = lines
            self.onTaken = onTaken
            self.onDecision = onDecision
        }
    }

    private struct Running {
        var feed: FrameFeed?
        var threads: [WorkerThread] = []
        var telemetry: TelemetryClock?
        var hasStarted = false
        var hasStopped = false
        var isOver = false
        var cloud = CloudStatus(.autonomous, reason: "not started")
    }

    private let source: any FrameSource
    private let slot = NewestFrame()
    private let link: (any CloudLink)?
    private let clock: AgentClock
    private let log: AgentLog
    private let desk: DecisionDesk
    private let audits: AuditDesk?
    /// `nil` where no certified gate is in use, or the cloud is never asked.
    private let fullModel: Monitor<FullModelCheck>?
    /// `nil` where no certified gate is in use, or nothing is sent.
    private let isUploadProved: Bool?
    private let labels: [String]
    /// Of the board's network.
    private let classes: Int
    private let plans: PlanDesk?
    private let run: @Sendable (NewestFrame) -> Void
    /// `nil` where nobody listens.
    private let notes: Outlet<DecisionRecord>?
    private let lines: LineWriter?
    /// `nil` where the cloud is never asked.
    private let questions: Outlet<FrameQuestion>?
    private let budget: BudgetKeeper?
    private let running: Monitor<Running>
    private let started: Duration
    /// From one snapshot of the statistics to the next; `nil`: none is sent.
    private let telemetryPeriod: Duration?

    /// What plans are made of beside the bundle and the policy.
    package struct Assumptions: Sendable {
        /// `nil`: as the settings have it.
        package var estimates: PlanAssumptions?
        /// `nil`: measured when the agent is made.
        package var times: BoardTimes?

        package init(estimates: PlanAssumptions? = nil, times: BoardTimes? = nil) {
            (self.estimates, self.times) = (estimates, times)
        }
    }

    /// Loads the network and prepares everything; connects to nothing.
    ///
    /// - Parameters:
    ///   - bundle: the board's network; its golden inputs are run and compared.
    ///   - source: where frames come from, whatever the settings say about it.
    ///   - link: `nil`: every answer is local.
    /// - Throws: where network and settings don't go together, or the network doesn't give what its bundle says.
    package init(
        settings: AgentSettings, bundle: Bundle, source: any FrameSource, link: (any CloudLink)?, clock: AgentClock = .system, logger: Logger,
        outputs: Outputs, assuming: Assumptions = Assumptions()
    ) throws(AgentError) {
        let network = try AgentNetwork(bundle, settings: settings)
        self.source = source
        self.link = link
        self.clock = clock
        started = clock.now()
        running = Monitor(Running())
        let log = try AgentLog(logger, clock: clock)
        self.log = log
        if let warning = network.executor.definitionWarning { log.write(.warning, "\(bundle.details.name): \(warning)") }
        let labels = bundle.details.labels
        let lines: LineWriter? = if let descriptor = outputs.lines { try LineWriter(descriptor: descriptor, labels: labels, log: log) } else { nil }
        self.lines = lines
        let publisher = settings.output.publishes ? link : nil
        telemetryPeriod = link == nil || settings.output.telemetry == .zero ? nil : settings.output.telemetry
        let notes: Outlet<DecisionRecord>? =
            if outputs.onDecision == nil && publisher == nil {
                nil
            } else {
                try Outlet("swiftlet-notes", capacity: 1024) { record in
                    outputs.onDecision?(record)
                    publisher?.publish(record.json(labels: labels), isRevision: record.decision.isRevision)
                }
            }
        self.notes = notes
        let asksCloud = settings.recovery.isEnabled && link != nil
        let followsPlan = network.material != nil
        let mostQuestions = settings.mostQuestions(followsPlan: followsPlan)
        let decisions = FrameDecisions.Settings(
            deadline: settings.deadline, expiry: settings.recovery.expiry, asksCloud: asksCloud, maximumInFlight: mostQuestions, stream: settings.stream,
            followsPlan: followsPlan)
        let desk = DecisionDesk(
            decisions, classes: network.classes, preRoute: PreRoute(settings), clock: clock,
            deliver: { record in
                notes?.offer(record)
                lines?.offer(record)
            }, cancel: { link?.cancel(frame: $0) })
        self.desk = desk
        self.labels = labels
        classes = network.classes
        let audits = try Self.audits(of: network, settings, link: asksCloud ? link : nil, clock: clock, log: log)
        self.audits = audits
        fullModel = asksCloud ? network.certifiedGate.map { Monitor(FullModelCheck(certified: $0.fullModel)) } : nil
        let proof = asksCloud ? network.uploadProof : nil
        isUploadProved = proof?.holds
        if let proof, !proof.holds { log.write(.warning, proof.warning) }
        let limits = asksCloud ? Budget.Limits(settings.recovery.budget, audits: audits != nil && settings.audit.share > 0) : nil
        let budget: BudgetKeeper? = if let limits { try BudgetKeeper(limits, folder: settings.state, clock: clock, log: log) } else { nil }
        self.budget = budget
        let hindrance: @Sendable (Int) -> String? = { budget?.hindrance(bytes: $0) ?? link?.hindrance(bytes: $0) }
        let plans = try Self.plans(
            of: network, settings, bundle, assuming, framesWait: !source.isLive, decision: decisions.decision, audits: audits, link: link,
            hindrance: hindrance, clock: clock, log: log)
        self.plans = plans
        // And one audit, or probe.
        let capacity = mostQuestions + 1
        let buffers = network.material.map { CrossingBuffers(count: capacity, bytes: $0.mostCrossingBytes) }
        let packingTurn = plans?.packsFirst == true ? PackingTurn() : nil
        let asking = Questions(
            link: link, desk: desk, audits: audits, budget: budget, plans: plans, buffers: buffers, packingTurn: packingTurn,
            decision: decisions.decision, expiry: decisions.expiry, clock: clock)
        let questions = try !asksCloud ? nil : Outlet<FrameQuestion>("swiftlet-asks", capacity: capacity) { asking.ask($0) }
        self.questions = questions
        if let plans, let buffers {
            let frames = PlannedFrames(
                network, audits: audits, desk: desk, plans: plans, buffers: buffers, waitsForRoom: !source.isLive, packingTurn: packingTurn,
                decision: decisions.decision, clock: clock, log: log, onTaken: outputs.onTaken,
                hindrance: hindrance
            ) { questions?.offer($0) ?? false }
            run = { frames.run($0) }
        } else {
            let frames = FrameLoop(
                executor: network.executor, preprocessor: network.preprocessor, calibration: network.calibration, gate: network.gate,
                hysteresis: settings.stream?.hysteresis ?? 0, secondLook: network.secondLook,
                audits: audits, desk: desk, log: log, onTaken: outputs.onTaken
            ) { questions?.offer($0) ?? false }
            run = { frames.run($0, clock: clock) }
        }
    }

    /// What chooses among plans; `nil` where there are none.
    private static func plans(
        of network: AgentNetwork, _ settings: AgentSettings, _ bundle: Bundle, _ assuming: Assumptions, framesWait: Bool, decision: Duration, audits: AuditDesk?,
        link: (any CloudLink)?, hindrance: @escaping @Sendable (Int) -> String?, clock: AgentClock, log: AgentLog
    ) throws(AgentError) -> PlanDesk? {
        guard let plan = settings.plan else { return nil }
        guard let material = network.material else {
            log.write(.warning, "plan: the bundle holds no plans: the board runs the whole network, and the cloud is asked where its gate isn't sure")
            return nil
        }
        var times: BoardTimes
        if let known = assuming.times {
            times = known
        } else {
            let input = network.preprocessor.preprocessing
            let grey = [UInt8](repeating: 128, count: input.width * input.height * input.channels)
            do {
                if case .pixels(let image)? = bundle.golden?.inputs {
                    times = try image.withElements(of: UInt8.self) { pixels throws(InferenceError) in try BoardTimes(measuring: network.executor, material, pixels: pixels) }
                } else {
                    times = try BoardTimes(measuring: network.executor, material, pixels: grey.span)
                }
            } catch {
                throw AgentError(.data, "measure \(bundle.details.name)", "\(error)")
            }
            times.packsFirst = network.executor.takesAllProcessors
        }
        if network.endFloor(network.endGate) == nil {
            log.write(.warning, "plan: the gate at the end asks for what the bundle's table of plans doesn't hold: more is sent, or left unsure, than plans are expected to")
        }
        // By rung.
        let gates: [Gate?] = if let audits { audits.gates } else { [network.endGate] }
        let floors = gates.map { network.endFloor($0) ?? 0 }
        var estimates = assuming.estimates ?? PlanAssumptions(plan)
        estimates.framesWait = framesWait
        return try PlanDesk(
            material, plan.policy, deadline: decision, times: times, assuming: estimates, clock: clock, hindrance: hindrance,
            endFloor: { floors[audits?.rung ?? 0] }
        ) { report in
            // A choice of the same plan in other conditions comes with every few frames.
            log.write(report.isChange ? .info : .debug, "plan: \(report.json)")
            guard report.isChange else { return }
            log.write(.notice, report.description)
            link?.publish(plan: report.json(time: clock.wall(), uptime: clock.now()))
        }
    }

    /// What watches over a certified gate; `nil` where there is none and, with a line in the log, where its certificate says too little for that.
    ///
    /// - Parameter link: `nil`: nothing can be audited, but the gate stays where earlier audits have put it.
    private static func audits(
        of network: AgentNetwork, _ settings: AgentSettings, link: (any CloudLink)?, clock: AgentClock, log: AgentLog
    ) throws(AgentError) -> AuditDesk? {
        guard let gate = network.certifiedGate, let certificate = network.certificate, link != nil || settings.state != nil else { return nil }
        let ladder = AuditLadder.Settings(settings.audit, asks: link != nil)
        let desk = try AuditDesk(gate, settings: ladder, folder: settings.state, certificate: certificate, clock: clock, log: log) { move in
            log.write(move.isRelaxing ? .notice : .warning, "audit: \(move)")
            link?.publish(audit: move.json(time: clock.wall(), uptime: clock.now()))
        }
        if let desk {
            if link != nil { log.write(.notice, "audit: \(desk.promise)") }
        } else {
            log.write(.warning, "audit: the certificate is proved on too few samples to be audited")
        }
        return desk
    }

    /// Begins. Call it once.
    package func start() throws(AgentError) {
        let isFirst = running.withLock { running in
            defer { running.hasStarted = true }
            return !running.hasStarted
        }
        precondition(isFirst, "an agent starts once")
        let desk = desk
        let run = run
        let slot = slot
        let log = log
        let timer = try WorkerThread.ofAgent("swiftlet-timer") { desk.runTimer() }
        running.withLock { $0.threads.append(timer) }
        try plans?.start()
        try link?.start { [self] event in take(event) }
        if let telemetryPeriod {
            let telemetry = try TelemetryClock(every: telemetryPeriod, clock: clock) { [self] in publishTelemetry(statistics) }
            running.withLock { $0.telemetry = telemetry }
        }
        let feed: FrameFeed
        do {
            feed = try FrameFeed(source, into: slot) { log.write(.warning, kind: "damaged frame", $0) }
        } catch {
            throw AgentError(.unavailable, "start the source", "\(error)")
        }
        let frames = try WorkerThread.ofAgent("swiftlet-frames") { run(slot) }
        running.withLock { running in
            running.feed = feed
            running.threads.append(frames)
        }
        running.wakeAll()
    }

    private func take(_ event: CloudEvent) {
        switch event {
        case .answered(let frame, let answer, let model, let transfer):
            let counts = isCovered(model)
            let misfit = answer.misfit(classes: classes)
            if let misfit {
                desk.countUnfit()
                log.write(.warning, kind: "unfit answer", "cloud: an answer is dropped: \(misfit)")
            }
            switch plans?.answered(frame, model: model, transfer) ?? .counts {
            case .probe: return
            case .foreign: desk.handle(.unanswered(frame))
            case .counts where misfit != nil:
                if audits?.unanswered(frame) != true { desk.handle(.unanswered(frame)) }
            case .counts:
                if audits?.answered(frame, answer, counts: counts) != true { desk.handle(.answered(frame, answer)) }
            }
        case .unanswered(let frame, let reason, let waited):
            let isProbe = plans?.unanswered(frame, reason: reason, waited: waited) ?? false
            // The agent's own wish, and counted as such.
            if reason != "cancelled" { desk.count(refusal: reason) }
            if isProbe { return }
            if audits?.unanswered(frame) != true { desk.handle(.unanswered(frame)) }
        case .status(let status):
            running.withLock { $0.cloud = status }
            desk.setConnected(status.mode == .connected)
            if questions != nil { plans?.setStatus(status) }
            log.write(.notice, kind: "cloud " + status.mode.rawValue, "cloud: \(status.mode.rawValue): \(status.reason)")
        }
    }

    /// Whether the certificate may be about a model that has answered. Another one is told of once.
    private func isCovered(_ model: String?) -> Bool {
        guard let fullModel else { return true }
        let (standing, isNew) = fullModel.withLock { $0.answered(by: model) }
        if isNew, let model, let certified = fullModel.withLock({ $0.certified }) {
            log.write(.warning, FullModelCheck.warning(of: model, instead: certified))
            link?.publish(health: FullModelCheck.event(of: model, instead: certified, time: clock.wall(), uptime: clock.now()))
        }
        return standing != .other
    }

    /// Waits until the source has ended, every frame is decided and no answer is waited for; or until ``stop()``.
    package func waitUntilFinished() {
        let frames: WorkerThread? = running.wait { running in
            if running.hasStopped { return .done(nil) }
            return running.threads.count == 2 ? .done(running.threads[1]) : .wait(nil)
        }
        frames?.join()
        desk.waitUntilIdle()
    }

    /// What ended the source, where it did not end by itself.
    package var sourceFailure: AgentError? {
        guard let failure = running.withLock({ $0.feed })?.counts.failure else { return nil }
        let code: AgentError.Code = [.badHeader, .unsupported, .tooLarge].contains(failure.code) ? .data : .unavailable
        return AgentError(code, failure.operation, failure.cause)
    }

    /// Ends: decides what is undecided, says goodbye to the broker, writes what is left, and the statistics to the log. Takes a few seconds at most, even where standard
    /// output isn't read. Further calls wait for the first.
    package func stop() {
        let isFirst = running.withLock { running in
            defer { running.hasStopped = true }
            return !running.hasStopped
        }
        running.wakeAll()
        guard isFirst else { return running.wait { $0.isOver ? .done(()) : .wait(nil) } }
        let (feed, threads, telemetry) = running.withLock { ($0.feed, $0.threads, $0.telemetry) }
        feed?.stop()
        telemetry?.close(timeout: .seconds(1))
        if threads.count == 2 { threads[1].join(timeout: .seconds(5)) }
        questions?.close(timeout: .seconds(1))
        budget?.close(timeout: .seconds(2))
        audits?.close(timeout: .seconds(2))
        plans?.stop()
        desk.stop()
        threads.first?.join(timeout: .seconds(1))
        notes?.close(timeout: .seconds(1))
        lines?.close(timeout: .seconds(1))
        // As the cloud was before the goodbye.
        let last = statistics
        if telemetry != nil { publishTelemetry(last) }
        link?.stop()
        log.write(.notice, "stopped; \(last.json())")
        log.close()
        running.withLock { $0.isOver = true }
        running.wakeAll()
    }

    /// Looks at the clock again: for clocks that are moved by hand.
    package func clockMoved() {
        desk.wake()
        budget?.wake()
        audits?.wake()
        plans?.wake()
        running.withLock { $0.telemetry }?.wake()
    }

    private func publishTelemetry(_ statistics: AgentStatistics) {
        link?.publish(telemetry: statistics.telemetry(time: clock.wall(), uptime: clock.now()))
    }

    /// How long the present frame has been in the network; `nil` between frames. A frame thread that hangs shows here.
    package var computingTime: Duration? { desk.computingTime }

    package var statistics: AgentStatistics {
        var statistics = desk.statistics
        let slot = slot.counts
        let feed = running.withLock { $0.feed }?.counts
        statistics.skippedFrames = feed?.skipped ?? 0
        statistics.damagedFrames = feed?.damaged ?? 0
        statistics.replacedFrames = slot.dropped
        statistics.droppedLines = lines?.dropped ?? 0
        statistics.droppedNotices = notes?.dropped ?? 0
        // What the link keeps back never comes to the desk, so that nothing counts twice.
        let strays = link?.strays ?? CloudStrays()
        statistics.decisions.duplicateAnswers += strays.duplicates
        statistics.decisions.unknownAnswers += strays.unknowns
        statistics.damagedMessages = strays.damaged
        statistics.budget = budget?.left ?? [:]
        statistics.cloud = running.withLock { $0.cloud }
        statistics.audit = audits?.statistics
        statistics.plans = plans?.statistics
        statistics.fullModel = fullModel?.withLock { $0 }
        statistics.isUploadProved = isUploadProved
        statistics.labels = labels
        statistics.uptime = clock.now() - started
        return statistics
    }
}

extension AgentSettings {
    /// Questions that may be open at the same time, under plans or without.
    func mostQuestions(followsPlan: Bool) -> Int { followsPlan ? plan?.policy.maximumInFlight ?? recovery.maximumInFlight : recovery.maximumInFlight }
}

extension PreRoute {
    fileprivate init(_ settings: AgentSettings) {
        var own = Settings(
            deadline: settings.deadline, expiry: settings.recovery.expiry, speculates: settings.recovery.speculativeUpload == .auto,
            bytesPerSavedSecond: Double(settings.recovery.bytesPerSavedSecond))
        own.leastContrast = settings.recovery.leastContrast
        own.leastSharpness = settings.recovery.leastSharpness
        self.init(own)
    }
}
