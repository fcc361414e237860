// SPDX-License-Identifier: Apache-2.0
import Planning
import Testing
import TestSupport

struct OctilesTests {
    @Test func eightValuesAreTheirOwnOctiles() {
        #expect(Octiles(of: [3, 1, 2, 8, 5, 4, 7, 6]).classes == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func theMeanIsThatOfTheValuesWhateverTheirNumber() {
        var generator = SeededGenerator(seed: 5)
        for count in 1...100 {
            let values = (0..<count).map { _ in Double.random(in: 0...10, using: &generator) }
            let octiles = Octiles(of: values)
            #expect((octiles.mean - values.reduce(0, +) / Double(count)).magnitude < 1e-12)
            #expect((1..<8).allSatisfy { octiles.classes[$0 - 1] <= octiles.classes[$0] })
        }
    }

    @Test func aValueThatDoesNotVaryIsAllOctiles() {
        #expect(Octiles(of: [4]) == Octiles(4))
        #expect(Octiles(4).mean == 4)
        #expect(Octiles(4).highest == 4)
    }

    @Test func theHighestStandsInTheMiddleOfTheHighestEighth() {
        #expect((Octiles(of: (0..<800).map { (Double($0) + 0.5) / 800 }).highest - 0.9375).magnitude < 1e-12)
    }
}
