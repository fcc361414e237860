// SPDX-License-Identifier: Apache-2.0
internal import Frames
internal import Gating
internal import Images
internal import Inference
internal import Logging
internal import Networks
internal import Planning
internal import Tensors

/// The frame path: newest frame, pixels, route, network, gate. Runs on one thread and waits for frames only.
///
/// `@unchecked Sendable`: made on one thread and handed to the inference thread, which alone calls ``run(_:)``, once.
final class FrameLoop: @unchecked Sendable {
    private let executor: Executor
    private var preprocessor: Preprocessor
    private let calibration: Calibration
    private let gate: Gate
    /// Where a certified gate is in use, whose rung of the moment goes before `gate`.
    private let audits: AuditDesk?
    /// How much stricter the gate is that ends an unsure stretch of a stream.
    private let hysteresis: Double
    /// `nil`: every frame is looked at once.
    private var secondLook: SecondLook?
    private let desk: DecisionDesk
    private let log: AgentLog
    private let onTaken: (@Sendable (UInt64) -> Void)?
    private let ask: @Sendable (FrameQuestion) -> Bool

    /// - Parameter ask: hands a frame to the request thread; false where it has no room. It doesn't wait.
    init(
        executor: Executor, preprocessor: Preprocessor, calibration: Calibration, gate: Gate, hysteresis: Double, secondLook: SecondLook?,
        audits: AuditDesk?, desk: DecisionDesk, log: AgentLog,
        onTaken: (@Sendable (UInt64) -> Void)?, ask: @escaping @Sendable (FrameQuestion) -> Bool
    ) {
        self.executor = executor
        self.preprocessor = preprocessor
        self.calibration = calibration
        self.gate = gate
        self.audits = audits
        self.hysteresis = hysteresis
        self.secondLook = secondLook
        self.desk = desk
        self.log = log
        self.onTaken = onTaken
        self.ask = ask
    }

    private func decline(_ question: FrameQuestion) {
        if question.auditedScore == nil { desk.handle(.unanswered(question.frame)) } else { audits?.unanswered(question.frame) }
    }

    /// Works until no frame will come any more. A frame that fails is counted, and the next one comes.
    func run(_ slot: NewestFrame, clock: AgentClock) {
        executor.bindThread()
        while case .frame(let frame) = slot.take() {
            let taken = clock.now()
            desk.handle(.taken(frame.index, name: frame.name))
            onTaken?(frame.index)
            var question = FrameQuestion(frame: frame.index, image: frame.image, taken: taken, reading: nil, isEarly: true)
            let asks: Bool
            do {
                preprocessor.prepare(frame.image)
                let input = preprocessor.preprocessing
                let glance = PixelStatistics(preprocessor.pixels.span, width: input.width, height: input.height, channels: input.channels)
                let isSent = desk.route(frame.index, glance)
                if isSent, !ask(question) { desk.handle(.unanswered(frame.index)) }
                question.isEarly = false
                try executor.runBackbone(pixels: preprocessor.pixels.span)
                let rung = audits?.rung ?? 0
                let gate = audits?.gate(at: rung) ?? self.gate
                let first = executor.withOutput(executor.end) { Reading(of: $0, calibration: calibration, gate: gate, hysteresis: hysteresis) }
                let reading = try lookAgain(after: first, gate: gate, taken: taken, clock: clock)
                question.reading = reading
                asks = desk.handle(.read(frame.index, reading))
                let isAwaited = asks || (isSent && desk.isAwaited(frame.index))
                question.auditedScore = audits?.read(frame.index, reading, rung: rung, asked: isAwaited ? .toDecide : isSent ? .inAdvance : .not)
                if case .escalate(.fault(let fault)) = reading.verdict {
                    log.write(.warning, kind: fault.rawValue, "frame \(frame.name): \(fault)")
                }
            } catch {
                question.isEarly = false
                asks = desk.handle(.failed(frame.index))
                log.write(.error, kind: "inference", "frame \(frame.name): \(error)")
            }
            if asks || question.auditedScore != nil, !ask(question) { decline(question) }
        }
    }

    /// What both looks at a frame say, where a second one is due; else what the first said, which isn't trusted where a certificate asks for both.
    private func lookAgain(after first: Reading, gate: Gate, taken: Duration, clock: AgentClock) throws -> Reading {
        guard secondLook != nil else { return first }
        let begun = clock.now()
        secondLook?.note(begun - taken)
        switch secondLook?.next(after: first, spent: begun - taken) {
        case .look?: break
        case .tooLate?: return Reading(confidence: first.confidence, verdict: .escalate(.noSecondLook))
        case .nothing?, nil: return first
        }
        desk.countSecondLook()
        executor.withOutput(executor.end) { secondLook?.mean.look(at: $0) }
        preprocessor.mirror()
        let pixels = preprocessor.pixels
        try executor.runBackbone(pixels: pixels.span)
        let fault = executor.withOutput(executor.end) { output -> Fault? in
            do throws(Fault) {
                try secondLook?.mean.lookAgain(at: output)
                return nil
            } catch {
                return error
            }
        }
        guard let secondLook, fault == nil else { return Reading(confidence: nil, verdict: .escalate(.fault(fault ?? .empty))) }
        let mean = secondLook.mean.logits
        return Reading(of: mean.span, calibration: secondLook.calibration, gate: gate, hysteresis: hysteresis)
    }
}

/// A frame on its way to the request thread.
struct FrameQuestion: Sendable {
    var frame: UInt64
    var image: Image
    var taken: Duration
    /// `nil` where the board's network failed, or hasn't run yet.
    var reading: Reading?
    /// The gate's score of a frame that is decided already and only compared; `nil` for all others.
    var auditedScore: Double?
    /// Whether the board's network hasn't run yet.
    var isEarly: Bool
    /// Under a plan: what is sent.
    var upload: PlannedUpload?
    /// How large it is where it is asked for the link's sake alone.
    var probe: ProbeSchedule.Size?
    var isProbe: Bool { probe != nil }
}

/// What a plan sends of a frame.
struct PlannedUpload: Sendable {
    var what: Upload
    /// Seconds that the server takes for its part, and that packing takes, as far as is known.
    var server: Double
    var packing: Double
    /// What crosses the cut; `nil` at cut 0, where the frame itself is sent.
    var crossing: CrossingBuffers.Buffer?
}
