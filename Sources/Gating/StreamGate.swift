// SPDX-License-Identifier: Apache-2.0
package import Answers

/// The gate of a stream, whose frames are not independent: one hard object must not ask the cloud in every frame.
///
/// Pure: it is told what happened and when, and says what to do. Times count from any fixed moment and never go back.
///
/// - A frame that the gate doesn't accept begins a *stretch* of unsure frames. The stretch ends with a frame that a stricter gate accepts as well
///   (``Reading/isClear``): until then nothing is trusted. So it accepts no frame that the gate doesn't.
/// - Questions about frames of one local class are at least `frames` frames and `interval` apart, within a stretch and beyond it; within a stretch the interval
///   doubles with each question on the class, up to `longestInterval`. At most ``classes`` classes are asked about in any `interval`. Frames without a
///   class, from damaged outputs, count as one class more.
/// - What the cloud answered to a frame of the stretch is *carried* to the frames after it, while the local class stays what it was for that frame and all
///   since, and for `carry` from the moment that frame was taken up. Nothing is carried to a frame without a class.
package struct StreamGate: Sendable {
    package struct Settings: Hashable, Sendable {
        /// How much stricter the gate is that ends a stretch, 0 … 1, as for ``Gate/verdict(on:stricterBy:)``.
        package var hysteresis = 0.2
        package var frames = 10
        package var interval = Duration.seconds(1)
        package var longestInterval = Duration.seconds(8)
        /// 0: nothing is carried.
        package var carry = Duration.seconds(2)

        package init() {}
    }

    /// The cloud's answer to an earlier frame.
    package struct Carried: Hashable, Sendable {
        package var answer: Answer
        /// The frame that it was given to.
        package var frame: UInt64
        /// It is of no use any more from here on.
        package var end: Duration

        package init(answer: Answer, frame: UInt64, end: Duration) {
            self.answer = answer
            self.frame = frame
            self.end = end
        }
    }

    package enum Step: Hashable, Sendable {
        case accept
        /// Ask the cloud; until it answers, what is carried is the best answer.
        case ask(Carried?)
        /// Don't ask; what is carried is the best answer, or none but the untrusted local one.
        case rest(Carried?)
    }

    private struct Question {
        /// `nil` for frames without a class.
        var classIndex: Int?
        var time: Duration
        /// The number of frames seen by then.
        var count: UInt64
        var stretch: UInt64
        /// Until the next one of the stretch.
        var interval: Duration
    }

    private struct Pending {
        var frame: UInt64
        var taken: Duration
        var run: UInt64
    }

    /// That many classes are asked about within one interval at most.
    package static let classes = 8
    private static let mostPending = 64

    package let settings: Settings
    /// Whether the last frame belongs to a stretch of unsure ones.
    package private(set) var isUnsure = false
    private var count: UInt64 = 0
    private var stretch: UInt64 = 0
    /// Frames of one stretch and one class without another between them.
    private var run: UInt64 = 0
    private var classIndex: Int?
    private var carried: Carried?
    private var questions: [Question] = []
    private var pending: [Pending] = []

    package init(_ settings: Settings) {
        self.settings = settings
        questions.reserveCapacity(Self.classes)
        pending.reserveCapacity(Self.mostPending)
    }

    /// Takes in what the board's network says about the next frame of the stream. Allocates nothing.
    ///
    /// - Parameters:
    ///   - reading: `nil` where the network failed.
    ///   - taken: when the frame was taken up.
    ///   - canAsk: whether a question could be sent at all.
    package mutating func read(_ reading: Reading?, frame: UInt64, taken: Duration, now: Duration, canAsk: Bool) -> Step {
        count += 1
        if let reading, reading.verdict.accepts, reading.isClear || !isUnsure {
            isUnsure = false
            carried = nil
            run += 1
            return .accept
        }
        let found = reading?.confidence?.classIndex
        if !isUnsure { stretch += 1 }
        if !isUnsure || found != classIndex {
            run += 1
            carried = nil
        }
        isUnsure = true
        classIndex = found
        let best = carried.flatMap { $0.end > now ? $0 : nil }
        guard canAsk, reserveQuestion(now) else { return .rest(best) }
        if pending.count == Self.mostPending { pending.removeFirst() }
        pending.append(Pending(frame: frame, taken: taken, run: run))
        return .ask(best)
    }

    /// Notes a question on the present class; false where it comes too soon.
    private mutating func reserveQuestion(_ now: Duration) -> Bool {
        let asked = questions.firstIndex { $0.classIndex == classIndex }
        if let asked {
            let last = questions[asked]
            let isSameStretch = last.stretch == stretch
            guard isPast(last, isSameStretch ? last.interval : settings.interval, now) else { return false }
            questions[asked] = Question(
                classIndex: classIndex, time: now, count: count, stretch: stretch,
                interval: isSameStretch ? min(last.interval * 2, max(settings.longestInterval, settings.interval)) : settings.interval)
            return true
        }
        let question = Question(classIndex: classIndex, time: now, count: count, stretch: stretch, interval: settings.interval)
        if questions.count < Self.classes {
            questions.append(question)
        } else {
            guard let old = questions.indices.min(by: { questions[$0].time < questions[$1].time }), isPast(questions[old], settings.interval, now) else {
                return false
            }
            questions[old] = question
        }
        return true
    }

    private func isPast(_ question: Question, _ interval: Duration, _ now: Duration) -> Bool {
        now - question.time >= interval && count - question.count >= UInt64(settings.frames)
    }

    /// The cloud has answered a frame that was asked about, in time or not.
    package mutating func answered(_ frame: UInt64, _ answer: Answer) {
        guard let index = pending.firstIndex(where: { $0.frame == frame }) else { return }
        let question = pending.remove(at: index)
        guard isUnsure, question.run == run, classIndex != nil else { return }
        let end = question.taken + settings.carry
        if let carried, carried.end > end { return }
        carried = Carried(answer: answer, frame: frame, end: end)
    }

    /// A question was refused on the way, or the cloud couldn't answer; it counts as asked.
    package mutating func unanswered(_ frame: UInt64) {
        pending.removeAll { $0.frame == frame }
    }
}
