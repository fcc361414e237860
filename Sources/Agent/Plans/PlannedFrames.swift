// SPDX-License-Identifier: Apache-2.0
internal import Frames
internal import Gating
internal import Images
internal import Inference
internal import Logging
internal import Planning
internal import Tensors

/// The frame path under plans: newest frame, pixels, then step by step what the plan of the moment says. Runs on one thread and waits for frames only; from a source whose frames
/// wait for it, also for a place among the open questions.
///
/// A plan changes between frames, never within one. What a frame needs beyond the network's memory is one of a fixed number of buffers. Between any two segments the
/// thread looks whether the cloud was first.
///
/// **What is proved.** Exits are asked at thresholds that the calibration table gives for the policy's levels: a description of its samples, no certificate. The end's gate is
/// at least as strict as the bundle's certified one at its rung of the moment, where there is one, and plans are made of what that accepts. So the share of frames that the *end* answers and that do harm keeps to
/// the certificate's bound, since what comes to the end and is accepted is a part of what the certified gate would accept; what exits answer comes on top, with no
/// more proof than the table. Audits are drawn from frames that the end answers and that weren't sent; all others count as not accepted, so that the ladder goes by the same
/// share of all frames. What the cloud makes of packed activations is no evidence for a certificate, which is about images. There is no second look under a plan: of a gate that is
/// certified for two, the end accepts nothing that would have needed the second.
///
/// `@unchecked Sendable`: made on one thread and handed to the inference thread, which alone calls ``run(_:)``, once.
final class PlannedFrames: @unchecked Sendable {
    private let network: AgentNetwork
    private let executor: Executor
    private var preprocessor: Preprocessor
    private let audits: AuditDesk?
    private let desk: DecisionDesk
    private let plans: PlanDesk
    private let buffers: CrossingBuffers
    /// Whether no frame is taken up while as many questions as may be are open: where frames wait, and none would be lost.
    private let waitsForRoom: Bool
    /// `nil` where a processor is left for the thread that packs.
    private let packingTurn: PackingTurn?
    /// From taking up a frame to its decision.
    private let decision: Duration
    /// Frames handed over to be packed.
    private var handedOver: UInt64 = 0
    private let clock: AgentClock
    private let log: AgentLog
    private let onTaken: (@Sendable (UInt64) -> Void)?
    private let hindrance: @Sendable (Int) -> String?
    private let ask: @Sendable (FrameQuestion) -> Bool

    /// - Parameters:
    ///   - hindrance: why a question of so many bytes would be refused at the moment. It doesn't wait.
    ///   - ask: hands a frame to the request thread; false where it has no room. It doesn't wait.
    init(
        _ network: AgentNetwork, audits: AuditDesk?, desk: DecisionDesk, plans: PlanDesk, buffers: CrossingBuffers, waitsForRoom: Bool, packingTurn: PackingTurn?,
        decision: Duration, clock: AgentClock, log: AgentLog, onTaken: (@Sendable (UInt64) -> Void)?, hindrance: @escaping @Sendable (Int) -> String?,
        ask: @escaping @Sendable (FrameQuestion) -> Bool
    ) {
        self.network = network
        executor = network.executor
        preprocessor = network.preprocessor
        self.audits = audits
        self.desk = desk
        self.plans = plans
        self.buffers = buffers
        self.waitsForRoom = waitsForRoom
        self.packingTurn = packingTurn
        self.decision = decision
        self.clock = clock
        self.log = log
        self.onTaken = onTaken
        self.hindrance = hindrance
        self.ask = ask
    }

    /// Works until no frame will come any more. A frame that fails is counted, and the next one comes.
    func run(_ slot: NewestFrame) {
        executor.bindThread()
        var flown: UInt64 = 0
        while true {
            if waitsForRoom { desk.waitForRoom() }
            guard case .frame(let frame) = slot.take() else { return }
            let taken = clock.now()
            flown += 1
            // None of a source that waits is replaced, and the next one may be here already.
            let present = plans.take(arrived: waitsForRoom ? flown : slot.counts.arrived)
            desk.handle(.taken(frame.index, name: frame.name, plan: present.slot))
            onTaken?(frame.index)
            var flight = PlanDesk.Flight(slot: present.slot)
            var passage = Passage(frame: frame, taken: taken)
            do {
                try fly(present, &passage, &flight)
            } catch {
                desk.handle(.failed(frame.index))
                log.write(.error, kind: "inference", "frame \(frame.name): \(error)")
            }
            flight.isInsured = passage.isSent && present.course.isInsured
            plans.note(flight)
            if !passage.isAudited { countForAudits(frame.index) }
            // The answer to an audit tells of the link as well, and bears the same number.
            if !passage.isSent, !passage.isAsked, let size = plans.takeProbe() { sendProbe(size, passage) }
        }
    }

