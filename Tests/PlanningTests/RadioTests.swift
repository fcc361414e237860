// SPDX-License-Identifier: Apache-2.0
import Planning
import Testing

struct RadioTests {
    private func near(_ a: Double, _ b: Double, within share: Double = 1e-9) -> Bool { (a - b).magnitude <= share * max(a.magnitude, b.magnitude) }

    /// The consequences that follow from the published constants: 30 KB on the three radios.
    @Test(arguments: [(Radio.threeG, 0.218, 0.387), (.lte, 0.041, 0.158), (.wifi, 0.013, 0.070)])
    func aJPEGOfThirtyKilobytesCostsWhatThePublishedConstantsSay(radio: Radio, time: Double, energy: Double) {
        #expect(near(radio.sendingTime(bytes: 30_000), time, within: 0.03))
        let sending = radio.requestEnergy(bytes: 30_000, serverTime: 0) - radio.roundTrip * radio.tail.power
        #expect(near(sending, energy, within: 0.03))
    }

    @Test func aRareRequestPaysPromotionAndAWholeTail() {
        let radio = Radio.lte
        let alone = radio.requestEnergy(bytes: 30_000, serverTime: 0.01) + radio.promotion.energy + radio.tail.energy
        #expect(near(radio.energyPerFrame(share: 1e-6, bytes: 30_000, serverTime: 0.01, period: 1), 1e-6 * alone, within: 1e-4))
    }

    @Test func aBusyRadioPaysForSendingAndWaitingOnly() {
        let radio = Radio.lte
        // Sent one after the other: no gap is left.
        let energy = radio.energyPerFrame(share: 1, bytes: 30_000, serverTime: 0.01, period: 0.001)
        #expect(near(energy, radio.requestEnergy(bytes: 30_000, serverTime: 0.01)))
    }

    @Test func everyFrameSentKeepsTheRadioInItsTailBetweenFrames() {
        let radio = Radio.lte
        let busy = radio.requestTime(bytes: 30_000, serverTime: 0.01)
        let expected = radio.requestEnergy(bytes: 30_000, serverTime: 0.01) + (1 - busy) * radio.tail.power
        #expect(near(radio.energyPerFrame(share: 1, bytes: 30_000, serverTime: 0.01, period: 1), expected))
    }

    /// Against a drawn sequence of requests.
    @Test(arguments: [(0.05, 0.1), (0.3, 0.5), (0.02, 1.0), (0.5, 20.0)])
    func theExpectationIsTheMeanOfASimulation(share: Double, period: Double) {
        let radio = Radio.lte
        let busy = radio.requestTime(bytes: 20_000, serverTime: 0.01)
        var generator = LinearCongruential(state: 42)
        var energy = 0.0
        var gap = 0
        let frames = 400_000
        for _ in 0..<frames {
            gap += 1
            guard generator.fraction() < share else { continue }
            let wait = max(Double(gap) * period - busy, 0)
            energy += radio.requestEnergy(bytes: 20_000, serverTime: 0.01) + min(wait, radio.tail.time) * radio.tail.power
            if wait > radio.tail.time { energy += radio.promotion.energy }
            gap = 0
        }
        #expect(near(energy / Double(frames), radio.energyPerFrame(share: share, bytes: 20_000, serverTime: 0.01, period: period), within: 0.03))
    }

    @Test func theWaitingIsTheSumOverTheGapsBetweenRequests() {
        let radio = Radio.lte
        for (share, period) in [(1e-4, 0.1), (0.01, 0.033), (0.3, 1), (0.999, 0.02), (1, 0.5)] {
            let busy = radio.requestTime(bytes: 20_000, serverTime: 0.01)
            var (waiting, probability, beyond) = (0.0, share, 1.0)
            for gap in 1...Int((busy + radio.tail.time) / period) {
                waiting += probability * min(max(Double(gap) * period - busy, 0), radio.tail.time)
                beyond -= probability
                probability *= 1 - share
            }
            let request = radio.requestEnergy(bytes: 20_000, serverTime: 0.01)
            let expected = share * (request + (waiting + beyond * radio.tail.time) * radio.tail.power + beyond * radio.promotion.energy)
            #expect(near(radio.energyPerFrame(share: share, bytes: 20_000, serverTime: 0.01, period: period), expected))
        }
    }

    @Test func nothingSentCostsNothing() { #expect(Radio.threeG.energyPerFrame(share: 0, bytes: 1e6, serverTime: 1, period: 0.1) == 0) }
}

private struct LinearCongruential {
    var state: UInt64

    mutating func fraction() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) * 0x1p-53
    }
}
