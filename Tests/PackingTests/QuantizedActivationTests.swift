// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing

internal import Packing

@Suite struct QuantizedActivationTests {
    @Test(arguments: 2...8, [false, true])
    func codesAreTheNearestOfTheInputsOwnRange(bits: Int, rectified: Bool) throws {
        var generator = SeededGenerator(seed: UInt64(bits))
        let shape = shape(5, 7, 9)
        let values = generator.activation(shape, rectified: rectified)
        let quantized = try quantize(values, shape, bits: bits)
        let (low, high) = (try #require(values.min()), try #require(values.max()))
        #expect(quantized.minimum == low)
        for (value, code) in zip(values, quantized.codes) {
            // DynO's definition: (d − min) · (2^b − 1) / (max − min), before it is rounded.
            let exact = (Double(value) - Double(low)) * Double(1 << bits - 1) / (Double(high) - Double(low))
            #expect(abs(Double(code) - exact) <= 0.5001)
            #expect(abs(quantized.real(code) - value) <= quantized.step * 0.5001)
        }
        #expect(quantized.codes.min() == 0)
        #expect(quantized.codes.max().map(Int.init) == quantized.largestCode)
    }

    @Test(arguments: 2...8)
    func zerosBehindAReLUStayExactlyZero(bits: Int) throws {
        var generator = SeededGenerator(seed: 7)
        let shape = shape(4, 6, 6)
        let values = generator.activation(shape, rectified: true)
        let quantized = try quantize(values, shape, bits: bits)
        for (value, real) in zip(values, quantized.reals) where value == 0 { #expect(real == 0) }
        #expect(values.contains(0))
        let negative = try quantize(values.map { $0 == 0 ? -0.0 : $0 }, shape, bits: bits)
        #expect(negative == quantized)
        #expect(negative.minimum.sign == .plus)
    }

    @Test func theOrderInMemoryMakesNoDifference() throws {
        var generator = SeededGenerator(seed: 8)
        let shape = shape(3, 4, 5)
        let planar = generator.activation(shape, rectified: false)
        var interleaved = [Float](repeating: 0, count: shape.count)
        for channel in 0..<3 { for pixel in 0..<20 { interleaved[pixel * 3 + channel] = planar[channel * 20 + pixel] } }
        let first = try quantize(planar, shape, bits: 5)
        let last = try QuantizedActivation(interleaved.span, shape: shape, layout: .channelsLast, bits: 5)
        #expect(first == last)
        var back = [Float](repeating: 0, count: shape.count)
        var span = back.mutableSpan
        last.dequantize(into: &span, layout: .channelsLast)
        for channel in 0..<3 { for pixel in 0..<20 { #expect(back[pixel * 3 + channel] == first.reals[channel * 20 + pixel]) } }
        var planarBack = [Float](repeating: 0, count: shape.count)
        var planarSpan = planarBack.mutableSpan
        first.dequantize(into: &planarSpan)
        #expect(planarBack == first.reals)
    }

    @Test(arguments: 2...8)
    func bytesWhoseNumbersFitAreKeptExactly(bits: Int) throws {
        var generator = SeededGenerator(seed: 9)
        let shape = shape(2, 5, 5)
        let values = (0..<50).map { _ in UInt8.random(in: 100...UInt8(100 + (1 << bits - 1) / 2), using: &generator) }
        let quantized = try QuantizedActivation(values.span, scale: 0.125, zeroPoint: 102, shape: shape, bits: bits)
        #expect(quantized.reals == values.map { 0.125 * Float(Int($0) - 102) })
    }

    @Test(arguments: 2...8)
    func bytesAreQuantisedAnewToTheNearest(bits: Int) throws {
        let shape = shape(1, 16, 16)
        let values = (0...255).map { UInt8($0) }
        let quantized = try QuantizedActivation(values.span, scale: 0.5, zeroPoint: 10, shape: shape, layout: .channelsLast, bits: bits)
        for (value, real) in zip(values, quantized.reals) {
            #expect(abs(real - 0.5 * Float(Int(value) - 10)) <= quantized.step * 0.5001)
        }
    }

    @Test func leastSquaresClipsAnOutlierAndNothingElse() throws {
        var generator = SeededGenerator(seed: 10)
        let shape = shape(4, 16, 16)
        var values = generator.activation(shape, rectified: true)
        values[100] = 2 * (values.max() ?? 0)
        func error(_ rule: RangeRule) throws -> Float {
            let reals = try quantize(values, shape, bits: 2, range: rule).reals
            return zip(reals, values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        #expect(try error(.leastSquares) < 0.8 * error(.full))
        let zeros = try quantize(values, shape, bits: 2, range: .leastSquares)
        #expect(zeros.minimum == 0)
        for (value, real) in zip(values, zeros.reals) where value == 0 { #expect(real == 0) }
    }

    @Test func numbersWithoutARangeAreRefused() {
        for values: [Float] in [[1, .nan], [.nan, 1], [.infinity, 0], [0, -.infinity], [.greatestFiniteMagnitude, -.greatestFiniteMagnitude]] {
            for rule in [RangeRule.full, .leastSquares] {
                #expect(throws: PackingError.self) { try quantize(values, shape(2, 1, 1), bits: 4, range: rule) }
            }
        }
    }

    @Test func oneNumberAloneAndNoneNeedNoRange() throws {
        for rule in [RangeRule.full, .leastSquares] {
            let constant = try quantize([-3, -3, -3], shape(3, 1, 1), bits: 2, range: rule)
            #expect(constant.reals == [-3, -3, -3])
            let narrow = try quantize([0, .leastNonzeroMagnitude], shape(2, 1, 1), bits: 8, range: rule)
            #expect(narrow.reals == [0, 0])
            let empty = try quantize([Float](), shape(0, 3, 3), bits: 8, range: rule)
            #expect(empty.codes.isEmpty)
        }
    }

    @Test func shapesAreBounded() {
        #expect(ActivationShape(channels: -1, height: 1, width: 1) == nil)
        #expect(ActivationShape(channels: 1 << 24, height: 1, width: 1) != nil)
        #expect(ActivationShape(channels: 1 << 24, height: 2, width: 1) == nil)
        #expect(ActivationShape(channels: 0, height: 1 << 24, width: 1 << 24) == nil)
        #expect(ActivationShape(channels: .max, height: .max, width: .max) == nil)
    }
}
