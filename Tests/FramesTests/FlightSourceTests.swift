// SPDX-License-Identifier: Apache-2.0
import Frames
import Images
import Testing

struct FlightSourceTests {
    @Test func framesAreTheFlightsWithTheirTrueClass() throws {
        var source = FlightSource(seed: 5, framesPerSecond: 10, pace: .asTaken, limit: 4)
        var flight = Flight(seed: 5, framesPerSecond: 10)
        let frames = try source.everything(StopSignal()).compactMap(\.frame)
        #expect(frames.count == 4)
        for frame in frames {
            let expected = flight.next()
            #expect(frame.image.pixels == expected.pixels && frame.image.width == Flight.width)
            #expect(frame.trueClass == expected.obstacle.rawValue && frame.index == UInt64(expected.index))
        }
    }

    @Test func framesOfASteadySourceAreDueAtTheirRate() {
        let start = ContinuousClock.now
        let schedule = FrameSchedule(start: start, framesPerSecond: 8)
        #expect(schedule.due(0) == start && schedule.due(12) == start + .milliseconds(1500))
        #expect(schedule.framesBehind(12, at: start + .milliseconds(1500)) == 0)
        #expect(schedule.framesBehind(12, at: start + .milliseconds(1700)) == 0, "one frame time of delay is made up for")
        #expect(schedule.framesBehind(12, at: start + .milliseconds(2500)) == 7)
        #expect(schedule.framesBehind(12, at: start) == 0)
    }

    /// At a rate that no renderer reaches, frames are skipped, counted, and never change what the others show.
    @Test func aRateThatIsTooHighSkipsFrames() throws {
        var source = FlightSource(seed: 5, framesPerSecond: 1_000_000, limit: 2000)
        var flight = Flight(seed: 5, framesPerSecond: 1_000_000)
        let stop = try StopSignal()
        var skipped = 0
        var shown: [UInt64: [UInt8]] = [:]
        for event in try source.everything(stop) {
            if case .skipped(let count) = event { skipped += count }
            if let frame = event.frame { shown[frame.index] = frame.image.pixels }
        }
        #expect(skipped > 0 && skipped + shown.count == 2000)
        for index in 0..<2000 {
            let frame = flight.next(rendering: shown[UInt64(index)] != nil)
            if let pixels = shown[UInt64(index)] { #expect(frame.pixels == pixels) }
        }
    }

    @Test func aSlowFlightDoesNotDelayTheStop() throws {
        let slot = NewestFrame()
        let feed = try FrameFeed(FlightSource(seed: 1, framesPerSecond: 0.001), into: slot)
        guard case .frame(let first) = slot.take() else {
            Issue.record("expected the first frame at once")
            return
        }
        #expect(first.index == 0)
        feed.stop()
        #expect(feed.counts.hasEnded && feed.counts.delivered == 1)
    }
}
