// SPDX-License-Identifier: Apache-2.0

import Frames
import Testing

@Suite struct FlightTests {
    /// The frames of a flight without their pixels.
    private func log(seed: UInt64, frames: Int, framesPerSecond: Double = 10) -> [FlightFrame] {
        var flight = Flight(seed: seed, framesPerSecond: framesPerSecond)
        return (0..<frames).map { _ in flight.next(rendering: false) }
    }

    /// Every `stride`-th of the first `frames` frames, rendered.
    private func rendered(seed: UInt64, frames: Int, stride: Int) -> [FlightFrame] {
        var flight = Flight(seed: seed)
        return (0..<frames).compactMap { index in
            let frame = flight.next(rendering: index.isMultiple(of: stride))
            return index.isMultiple(of: stride) ? frame : nil
        }
    }

    /// FNV-1a, 64 bits.
    private func checksum(_ frames: [FlightFrame]) -> UInt64 {
        frames.reduce(0xCBF2_9CE4_8422_2325) { hash, frame in
            frame.pixels.reduce(hash ^ UInt64(frame.obstacle.rawValue)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        }
    }

    @Test func sameSeedGivesTheSameBytesOnEveryPlatform() {
        #expect(checksum(rendered(seed: 1, frames: 380, stride: 17)) == 3_579_150_810_564_045_748)
    }

    @Test func pixelsDoNotDependOnWhichFramesWereRendered() {
        let some = rendered(seed: 5, frames: 9, stride: 8), all = rendered(seed: 5, frames: 9, stride: 1)
        #expect(some[1].pixels == all[8].pixels)
        #expect(some[1].obstacle == all[8].obstacle)
    }

    @Test func differentSeedsGiveDifferentFlights() {
        let first = rendered(seed: 2, frames: 1, stride: 1), second = rendered(seed: 3, frames: 1, stride: 1)
        #expect(first[0].pixels != second[0].pixels)
    }

    @Test func framesHaveTheDeclaredSizeAndOrder() {
        let frames = log(seed: 4, frames: 50, framesPerSecond: 20)
        #expect(frames.map(\.index) == Array(0..<50))
        #expect(frames.map(\.time) == (0..<50).map { Double($0) / 20 })
        #expect(frames.allSatisfy { $0.pixels.isEmpty })
        #expect(rendered(seed: 4, frames: 1, stride: 1)[0].pixels.count == Flight.width * Flight.height * 3)
    }

    @Test func everyTenEncountersShowEveryObstacleOnce() {
        let frames = log(seed: 6, frames: 1200)
        for round in 0..<2 {
            let shown = Set(frames.filter { $0.encounter / 10 == round }.map(\.obstacle))
            #expect(shown == Set(Obstacle.allCases))
        }
    }

    @Test func classesAreAboutEquallyFrequent() {
        let frames = (100..<140).flatMap { log(seed: $0, frames: 350) }
        for obstacle in Obstacle.allCases {
            let share = Double(frames.count { $0.obstacle == obstacle }) / Double(frames.count)
            #expect((0.07...0.14).contains(share), "\(obstacle.label): \(share)")
        }
    }

    @Test func allConditionsOccur() {
        let frames = log(seed: 7, frames: 3000)
        for light in Conditions.Light.allCases {
            #expect(frames.contains { $0.conditions.light == light })
        }
        for condition in [\Conditions.isFoggy, \.isRainy, \.isBlurred, \.isNoisy] as [KeyPath<Conditions, Bool>] {
            #expect(frames.contains { $0.conditions[keyPath: condition] })
            #expect(frames.contains { !$0.conditions[keyPath: condition] })
        }
    }

    @Test func theThingInTheWayGrowsAsItComesNearer() {
        let frames = log(seed: 8, frames: 2000)
        for (before, after) in zip(frames, frames.dropFirst()) where before.encounter == after.encounter {
            #expect(after.distance < before.distance)
            if before.obstacle != .clear { #expect(after.size > before.size) }
        }
    }

    @Test func whatIsOutOfSightIsClear() {
        let frames = (200..<230).flatMap { log(seed: $0, frames: 350) }
        for frame in frames {
            if frame.obstacle == .clear { #expect(frame.size == 0) } else { #expect(frame.size >= Encounter.leastSize) }
        }
        let appearing = zip(frames, frames.dropFirst()).contains { before, after in
            before.encounter == after.encounter && before.obstacle == .clear && after.obstacle != .clear
        }
        #expect(appearing)
    }

    @Test func anEncounterKeepsItsPlaceAndAnotherOneIsElsewhere() {
        var flight = Flight(seed: 9)
        var last = flight.next()
        var within: [Double] = [], across: [Double] = []
        while across.count < 3 {
            let frame = flight.next(rendering: within.count < 8 || across.count < 3)
            let change = zip(frame.pixels, last.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
            let mean = Double(change) / Double(frame.pixels.count)
            if frame.encounter == last.encounter { within.append(mean) } else { across.append(mean) }
            last = frame
        }
        within.sort()
        across.sort()
        #expect(within[within.count / 2] * 2 < across[1])
    }
}