    /// A frame on its way through its plan.
    private struct Passage {
        var frame: Frame
        var taken: Duration
        /// Whether it was handed over at the cut.
        var isSent = false
        /// Whether the end's word on it is told to the audits.
        var isAudited = false
        /// Whether the full model is asked about it as an audit.
        var isAsked = false
    }

    private func fly(_ present: PlanDesk.Present, _ passage: inout Passage, _ flight: inout PlanDesk.Flight) throws {
        let frame = passage.frame.index
        preprocessor.prepare(passage.frame.image)
        let input = preprocessor.preprocessing
        desk.look(frame, PixelStatistics(preprocessor.pixels.span, width: input.width, height: input.height, channels: input.channels))
        let begun = clock.now()
        flight.preparing = (begun - passage.taken).inSeconds
        var handing = Duration.zero
        defer { flight.seconds = (clock.now() - begun - handing).inSeconds }
        var (steps, seconds) = (present.course.steps, present.seconds)
        var (next, hasBegun) = (0, false)
        while next < steps.count {
            if passage.isSent, desk.isAnswered(frame) { break }
            if case .send = steps[next] {
                let start = clock.now()
                passage.isSent = send(present, passage)
                handing += clock.now() - start
                next += 1
                if !passage.isSent { (steps, seconds, next) = (present.course.unsent, present.unsentSeconds, 0) }
                continue
            }
            if !hasBegun {
                try executor.begin(pixels: preprocessor.pixels.span)
                flight.expected += plans.beginning
                hasBegun = true
            }
            switch steps[next] {
            case .run(let range): try executor.run(segment: range)
            case .look(let exit, let threshold):
                try executor.run(head: exit)
                if passage.isSent, next + 1 == steps.count, exit != executor.end, !desk.isAsked(frame), !desk.isAnswered(frame) {
                    // Nobody will answer: what the board does alone begins with what it does when insured.
                    (steps, seconds, next) = (present.course.unsent, present.unsentSeconds, present.course.unsentIndex(of: next))
                }
                let isLast = next + 1 == steps.count
                let isSure = look(at: exit, threshold, isLast: isLast, &passage)
                if isSure { flight.exit = exit }
                if isSure || isLast {
                    flight.expected += seconds[next]
                    return
                }
            case .send: break
            }
            flight.expected += seconds[next]
            next += 1
        }
        desk.handle(.rested(frame))
    }

    /// Asks an exit's gate.
    ///
    /// - Parameter isLast: whether the board does no more after it.
    /// - Returns: whether it is sure, so that the frame is decided.
    private func look(at exit: Int, _ threshold: Double, isLast: Bool, _ passage: inout Passage) -> Bool {
        let frame = passage.frame.index
        let isEnd = exit == executor.end
        let rung = audits?.rung ?? 0
        // Where the plan takes the end's answer however unsure it is, the usual gate says whether it is.
        let gate = isEnd ? audits?.gate(at: rung) ?? network.endGate ?? (threshold > 0 ? nil : network.gate) : nil
        let reading = executor.withOutput(exit) { network.exitReaders[exit].reading(of: $0, threshold: threshold, gate: gate) }
        if case .escalate(.fault(let fault)) = reading.verdict { log.write(.warning, kind: fault.rawValue, "frame \(passage.frame.name): \(fault)") }
        guard reading.verdict.accepts || isLast else {
            desk.handle(.glimpsed(frame, reading, exit: exit))
            return false
        }
        desk.handle(.read(frame, reading, exit: exit))
        if isEnd, !passage.isSent, let audits {
            passage.isAudited = true
            var question = FrameQuestion(frame: frame, image: passage.frame.image, taken: passage.taken, reading: reading, isEarly: false)
            question.auditedScore = audits.read(frame, reading, rung: rung, asked: .not)
            if question.auditedScore != nil {
                passage.isAsked = ask(question)
                if !passage.isAsked { audits.unanswered(frame) }
            }
        }
        return reading.verdict.accepts
    }

