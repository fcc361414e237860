// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing

internal import Packing

@Suite struct HostileBytesTests {
    /// An arithmetic code wastes nothing, so that what is left of one may be another one; a message says how long each tensor is.
    @Test(arguments: PackingForm.allCases)
    func truncationsAreRefusedOrOfArithmeticCodesSometimesReadAsOtherNumbers(form: PackingForm) throws {
        var generator = SeededGenerator(seed: 11)
        var (truncations, read) = (0, 0)
        for bits in [2, 5, 8] {
            let shape = shape(4, 9, 7)
            let quantized = try quantize(generator.activation(shape, rectified: true), shape, bits: bits)
            let bytes = quantized.packed(as: form)
            for count in 0..<bytes.count {
                truncations += 1
                guard let other = try? QuantizedActivation(unpacking: Array(bytes[..<count])) else { continue }
                read += 1
                #expect(other.shape == shape && other != quantized && !other.codes.contains { Int($0) > other.largestCode })
            }
        }
        #expect(form == .symbols || form == .mixed ? read * 20 < truncations : read == 0, "\(read) of \(truncations)")
    }

    @Test(arguments: PackingForm.allCases)
    func bytesBehindTheEndAreRefused(form: PackingForm) throws {
        var generator = SeededGenerator(seed: 12)
        let shape = shape(4, 9, 7)
        let bytes = try quantize(generator.activation(shape, rectified: true), shape, bits: 4).packed(as: form)
        for extra in [0, 1, 255] as [UInt8] {
            #expect(throws: PackingError.self) { try QuantizedActivation(unpacking: bytes + [extra]) }
        }
    }

    @Test(arguments: PackingForm.allCases)
    func damagedBytesAreRefusedOrReadAsCodesOfTheStatedBits(form: PackingForm) throws {
        for seed in 1...3000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let shape = shape(
                Int.random(in: 1...6, using: &generator), Int.random(in: 1...8, using: &generator), Int.random(in: 1...8, using: &generator))
            let bytes = try generator.quantized(shape, bits: Int.random(in: 2...8, using: &generator)).packed(as: form)
            let damaged = generator.damaged(bytes)
            guard let read = try? QuantizedActivation(unpacking: damaged, maximumCount: 10_000) else { continue }
            #expect(read.codes.count == read.shape.count, "seed \(seed)")
            #expect(read.shape.count <= 10_000, "seed \(seed)")
            let (tooLarge, infinite) = (read.codes.contains { Int($0) > read.largestCode }, read.reals.contains { !$0.isFinite })
            #expect(!tooLarge && !infinite, "seed \(seed)")
        }
    }

    @Test func noiseIsRefusedOrRead() {
        for seed in 1...20_000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if bytes.count > 5 {
                bytes[0] = 0x20 | UInt8.random(in: 0...6, using: &generator)
                bytes[1] = UInt8.random(in: 1...9, using: &generator)
                for index in 2...4 { bytes[index] &= 0x1F }
            }
            let read = try? QuantizedActivation(unpacking: bytes)
            #expect((read?.codes.count ?? 0) <= 60 * QuantizedActivation.largestRatio * 8, "seed \(seed)")
        }
    }

    @Test(arguments: PackingForm.allCases)
    func aFewBytesThatSayTheyAreMillionsAreRefusedBeforeAnythingIsReserved(form: PackingForm) {
        var bytes: [UInt8] = [0x20 | form.rawValue, 8, 0x80, 0x80, 0x80, 0x08, 1, 1] + [UInt8](repeating: 0, count: 40)
        #expect(throws: PackingError.self) { try QuantizedActivation(unpacking: bytes) }
        #expect(code(of: bytes) == .tooLarge)
        // 2^28 − 1 in each direction: the product fits no 64 bits.
        bytes = [0x20 | form.rawValue, 8] + [UInt8](repeating: 0xFF, count: 3) + [0x7F] + [0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F]
        bytes += [UInt8](repeating: 0, count: 40)
        #expect(code(of: bytes) == .tooLarge)
    }

    @Test func anotherActivationBeforeThanThePackersIsRefused() throws {
        var generator = SeededGenerator(seed: 13)
        let shape = shape(4, 9, 7)
        let previous = try quantize(generator.activation(shape, rectified: true), shape, bits: 4)
        let other = try quantize(generator.activation(shape, rectified: true), shape, bits: 4)
        let bytes = try quantize(generator.activation(shape, rectified: true), shape, bits: 4).packed(as: .mixed, after: previous)
        #expect(code(of: bytes) == .reference)
        #expect(code(of: bytes, after: other) == .reference)
        #expect(code(of: bytes, after: previous) == nil)
        let smaller = try quantize([1, 2], ActivationShape(channels: 2, height: 1, width: 1) ?? shape, bits: 4)
        #expect(code(of: bytes, after: smaller) == .reference)
        let read = (0..<bytes.count).count { code(of: Array(bytes[..<$0]), after: previous) == nil }
        #expect(read * 20 < bytes.count)
        for seed in 1...3000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            guard let read = try? QuantizedActivation(unpacking: generator.damaged(bytes), after: previous, maximumCount: 10_000) else { continue }
            #expect(!read.codes.contains { Int($0) > read.largestCode }, "seed \(seed)")
        }
        var planes = bytes
        planes[0] = 0x28 | PackingForm.planes.rawValue
        #expect(code(of: planes, after: previous) == .damaged)
    }

    @Test func moreThanTheCallerExpectsIsRefused() throws {
        let bytes = try quantize([1, 2, 3, 4], shape(4, 1, 1), bits: 4).packed(as: .mixed)
        #expect(try QuantizedActivation(unpacking: bytes, maximumCount: 4).shape.count == 4)
        #expect(throws: PackingError.self) { try QuantizedActivation(unpacking: bytes, maximumCount: 3) }
    }

    @Test func fieldsOutsideTheirRangeAreRefusedByName() throws {
        let bytes = try quantize([1, 2, 3, 4], shape(4, 1, 1), bits: 4).packed(as: .planes)
        func changed(_ position: Int, _ values: UInt8...) -> [UInt8] {
            Array(bytes[..<position]) + values + Array(bytes[(position + values.count)...])
        }
        #expect(code(of: bytes) == nil)
        #expect(code(of: changed(0, 0x13)) == .version)
        #expect(code(of: changed(0, 0x27)) == .version)
        #expect(code(of: changed(0, 0x2B)) == .damaged)
        #expect(code(of: changed(1, 1)) == .damaged)
        #expect(code(of: changed(1, 9)) == .damaged)
        // A minimum of NaN; a step that is infinite, negative, or so large that codes overflow.
        #expect(code(of: changed(5, 0, 0, 0xC0, 0x7F)) == .damaged)
        #expect(code(of: changed(9, 0, 0, 0x80, 0x7F)) == .damaged)
        #expect(code(of: changed(9, 0, 0, 0x80, 0xBF)) == .damaged)
        #expect(code(of: changed(9, 0, 0, 0x7F, 0x7F)) == .damaged)
        // A size of 4 written in two bytes.
        #expect(code(of: Array(bytes[..<2]) + [0x84, 0] + Array(bytes[3...])) == .damaged)
    }

    private func code(of bytes: [UInt8], after previous: QuantizedActivation? = nil) -> PackingError.Code? {
        do throws(PackingError) {
            _ = try QuantizedActivation(unpacking: bytes, after: previous)
            return nil
        } catch {
            return error.code
        }
    }
}
