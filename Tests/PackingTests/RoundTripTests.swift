// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing

internal import Packing

@Suite struct RoundTripTests {
    @Test(arguments: PackingForm.allCases)
    func everySmallShapeComesBackInEveryForm(form: PackingForm) throws {
        var generator = SeededGenerator(seed: 1)
        for bits in 2...8 {
            for channels in 0...3 {
                for height in 0...4 {
                    for width in 0...4 {
                        let quantized = try generator.quantized(shape(channels, height, width), bits: bits)
                        #expect(try QuantizedActivation(unpacking: quantized.packed(as: form)) == quantized)
                    }
                }
            }
        }
    }

    @Test(arguments: PackingForm.allCases)
    func largeOnesComeBackInEveryForm(form: PackingForm) throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let shape = shape(
                Int.random(in: 1...40, using: &generator), Int.random(in: 1...40, using: &generator), Int.random(in: 1...40, using: &generator))
            let quantized = try generator.quantized(shape, bits: Int.random(in: 2...8, using: &generator))
            #expect(try QuantizedActivation(unpacking: quantized.packed(as: form)) == quantized, "seed \(seed)")
        }
    }

    @Test(arguments: PackingForm.allCases.filter { $0 != .planes })
    func whatIsAllTheSameStaysWithinTheRatioThatUnpackingPermits(form: PackingForm) throws {
        let shape = shape(64, 64, 64)
        let quantized = try quantize([Float](repeating: 0, count: shape.count), shape, bits: 8)
        let bytes = quantized.packed(as: form)
        #expect(bytes.count * QuantizedActivation.largestRatio >= shape.count)
        #expect(bytes.count < shape.count / 150)
        #expect(try QuantizedActivation(unpacking: bytes) == quantized)
    }

    @Test(arguments: 2...8, [false, true])
    func theActivationBeforeSavesBytesWhereLittleMoved(bits: Int, rectified: Bool) throws {
        var generator = SeededGenerator(seed: 6)
        let shape = shape(16, 16, 16)
        let before = generator.activation(shape, rectified: false)
        let after = before.map { 1.1 * ($0 + Float.random(in: -0.05...0.05, using: &generator)) }
        let rectify = { (values: [Float]) in rectified ? values.map { max(0, $0) } : values }
        let previous = try quantize(rectify(before), shape, bits: 5)
        let quantized = try quantize(rectify(after), shape, bits: bits)
        let bytes = quantized.packed(as: .mixed, after: previous)
        #expect(Double(bytes.count) < 0.8 * Double(quantized.packed(as: .mixed).count))
        #expect(try QuantizedActivation(unpacking: bytes, after: previous) == quantized)
    }

    @Test func anythingMayHaveBeenBefore() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let shape = shape(
                Int.random(in: 0...9, using: &generator), Int.random(in: 1...9, using: &generator), Int.random(in: 1...9, using: &generator))
            let previous = try generator.quantized(shape, bits: Int.random(in: 2...8, using: &generator))
            let quantized = try generator.quantized(shape, bits: Int.random(in: 2...8, using: &generator))
            for form in PackingForm.allCases {
                let bytes = quantized.packed(as: form, after: previous)
                #expect(try QuantizedActivation(unpacking: bytes, after: previous) == quantized, "seed \(seed)")
            }
            let other = try generator.quantized(ActivationShape(channels: 10, height: 1, width: 1) ?? shape, bits: 4)
            #expect(quantized.packed(as: .mixed, after: other) == quantized.packed(as: .mixed))
        }
    }

    @Test func theSameAgainTakesAlmostNothing() throws {
        var generator = SeededGenerator(seed: 7)
        let shape = shape(32, 32, 32)
        let quantized = try quantize(generator.activation(shape, rectified: true), shape, bits: 8)
        let bytes = quantized.packed(as: .mixed, after: quantized)
        #expect(bytes.count < shape.count / 20)
        #expect(try QuantizedActivation(unpacking: bytes, after: quantized) == quantized)
    }

    @Test(arguments: 2...8)
    func noiseIsNeverLargerThanItsBits(bits: Int) throws {
        var generator = SeededGenerator(seed: 3)
        let shape = shape(16, 16, 16)
        let noise = (0..<shape.count).map { _ in Float(Int.random(in: 0..<1 << bits, using: &generator)) }
        let quantized = try quantize(noise, shape, bits: bits)
        for form in PackingForm.allCases where form != .bytesLZ4 {
            #expect(quantized.packed(as: form).count <= 64 + shape.count * bits / 8)
        }
    }

    @Test func arithmeticCodesNeverTakeMoreThanBitPlanesWithLZ4() throws {
        for seed in 1...300 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let isVector = seed.isMultiple(of: 2)
            let shape = shape(
                Int.random(in: 1...(isVector ? 200 : 12), using: &generator), isVector ? 1 : Int.random(in: 1...9, using: &generator),
                isVector ? 1 : Int.random(in: 1...9, using: &generator))
            let quantized = try generator.quantized(shape, bits: Int.random(in: 2...8, using: &generator))
            for form in [PackingForm.symbols, .mixed] {
                #expect(quantized.packed(as: form).count <= quantized.packed(as: .planesLZ4).count, "seed \(seed)")
            }
        }
    }

    @Test(arguments: 2...8, [false, true])
    func symbolsTakeFewerBytesThanLZ4AndMixedBitsFewerStill(bits: Int, rectified: Bool) throws {
        var generator = SeededGenerator(seed: 4)
        let shape = shape(16, 32, 32)
        let quantized = try quantize(generator.activation(shape, rectified: rectified), shape, bits: bits)
        let shuffled = quantized.packed(as: .planesLZ4).count
        let symbols = quantized.packed(as: .symbols).count
        #expect(Double(symbols) < 0.9 * Double(shuffled))
        #expect(quantized.packed(as: .mixed).count < symbols)
    }

    /// Two programs of different versions or machines must agree on these bytes, or each reads noise.
    @Test func theBytesOfOwnFormsArePinned() throws {
        var generator = SeededGenerator(seed: 5)
        let shape = shape(6, 11, 13)
        var digests: [UInt64] = []
        for bits in [2, 5, 8] {
            for form in [PackingForm.planes, .symbols, .mixed] {
                let codes = (0..<shape.count).map { position in
                    UInt8(min(Int.random(in: 0..<1 << bits, using: &generator), position % 13, Int.random(in: 0..<1 << bits, using: &generator)))
                }
                let quantized = QuantizedActivation(shape: shape, bits: bits, minimum: bits == 5 ? -1 : 0, step: 0.5, codes: codes)
                let bytes = quantized.packed(as: form)
                // FNV-1a, 64 bits.
                digests.append(bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
            }
        }
        #expect(
            digests == [
                17_994_496_861_121_357_396, 17_116_910_006_488_628_739, 16_566_371_526_335_891_020, 13_988_923_128_990_552_295,
                18_247_377_037_964_840_235, 9_244_831_288_495_955_647, 2_638_458_440_991_563_813, 7_460_223_925_875_975_722,
                4_861_926_813_777_512_076,
            ])
    }
}
