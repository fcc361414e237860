// SPDX-License-Identifier: Apache-2.0
import Frames
import Images
import Testing

struct NewestFrameTests {
    static func frame(_ index: UInt64) -> Frame {
        Frame(index: index, captured: .now, image: Image(width: 1, height: 1, channels: 1, pixels: [UInt8(index % 256)]), name: "\(index)")
    }

    private static func index(_ taken: NewestFrame.Taken) -> UInt64? {
        if case .frame(let frame) = taken { frame.index } else { nil }
    }

    private static func isEnd(_ taken: NewestFrame.Taken) -> Bool {
        if case .ended = taken { true } else { false }
    }

    @Test func aSlowConsumerGetsTheNewestAndTheRestIsCounted() {
        let slot = NewestFrame()
        for index in 0..<5 { slot.put(Self.frame(UInt64(index))) }
        #expect(Self.index(slot.take()) == 4)
        slot.put(Self.frame(5))
        #expect(Self.index(slot.take()) == 5)
        #expect(slot.counts == NewestFrame.Counts(arrived: 6, taken: 2, dropped: 4))
    }

    @Test func nothingUntilTheDeadlineIsSaidAsSuch() {
        let slot = NewestFrame()
        for deadline in [ContinuousClock.now - .seconds(1), .now, .now + .milliseconds(2)] {
            guard case .timedOut = slot.take(until: deadline) else {
                Issue.record("expected a timeout")
                return
            }
            #expect(ContinuousClock.now >= deadline)
        }
        slot.put(Self.frame(1))
        #expect(Self.index(slot.take(until: .now - .seconds(1))) == 1, "a frame that is there is never late")
    }

    @Test func aFrameThatComesEndsTheWait() async {
        let slot = NewestFrame()
        async let taken = Self.waiting(slot)
        slot.put(Self.frame(9))
        #expect(await Self.index(taken) == 9)
    }

    @Test func closingEndsTheWait() async {
        let slot = NewestFrame()
        async let taken = Self.waiting(slot)
        slot.close()
        #expect(await Self.isEnd(taken))
        #expect(!slot.put(Self.frame(1)))
        #expect(slot.counts == NewestFrame.Counts())
    }

    @Test func finishingLeavesTheLastFrameAndClosingDropsIt() {
        let finished = NewestFrame()
        finished.put(Self.frame(1))
        finished.finish()
        #expect(!finished.put(Self.frame(2)))
        #expect(Self.index(finished.take()) == 1)
        #expect(Self.isEnd(finished.take()))
        let closed = NewestFrame()
        closed.put(Self.frame(1))
        closed.close()
        #expect(Self.isEnd(closed.take()))
        #expect(closed.counts == NewestFrame.Counts(arrived: 1, taken: 0, dropped: 1))
    }

    /// Whatever the two threads do, every frame is taken once or dropped, in order, and the last one is never lost.
    @Test func noFrameIsLostOrTakenTwiceBetweenThreads() async {
        let slot = NewestFrame()
        let count: UInt64 = 20_000
        async let taken = Task.detached {
            var indices: [UInt64] = []
            while let index = Self.index(slot.take()) { indices.append(index) }
            return indices
        }.value
        for index in 0..<count { slot.put(Self.frame(index)) }
        slot.finish()
        let indices = await taken
        #expect(indices == indices.sorted() && Set(indices).count == indices.count)
        #expect(indices.last == count - 1)
        #expect(slot.counts == NewestFrame.Counts(arrived: count, taken: UInt64(indices.count), dropped: count - UInt64(indices.count)))
    }

    @concurrent private static func waiting(_ slot: NewestFrame) async -> NewestFrame.Taken { slot.take() }
}