    /// Hands over what the cloud is to go on from.
    ///
    /// - Returns: whether the frame is on its way; else the board goes on with it.
    private func send(_ present: PlanDesk.Present, _ passage: Passage) -> Bool {
        let frame = passage.frame.index
        guard let upload = present.course.plan.upload else { return false }
        // Once the board rests it's too late to learn that nothing can be sent.
        if let reason = present.isUnusable ? "other model" : hindrance(present.bytes) {
            desk.count(refusal: reason)
            return false
        }
        guard desk.reached(frame) else { return false }
        var question = FrameQuestion(frame: frame, image: passage.frame.image, taken: passage.taken, reading: nil, isEarly: true)
        question.upload = PlannedUpload(what: upload, server: present.server, packing: present.packing)
        if upload.cut > 0 {
            guard let buffer = buffers.take() else { return decline(frame) }
            do {
                try executor.copyCrossing(at: upload.cut, into: &buffer.bytes)
            } catch {
                buffers.giveBack(buffer)
                log.write(.error, kind: "inference", "frame \(passage.frame.name): \(error)")
                return decline(frame)
            }
            question.upload?.crossing = buffer
        }
        if ask(question) {
            handedOver += 1
            if present.course.isInsured { waitForPacking(present, passage) }
            return true
        }
        if let buffer = question.upload?.crossing { buffers.giveBack(buffer) }
        return decline(frame)
    }

    /// Packing may take longer than it did alone; an insurance that begins too late is none.
    private func waitForPacking(_ present: PlanDesk.Present, _ passage: Passage) {
        guard let packingTurn else { return }
        let insurance = zip(present.course.steps, present.seconds).drop { if case .send = $0.0 { false } else { true } }.reduce(0) { $0 + $1.1 }
        let latest = passage.taken + decision - clock.now() - .seconds(insurance)
        packingTurn.wait(for: handedOver, limit: min(.seconds(4 * present.packing) + .milliseconds(5), latest))
    }

    private func decline(_ frame: UInt64) -> Bool {
        plans.countUnbuffered()
        desk.handle(.unanswered(frame))
        return false
    }

    private func sendProbe(_ size: ProbeSchedule.Size, _ passage: Passage) {
        var question = FrameQuestion(frame: passage.frame.index, image: passage.frame.image, taken: passage.taken, reading: nil, isEarly: true)
        question.probe = size
        _ = ask(question)
    }

    /// What the end hasn't answered counts as not accepted.
    private func countForAudits(_ frame: UInt64) {
        guard let audits else { return }
        _ = audits.read(frame, Reading(confidence: nil, verdict: .escalate(.ruledOut)), rung: audits.rung, asked: .not)
    }
}

/// How an exit's output becomes an answer, and what its gate says.
struct ExitReader: Sendable {
    /// Of the plans' scores.
    var calibration: Calibration
    var measure: Measure
    /// Of the bundle's gate, at the end; `nil` where it's the same one.
    var own: Calibration?
    /// Frames with a smaller margin would be looked at a second time by the gate as it's certified.
    var secondLook: Double?

    /// Allocates nothing.
    ///
    /// - Parameter gate: what must accept as well.
    func reading(of output: Span<Float>, threshold: Double, gate: Gate?) -> Reading {
        do throws(Fault) {
            let score = try calibration.confidence(of: output)
            let confidence = if let own { try own.confidence(of: output) } else { score }
            // Scores of a table, and the thresholds that come of them, are float32.
            let value = Double(Float(score[measure]))
            guard value >= threshold else {
                return Reading(confidence: confidence, verdict: .escalate(.unsure(measure, value: value, threshold: threshold)))
            }
            guard let gate else { return Reading(confidence: confidence, verdict: .accept) }
            if let secondLook, confidence.margin < secondLook { return Reading(confidence: confidence, verdict: .escalate(.noSecondLook)) }
            return Reading(confidence: confidence, verdict: gate.verdict(on: confidence))
        } catch {
            return Reading(confidence: nil, verdict: .escalate(.fault(error)))
        }
    }
}
