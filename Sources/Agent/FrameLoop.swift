// SPDX-License-Identifier: Apache-2.0
internal import Frames
internal import Gating
internal import Images
internal import Inference
internal import Logging
internal import Networks

/// The frame path: newest frame, pixels, network, gate. Runs on one thread and waits for frames only.
///
/// `@unchecked Sendable`: made on one thread and handed to the inference thread, which alone calls ``run(_:)``, once.
final class FrameLoop: @unchecked Sendable {
    private let executor: Executor
    private var preprocessor: Preprocessor
    private let calibration: Calibration
    private let gate: Gate
    private let desk: DecisionDesk
    private let log: AgentLog
    private let onTaken: (@Sendable (UInt64) -> Void)?
    private let ask: @Sendable (FrameQuestion) -> Bool

    /// - Parameter ask: hands a frame to the request thread; false where it has no room. It doesn't wait.
    init(
        executor: Executor, preprocessor: Preprocessor, calibration: Calibration, gate: Gate, desk: DecisionDesk, log: AgentLog,
        onTaken: (@Sendable (UInt64) -> Void)?, ask: @escaping @Sendable (FrameQuestion) -> Bool
    ) {
        self.executor = executor
        self.preprocessor = preprocessor
        self.calibration = calibration
        self.gate = gate
        self.desk = desk
        self.log = log
        self.onTaken = onTaken
        self.ask = ask
    }

    /// Works until no frame will come any more. A frame that fails is counted, and the next one comes.
    func run(_ slot: NewestFrame, clock: AgentClock) {
        executor.bindThread()
        while case .frame(let frame) = slot.take() {
            let taken = clock.now()
            desk.handle(.taken(frame.index, name: frame.name))
            onTaken?(frame.index)
            var question = FrameQuestion(frame: frame.index, image: frame.image, taken: taken, reading: nil)
            let asks: Bool
            do {
                preprocessor.prepare(frame.image)
                try executor.run(pixels: preprocessor.pixels.span)
                let reading = executor.withOutput { Reading(of: $0, calibration: calibration, gate: gate) }
                question.reading = reading
                asks = desk.handle(.read(frame.index, reading))
                if case .escalate(.fault(let fault)) = reading.verdict {
                    log.write(.warning, kind: fault.rawValue, "frame \(frame.name): \(fault)")
                }
            } catch {
                asks = desk.handle(.failed(frame.index))
                log.write(.error, kind: "inference", "frame \(frame.name): \(error)")
            }
            if asks, !ask(question) { desk.handle(.unanswered(frame.index)) }
        }
    }
}

/// A frame on its way to the request thread.
struct FrameQuestion: Sendable {
    var frame: UInt64
    var image: Image
    var taken: Duration
    /// `nil` where the board's network failed.
    var reading: Reading?
}
