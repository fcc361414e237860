// SPDX-License-Identifier: Apache-2.0
internal import Frames
internal import Images

/// Frames rendered beforehand, over and over at a steady rate: rendering takes no time from what is measured.
struct SteadyFlight: FrameSource {
    private let images: [Image]
    private let framesPerSecond: Double
    private let handedOver: @Sendable (UInt64, ContinuousClock.Instant) -> Void
    private var schedule: FrameSchedule?
    private var index = 0

    var isLive: Bool { true }

    /// - Parameter handedOver: called on the source's thread with each frame's number and the moment it is handed over.
    init(_ images: [Image], framesPerSecond: Double, handedOver: @escaping @Sendable (UInt64, ContinuousClock.Instant) -> Void) {
        self.images = images
        self.framesPerSecond = framesPerSecond
        self.handedOver = handedOver
    }

    mutating func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent {
        let schedule = schedule ?? FrameSchedule(start: ContinuousClock.now, framesPerSecond: framesPerSecond)
        self.schedule = schedule
        let late = schedule.framesBehind(index, at: ContinuousClock.now)
        if late > 0 {
            index += late
            return .skipped(late)
        }
        let wait = schedule.due(index) - ContinuousClock.now
        if wait > .zero, stop.wait(timeout: wait) == .stopped { return .ended }
        let now = ContinuousClock.now
        handedOver(UInt64(index), now)
        defer { index += 1 }
        return .frame(Frame(index: UInt64(index), captured: now, image: images[index % images.count], name: "\(index)"))
    }

    static func render(seed: UInt64, frames: Int) -> [Image] {
        var flight = Flight(seed: seed, framesPerSecond: 2)
        return (0..<frames).map { _ in
            Image(width: Flight.width, height: Flight.height, channels: 3, pixels: flight.next().pixels)
        }
    }
}
