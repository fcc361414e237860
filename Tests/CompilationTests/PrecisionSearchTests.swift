// SPDX-License-Identifier: Apache-2.0
import Compilation
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct PrecisionSearchTests {
    private func search(_ harms: [(weights: Int, four: Double, three: Double, two: Double)]) -> PrecisionSearch {
        PrecisionSearch(
            layers: harms.enumerated().map { index, harm in
                PrecisionSearch.Layer(
                    id: ValueID(rawValue: index), weights: harm.weights,
                    harm: [.bits(.four): harm.four, .bits(.three): harm.three, .bits(.two): harm.two, .float32: -0.001])
            })
    }

    @Test func theCheapestErrorsAByteComeFirst() {
        let search = search([(100, 0.1, 0.5, 2), (1000, 0.2, 3, 9), (10, 5, 6, 7)])
        let steps = search.walk.map { choice in (0..<3).map { choice[ValueID(rawValue: $0)] } }
        #expect(steps.first == [nil, nil, nil])
        #expect(steps[1] == [nil, .bits(.four), nil])
        #expect(steps[2] == [.bits(.four), .bits(.four), nil])
        #expect(steps.last == [.bits(.two), .bits(.two), .bits(.two)])
    }

    @Test func theWalkNeverGoesBackAndEndsWhereNothingIsLeft() {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<200 {
            let search = search(
                (0..<Int.random(in: 1...9, using: &random)).map { _ in
                    func harm() -> Double { Double.random(in: -0.1...1, using: &random) }
                    return (Int.random(in: 1...1000, using: &random), harm(), harm(), harm())
                })
            func bits(_ choice: [ValueID: LayerPrecision]) -> [Int] {
                search.layers.map { if case .bits(let width)? = choice[$0.id] { width.rawValue } else { 8 } }
            }
            let walk = search.walk.map(bits)
            #expect(walk.first?.allSatisfy { $0 == 8 } == true)
            #expect(walk.last?.allSatisfy { $0 == 2 } == true)
            for (before, after) in zip(walk, walk.dropFirst()) {
                #expect(zip(before, after).allSatisfy { $0 >= $1 } && before != after)
            }
            let choices = search.choices(5)
            #expect(choices.count <= 5 && Set(choices.map(bits)).count == choices.count)
            #expect(choices.allSatisfy { walk.contains(bits($0)) })
        }
    }

    @Test func aLayerThatHasNoNarrowFormKeepsItsBytes() {
        var search = search([(100, 0.1, 0.2, 0.3), (100, 0.1, 0.2, 0.3)])
        search.layers[1].harm = [:]
        #expect(search.walk.allSatisfy { $0[ValueID(rawValue: 1)] == nil })
        search.layers[0].harm = [:]
        #expect(search.walk.count == 1 && search.choices(4).isEmpty && search.repaired == nil)
    }

    @Test func float32GoesWhereEightBitsHarm() {
        var search = search([(10, 0, 0, 0), (10, 0, 0, 0), (10, 0, 0, 0)])
        search.layers[0].harm[.float32] = 0.5
        search.layers[1].harm[.float32] = -0.9
        search.layers[2].harm[.float32] = -0.1
        #expect(search.repaired == [ValueID(rawValue: 1): .float32])
    }

    @Test func thePickIsNeverDominatedAndTheFrontIsWhatNothingDominates() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let points = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                // Few values, so that many are equal.
                PrecisionPoint(
                    bytes: Int.random(in: 1...3, using: &random), milliseconds: Double(Int.random(in: 1...3, using: &random)),
                    accuracy: Double(Int.random(in: 0...2, using: &random)) / 2, coverage: Double(Int.random(in: 0...2, using: &random)) / 2)
            }
            let least = Double(Int.random(in: 0...2, using: &random)) / 2
            let front = points.nondominated
            #expect(!front.isEmpty)
            for index in points.indices { #expect(front.contains(index) == !points.contains { $0.dominates(points[index]) }) }
            guard let pick = points.pick(leastCoverage: least) else {
                #expect(points.allSatisfy { $0.coverage < least })
                continue
            }
            #expect(points[pick].coverage >= least && front.contains(pick))
            #expect(!points.contains { $0.coverage >= least && Double($0.bytes) * $0.milliseconds < Double(points[pick].bytes) * points[pick].milliseconds })
        }
    }
}
