// SPDX-License-Identifier: Apache-2.0
import Inference
import Networks
import TestSupport
import Testing

struct GeometryTests {
    /// The place of each element, in logical order.
    private func places(_ geometry: Geometry) -> [Int] {
        var places = [geometry.offset]
        for (size, stride) in zip(geometry.shape, geometry.strides) {
            places = places.flatMap { place in (0..<size).map { place + $0 * stride } }
        }
        return places
    }

    @Test func layoutsOrderTheAxesOfAnImage() {
        #expect(Geometry(shape: [2, 3, 4, 5], layout: .rowMajor).strides == [60, 20, 5, 1])
        #expect(Geometry(shape: [2, 3, 4, 5], layout: .channelsLast).strides == [60, 1, 15, 3])
        #expect(Geometry(shape: [3, 4], layout: .channelsLast).strides == [4, 1])
    }

    @Test func axesOfOneElementDontDecideALayout() {
        #expect(Geometry(shape: [1, 7, 1, 1], layout: .channelsLast).isContiguous(.rowMajor))
        #expect(Geometry(shape: [1, 1, 4, 5], layout: .rowMajor).isContiguous(.channelsLast))
        #expect(!Geometry(shape: [1, 2, 4, 5], layout: .rowMajor).isContiguous(.channelsLast))
    }

    @Test(arguments: 0..<500) func aReshapeKeepsTheOrderOfElementsOrSaysThatItCant(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let shape = (0..<Int.random(in: 1...5, using: &random)).map { _ in Int.random(in: 1...4, using: &random) }
        var geometry = Geometry(shape: shape, layout: Bool.random(using: &random) ? .rowMajor : .channelsLast)
        geometry = geometry.transposed(Array(shape.indices).shuffled(using: &random))
        var target: [Int] = []
        var rest = geometry.count
        while rest > 1 {
            let factor = (1...rest).filter { rest % $0 == 0 }.randomElement(using: &random) ?? 1
            target.append(factor)
            rest /= factor
        }
        if let reshaped = geometry.reshaped(target) {
            #expect(reshaped.shape == target)
            #expect(places(reshaped) == places(geometry), "seed \(seed)")
            #expect(reshaped.reshaped(geometry.shape) != nil)
        } else {
            #expect(!geometry.isContiguous(.rowMajor), "seed \(seed)")
        }
    }

    @Test func slicesMayRunBackwards() {
        let geometry = Geometry(shape: [2, 5], layout: .rowMajor).sliced([SliceRange(axis: 1, start: 4, step: -2, count: 3)])
        #expect(places(geometry) == [4, 2, 0, 9, 7, 5])
        #expect(geometry.extent == 0...9)
        #expect(!geometry.isDense)
    }

    @Test func broadcastingRepeatsElements() throws {
        let geometry = try #require(Geometry(shape: [3, 1], layout: .rowMajor).broadcast(to: [2, 3, 2]))
        #expect(places(geometry) == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2])
        #expect(Geometry(shape: [3], layout: .rowMajor).broadcast(to: [2]) == nil)
    }
}
