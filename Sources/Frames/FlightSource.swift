// SPDX-License-Identifier: Apache-2.0
internal import Images

/// The rendered flight as a camera would deliver it, or as fast as it is taken.
package struct FlightSource: FrameSource {
    package enum Pace: Hashable, Sendable {
        /// Frame n is complete n frame times after the first was asked for; frames whose time has passed by more than one frame time are skipped.
        case realTime
        /// Every frame, when it is taken.
        case asTaken
    }

    private var flight: Flight
    private let framesPerSecond: Double
    private let seed: UInt64
    private let pace: Pace
    private let limit: Int?
    private var schedule: FrameSchedule?
    private var index = 0

    /// - Parameters:
    ///   - speed: seconds of flight that pass in a second; above 1 the flight is in fast motion.
    ///   - limit: number of frames after which the source ends; without it there is no end.
    package init(seed: UInt64, framesPerSecond: Double, speed: Double = 1, pace: Pace = .realTime, limit: Int? = nil) {
        flight = Flight(seed: seed, framesPerSecond: framesPerSecond / speed)
        self.framesPerSecond = framesPerSecond
        self.seed = seed
        self.pace = pace
        self.limit = limit
    }

    package var isLive: Bool { pace == .realTime }

    package mutating func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent {
        if let limit, index >= limit { return .ended }
        var captured = ContinuousClock.now
        if pace == .realTime {
            let schedule = schedule ?? FrameSchedule(start: captured, framesPerSecond: framesPerSecond)
            self.schedule = schedule
            let late = min(schedule.framesBehind(index, at: captured), (limit ?? .max) - index)
            if late > 0 {
                for _ in 0..<late { _ = flight.next(rendering: false) }
                index += late
                return .skipped(late)
            }
        }
        let rendered = flight.next()
        if let due = schedule?.due(index) {
            let wait = due - ContinuousClock.now
            if wait > .zero, stop.wait(timeout: wait) == .stopped { return .ended }
            captured = max(captured, due)
        }
        defer { index += 1 }
        let image = Image(width: Flight.width, height: Flight.height, channels: 3, pixels: rendered.pixels)
        return .frame(
            Frame(
                index: UInt64(index), captured: captured, image: image, trueClass: rendered.obstacle.rawValue, name: "flight-\(seed)-\(index)"))
    }
}
