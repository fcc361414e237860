// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing

internal import Packing

@Suite struct BitPlanesTests {
    @Test(arguments: 2...8)
    func planesHoldTheBitsOfEqualSignificance(bits: Int) {
        var generator = SeededGenerator(seed: UInt64(bits))
        for count in Array(0...33) + [1000] {
            let codes = (0..<count).map { _ in UInt8(Int.random(in: 0..<1 << bits, using: &generator)) }
            let columns = (count + 7) / 8
            var expected = [UInt8](repeating: 0, count: columns * bits)
            for (position, code) in codes.enumerated() {
                for bit in 0..<bits where code >> bit & 1 == 1 { expected[(bits - 1 - bit) * columns + position / 8] |= 1 << (position % 8) }
            }
            let planes = BitPlanes.shuffle(codes, bits: bits)
            #expect(planes == expected)
            #expect(BitPlanes.unshuffle(planes, count: count, bits: bits) == codes)
        }
    }
}

@Suite struct LogisticTests {
    @Test func probabilitiesRiseWithTheOddsAndMirror() {
        let (probabilities, odds) = (Logistic.shared.probabilities.map(Int.init), Logistic.shared.odds.map(Int.init))
        for index in 1..<4096 {
            #expect(probabilities[index] >= probabilities[index - 1])
            #expect(odds[index] >= odds[index - 1])
            #expect(abs(probabilities[index] + probabilities[4096 - index] - 4096) <= 1)
        }
        #expect(probabilities[2048] == 2048)
        for probability in 1..<4096 { #expect(abs(probabilities[odds[probability] + 2048] - probability) <= 8) }
        #expect(odds[0] == -2047)
    }
}
