// SPDX-License-Identifier: Apache-2.0
import Testing
import Tensors

struct QuantizationTests {
    @Test func requantisationRoundsHalfToEvenAndSaturates() {
        let rule = Requantization(multipliers: [0.5], zeroPoint: 10, lower: 10, upper: 200)
        #expect(rule.apply(1, channel: 0) == 10)
        #expect(rule.apply(3, channel: 0) == 12)
        #expect(rule.apply(5, channel: 0) == 12)
        #expect(rule.apply(-9, channel: 0) == 10)
        #expect(rule.apply(.max, channel: 0) == 200)
        #expect(rule.apply(.min, channel: 0) == 10)
        #expect(rule.apply(3, channel: 0, adding: 0.5) == 12)
    }

    @Test func activationRangesContainZeroExactly() {
        for (low, high) in [(-1, 1), (0.5, 2), (-3, -1), (0, 0), (-0.001, 6)] as [(Float, Float)] {
            let quantization = Quantization.activations(minimum: low, maximum: high)
            #expect(quantization.dequantize(quantization.quantize(0)) == 0)
            #expect(quantization.quantize(.nan) == UInt8(quantization.zeroPoint))
            #expect(quantization.quantize(.infinity) == 255)
            #expect(quantization.quantize(-.infinity) == 0)
        }
    }

    @Test func everyHalfSurvivesTheRoundTrip() {
        for bits in UInt16.min ... .max where !Float(halfBits: bits).isNaN {
            #expect(Float(halfBits: bits).halfBits == bits)
        }
    }
}
