// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Tensors
internal import Testing

internal import Packing

@Suite struct PackedActivationTests {
    private func bytes(_ count: Int, _ range: ClosedRange<UInt8> = 0...255, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: range, using: &generator) }
    }

    @Test func whatTravelsInFloatsComesBackAsItWas() throws {
        var generator = SeededGenerator(seed: 31)
        let numbers = generator.activation(shape(3, 5, 4), rectified: false)
        let packed = try PackedActivation(Tensor(shape: [1, 3, 5, 4], numbers), nil, bits: 32)
        let bytes = packed.packed()
        #expect(bytes.count == 5 + 4 * 60 && bytes.prefix(5) == [0x20, 32, 3, 5, 4])
        let read = try PackedActivation(unpacking: bytes, maximumCount: 60)
        #expect(read == packed && read.reals == numbers && read.shape == shape(3, 5, 4))
    }

    @Test func eightBitNumbersTravelAsTheNumbersThatTheyStandFor() throws {
        let quantization = Quantization(scale: 0.03125, zeroPoint: 20)
        let numbers = bytes(48, 20...140, seed: 32)
        let tensor = Tensor(shape: [1, 48], numbers)
        let reals = numbers.map { quantization.dequantize($0) }
        #expect(try PackedActivation(tensor, quantization, bits: 32) == .reals(shape(48, 1, 1), reals))
        // They lie within 121 steps: 7 bits hold them exactly, fewer within half a step of theirs.
        for bits in 2...8 {
            let packed = try PackedActivation(tensor, quantization, bits: bits)
            guard case .quantized(let activation) = packed else {
                Issue.record("\(bits) bits aren't floats")
                continue
            }
            #expect(activation.bits == bits)
            if bits >= 7 { #expect(packed.reals == reals) }
            let largest = zip(packed.reals, reals).map { abs($0 - $1) }.max() ?? 0
            #expect(largest <= activation.step * 0.5001, "\(bits) bits")
            for form in PackingForm.allCases { #expect(try PackedActivation(unpacking: packed.packed(as: form)) == packed) }
        }
    }

    @Test func aFloatTensorIsQuantisedWithItsOwnRange() throws {
        var generator = SeededGenerator(seed: 33)
        let numbers = generator.activation(shape(2, 4, 4), rectified: true)
        let packed = try PackedActivation(Tensor(shape: [1, 2, 4, 4], numbers), nil, bits: 5)
        #expect(packed == .quantized(try quantize(numbers, shape(2, 4, 4), bits: 5)))
    }

    @Test func shapesOfOneFrameAreTaken() {
        #expect(ActivationShape(of: [1, 3, 5, 7]) == shape(3, 5, 7))
        #expect(ActivationShape(of: [1, 10]) == shape(10, 1, 1) && ActivationShape(of: [6]) == shape(6, 1, 1) && ActivationShape(of: [1, 4, 5]) == shape(20, 1, 1))
        #expect(ActivationShape(of: [2, 3, 5, 7]) == nil && ActivationShape(of: [1, 1 << 20, 1 << 20]) == nil)
        #expect(throws: PackingError.self) { try PackedActivation(Tensor(shape: [2, 3], [Float](repeating: 0, count: 6)), nil, bits: 4) }
    }

    @Test func damagedFloatsAreRefusedOrRead() throws {
        var generator = SeededGenerator(seed: 34)
        let good = try PackedActivation(Tensor(shape: [1, 2, 3, 4], generator.activation(shape(2, 3, 4), rectified: false)), nil, bits: 32).packed()
        for count in good.indices { #expect(throws: PackingError.self) { try PackedActivation(unpacking: Array(good[..<count])) } }
        #expect(throws: PackingError.self) { try PackedActivation(unpacking: good + [0]) }
        #expect(throws: PackingError.self) { try PackedActivation(unpacking: good, maximumCount: 23) }
        // More sizes than bytes: refused before room is made for them.
        #expect(throws: PackingError.self) { try PackedActivation(unpacking: [0x20, 32, 0xFF, 0xFF, 0x3F, 1, 1]) }
        for infinite in [Float.nan, .infinity] {
            var bytes = good
            for index in 0..<4 { bytes[5 + index] = UInt8(truncatingIfNeeded: infinite.bitPattern >> UInt32(8 * index)) }
            #expect(throws: PackingError.self) { try PackedActivation(unpacking: bytes) }
            #expect(throws: PackingError.self) { try PackedActivation(Tensor(shape: [1, 2], [infinite, 1]), nil, bits: 32) }
        }
        for _ in 0..<3000 {
            guard let read = try? PackedActivation(unpacking: generator.damaged(good), maximumCount: 1000) else { continue }
            let isWhole = read.reals.count == read.shape.count && read.shape.count <= 1000
            #expect(isWhole && read.reals.allSatisfy(\.isFinite))
        }
    }
}
