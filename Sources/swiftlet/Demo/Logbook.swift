// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Answers
internal import Demonstration
internal import Frames
internal import Images
internal import Synchronization

/// What the flight showed and what was decided on it, gathered from the threads of source and agent.
final class Logbook: Sendable {
    private struct Pages {
        /// Frames that the source has shown, by number: what the decision on them is judged by.
        var shown: [UInt64: Shown] = [:]
        var records: [UInt64: FrameRecord] = [:]
    }

    private struct Shown {
        var trueClass: Int
        var captured: ContinuousClock.Instant
        var pixels: [UInt8]
    }

    private let start: ContinuousClock.Instant
    private let phases: [Phase]
    private let pages = Mutex(Pages())

    init(start: ContinuousClock.Instant, phases: [Phase]) {
        self.start = start
        self.phases = phases
    }

    func show(_ frame: Frame) {
        pages.withLock {
            $0.shown[frame.index] = Shown(trueClass: frame.trueClass ?? -1, captured: frame.captured, pixels: frame.image.pixels)
        }
    }

    /// The agent took the frame up: from here on it owes a decision.
    func take(_ frame: UInt64) { pages.withLock { open(frame, in: &$0) } }

    func note(_ decision: Decision) {
        pages.withLock { pages in
            open(decision.frame, in: &pages)
            let answer = decision.answer.flatMap(Self.classification)
            if decision.isRevision {
                pages.records[decision.frame]?.revisedClass = answer?.classIndex
                return
            }
            let local = decision.localAnswer.flatMap(Self.classification)
            pages.records[decision.frame]?.localClass = local?.classIndex
            pages.records[decision.frame]?.localConfidence = local?.confidence
            pages.records[decision.frame]?.localTime = decision.localLatency
            pages.records[decision.frame]?.decision = FrameRecord.Decision(
                classIndex: answer?.classIndex ?? -1, confidence: answer?.confidence ?? 0, source: AnswerSource(decision.source),
                latency: decision.latency)
        }
    }

    /// Every frame that was taken up, in order.
    var records: [FrameRecord] { pages.withLock { $0.records.values.sorted { $0.frame < $1.frame } } }

    func pixels(of frame: UInt64) -> [UInt8]? { pages.withLock { $0.shown[frame]?.pixels } }

    private func open(_ frame: UInt64, in pages: inout Pages) {
        guard pages.records[frame] == nil, let shown = pages.shown[frame] else { return }
        let time = (shown.captured - start).seconds
        let phase = phases.firstIndex { time < $0.end } ?? phases.count - 1
        pages.records[frame] = FrameRecord(frame: frame, time: time, phase: phase, trueClass: shown.trueClass)
    }

    private static func classification(_ answer: Answer) -> Classification? {
        if case .classification(let classification) = answer { classification } else { nil }
    }
}

extension AnswerSource {
    init(_ source: Decision.Source) {
        self =
            switch source {
            case .local: .local
            case .cloud, .carried: .cloud
            case .localUnconfirmed: .unconfirmed
            }
    }
}

extension Duration {
    var seconds: Double { milliseconds / 1000 }
}

/// The rendered flight, with each frame entered in the logbook before it is handed on.
struct LoggedFlight: FrameSource {
    private var flight: FlightSource
    private let logbook: Logbook

    init(_ flight: FlightSource, logbook: Logbook) {
        self.flight = flight
        self.logbook = logbook
    }

    var isLive: Bool { flight.isLive }

    mutating func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent {
        let event = try flight.next(stop)
        if case .frame(let frame) = event { logbook.show(frame) }
        return event
    }
}
