// SPDX-License-Identifier: Apache-2.0
import Compilation
import Tensors
import TestSupport
import Testing

@Suite struct RangeStatisticsTests {
    private func statistics(_ numbers: [Float]) -> RangeStatistics {
        var statistics = RangeStatistics()
        statistics.observe(numbers.span)
        return statistics
    }

    @Test func extremesCoverEverything() {
        let quantization = statistics([-1, 0, 0.5, 3]).quantization(.extremes)
        #expect(quantization == .activations(minimum: -1, maximum: 3))
    }

    @Test func nothingSeenIsTheDegenerateRange() {
        for rule in RangeRule.all {
            #expect(statistics([]).quantization(rule) == .activations(minimum: 0, maximum: 0))
            #expect(statistics([0, 0]).quantization(rule).scale.isNormal)
            #expect(statistics([.nan, .infinity, -.infinity]).quantization(rule) == .activations(minimum: 0, maximum: 0))
        }
    }

    @Test func whatIsNotFiniteIsLeftOut() {
        let seen = statistics([.nan, 1, .infinity, 2, -.infinity])
        #expect(seen.count == 2)
        #expect(seen.minimum == 1)
        #expect(seen.maximum == 2)
    }

    @Test func aPercentileLeavesOutliersOutside() {
        var numbers = (0..<100_000).map { Float($0) / 100_000 }
        numbers.append(1000)
        let scale = statistics(numbers).quantization(.percentile(0.9999)).scale
        #expect(scale * 255 > 0.99 && scale * 255 < 1.3)
    }

    /// The search must find an error no worse than that of any range on a fine grid.
    @Test(arguments: 1...5) func leastSquaresIsLeast(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let numbers = (0..<20_000).map { _ -> Float in
            let sum = (0..<4).reduce(Float(0)) { total, _ in total + Float.random(in: -1...1, using: &random) }
            return sum * sum * sum
        }
        func error(_ quantization: Quantization) -> Float {
            numbers.reduce(0) { total, number in
                let difference = quantization.dequantize(quantization.quantize(number)) - number
                return total + difference * difference
            }
        }
        let seen = statistics(numbers)
        let found = error(seen.quantization(.leastSquares))
        for step in 1...50 {
            let share = Float(step) / 50
            #expect(found <= 1.05 * error(.activations(minimum: seen.minimum * share, maximum: seen.maximum * share)))
        }
    }

    @Test func mergingIsSeeingBoth() {
        let (a, b): ([Float], [Float]) = ([-3, 0.25, 0, 1], [100, -0.001, 7])
        var merged = statistics(a)
        merged.merge(statistics(b))
        let both = statistics(a + b)
        #expect(merged.count == both.count)
        for rule in RangeRule.all { #expect(merged.quantization(rule) == both.quantization(rule)) }
    }
}
