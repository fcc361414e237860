// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import TestSupport
import Testing

struct TemperatureTests {
    /// Labels drawn from the softmax of the logits at `temperature`.
    static func sample(_ count: Int, classes: Int, temperature: Double, seed: UInt64) -> (outputs: [[Float]], labels: [Int]) {
        var random = SeededGenerator(seed: seed)
        var outputs: [[Float]] = []
        var labels: [Int] = []
        for _ in 0..<count {
            let logits = (0..<classes).map { _ in Float.random(in: -5...5, using: &random) }
            var rest = Double.random(in: 0..<1, using: &random)
            let probabilities = CalibrationTests.softmax(logits, temperature: temperature)
            var label = 0
            while label < classes - 1, rest >= probabilities[label] {
                rest -= probabilities[label]
                label += 1
            }
            outputs.append(logits)
            labels.append(label)
        }
        return (outputs, labels)
    }

    static func loss(_ outputs: [[Float]], _ labels: [Int], temperature: Double) -> Double {
        zip(outputs, labels).reduce(0) { $0 - log(CalibrationTests.softmax($1.0, temperature: temperature)[$1.1]) }
    }

    @Test(arguments: [0.5, 1, 1.7, 4], [1, 2, 3] as [UInt64])
    func recoversTheTemperatureThatMadeTheLabels(truth: Double, seed: UInt64) throws {
        let (outputs, labels) = Self.sample(4000, classes: 5, temperature: truth, seed: seed)
        let fitted = try #require(Temperature.fit(outputs: outputs, labels: labels)).value
        #expect(abs(fitted / truth - 1) < 0.1)
    }

    @Test func noNeighbouringTemperatureIsMoreLikely() throws {
        let (outputs, labels) = Self.sample(2000, classes: 4, temperature: 1.5, seed: 9)
        let fitted = try #require(Temperature.fit(outputs: outputs, labels: labels)).value
        let best = Self.loss(outputs, labels, temperature: fitted)
        for factor in [0.8, 0.95, 1.05, 1.25] { #expect(best < Self.loss(outputs, labels, temperature: fitted * factor)) }
    }

    @Test func aNetworkWithoutAnErrorIsNotDeclaredInfallible() throws {
        let outputs: [[Float]] = (0..<100).map { $0 % 2 == 0 ? [0, 4] : [4, 0] }
        let labels = (0..<100).map { 1 - $0 % 2 }
        let fitted = try #require(Temperature.fit(outputs: outputs, labels: labels))
        #expect(Temperature.fittingRange.contains(fitted.value))
        let first = outputs[0]
        let confidence = try Calibration(temperature: fitted).confidence(of: first.span)
        #expect(abs(confidence.topOne - 101 / 102.0) < 1e-6)
    }

    @Test func aNetworkThatIsAlwaysWrongGetsTheHighestTemperature() throws {
        let outputs = [[Float]](repeating: [0, 9], count: 50)
        let fitted = try #require(Temperature.fit(outputs: outputs, labels: Array(repeating: 0, count: 50)))
        #expect(abs(fitted.value - Temperature.fittingRange.upperBound) < 1e-6)
    }

    @Test func probabilitiesFitLikeTheirLogits() throws {
        let (outputs, labels) = Self.sample(1000, classes: 5, temperature: 2, seed: 4)
        let probabilities = outputs.map { CalibrationTests.softmax($0, temperature: 1).map(Float.init) }
        let direct = try #require(Temperature.fit(outputs: outputs, labels: labels))
        let through = try #require(Temperature.fit(outputs: probabilities, labels: labels, scores: .probabilities))
        #expect(abs(direct.value / through.value - 1) < 1e-4)
    }

    @Test func damagedRowsAreLeftOut() throws {
        let (outputs, labels) = Self.sample(500, classes: 3, temperature: 2, seed: 5)
        let clean = try #require(Temperature.fit(outputs: outputs, labels: labels))
        let damaged = [[Float.nan, 1, 2], [.infinity, 0, 0], [-.infinity, 0, 1]] as [[Float]]
        let fitted = try #require(Temperature.fit(outputs: outputs + damaged, labels: labels + [0, 0, 0]))
        #expect(abs(clean.value / fitted.value - 1) < 1e-3)
    }

    @Test func nothingToLearnFromIsNoTemperature() {
        #expect(Temperature.fit(outputs: [], labels: []) == nil)
        #expect(Temperature.fit(outputs: [[3]], labels: [0]) == nil)
        #expect(Temperature.fit(outputs: [[.nan, 1]], labels: [0]) == nil)
    }

    @Test func onlyPositiveNumbersAreTemperatures() {
        for value in [0, -1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude] as [Double] { #expect(Temperature(value) == nil) }
        #expect(Temperature(1) == .one)
    }
}
