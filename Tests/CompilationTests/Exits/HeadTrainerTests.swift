// SPDX-License-Identifier: Apache-2.0
import Compilation
import TestSupport
import Testing

@Suite struct HeadTrainerTests {
    /// Images `[6, 6, 2]` of noise in which each class has a corner of its own that is brighter.
    private struct Corners {
        var images: [[Float]] = []
        var labels: [Int] = []

        init(_ count: Int, seed: UInt64) {
            var random = SeededGenerator(seed: seed)
            for index in 0..<count {
                let label = index % 3
                var image = (0..<72).map { _ in Float.random(in: -1...1, using: &random) }
                let (top, left) = (3 * (label / 2), 3 * (label % 2))
                for row in top..<top + 3 {
                    for column in left..<left + 3 { image[2 * (6 * row + column)] += 1.5 }
                }
                images.append(image)
                labels.append(label)
            }
        }

        var targets: [Float] { labels.flatMap { label in (0..<3).map { $0 == label ? 1 : 0 } } }
    }

    private func train(_ design: HeadDesign, _ set: Corners, targets: [Float]? = nil, seed: UInt64 = 1) throws -> (parameters: [Float], right: Double) {
        var trainer = HeadTrainer()
        trainer.seed = seed
        trainer.learningRate = 0.01
        let judge = set.images.indices.filter { $0 % 5 == 4 }
        let (network, logits) = try trainer.train(
            design, learn: set.images.indices.filter { $0 % 5 != 4 }, judge: judge, views: 1, targets: targets ?? set.targets,
            read: { image, _, target, first in for (index, number) in set.images[image].enumerated() { target[first + index] = number } })
        let right = zip(logits, judge).count { logits, image in logits.firstIndex(of: logits.max() ?? 0) == set.labels[image] }
        return (network.parameters, Double(right) / Double(judge.count))
    }

    private static let designs = [
        HeadDesign(channels: 2, height: 6, width: 6, classes: 3, grid: 2), HeadDesign(channels: 2, height: 6, width: 6, classes: 3, convolutions: [8, 8]),
    ]

    @Test(arguments: designs) func whatCanBeToldApartIsLearnt(design: HeadDesign) throws {
        #expect(try train(design, Corners(600, seed: 3)).right > 0.95)
    }

    @Test func labelsThatSayNothingTeachNothing() throws {
        var set = Corners(600, seed: 3)
        var random = SeededGenerator(seed: 4)
        set.labels = set.labels.map { _ in Int.random(in: 0..<3, using: &random) }
        #expect(try train(Self.designs[1], set).right < 0.55)
    }

    @Test(arguments: designs) func theSameSeedGivesTheSameHead(design: HeadDesign) throws {
        let set = Corners(120, seed: 7)
        let first = try train(design, set).parameters
        #expect(try train(design, set).parameters == first)
        #expect(try train(design, set, seed: 2).parameters != first)
    }

    @Test func aLossThatIsNoNumberEndsTheTraining() throws {
        var set = Corners(60, seed: 7)
        set.images[4][0] = .nan
        #expect(throws: CompilationError.self) { try train(Self.designs[1], set) }
    }
}
