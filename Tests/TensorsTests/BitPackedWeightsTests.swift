// SPDX-License-Identifier: Apache-2.0
import Tensors
import Testing
import TestSupport

@Suite struct BitPackedWeightsTests {
    private func random(_ count: Int, _ width: BitPackedWeights.Width, seed: UInt64 = 1) -> [Int8] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Int8.random(in: width.range, using: &random) }
    }

    @Test(arguments: BitPackedWeights.Width.allCases) func numbersComeBackAsTheyWere(width: BitPackedWeights.Width) throws {
        for count in Array(0...50) + [1000] {
            let numbers = random(count, width, seed: UInt64(count))
            let packed = BitPackedWeights(numbers.span, width: width)
            #expect(packed.storage.count == (count * width.rawValue + 7) / 8)
            let tensor = Tensor(type: .int8, shape: [count], storage: TensorStorage(packed))
            #expect(tensor.elements(of: Int8.self) == numbers)
            let again = try #require(BitPackedWeights(width: width, count: count, storage: packed.storage))
            #expect(Tensor(type: .int8, shape: [count], storage: TensorStorage(again)).elements(of: Int8.self) == numbers)
        }
    }

    @Test(arguments: BitPackedWeights.Width.allCases) func numbersStandInTheBitsThatTheFormatSays(width: BitPackedWeights.Width) {
        let numbers = random(37, width)
        let packed = BitPackedWeights(numbers.span, width: width)
        let bytes = Tensor(type: .uint8, shape: [packed.storage.count], storage: packed.storage).elements(of: UInt8.self)
        let bits = bytes.flatMap { byte in (0..<8).map { Int(byte >> $0) & 1 } }
        for (index, number) in numbers.enumerated() {
            let code = (0..<width.rawValue).reduce(0) { $0 + bits[index * width.rawValue + $1] << $1 }
            #expect(code == Int(number) + 1 << (width.rawValue - 1))
        }
        #expect(!bits[(numbers.count * width.rawValue)...].contains(1))
    }

    @Test(arguments: BitPackedWeights.Width.allCases) func anotherNumberOfBytesIsRefused(width: BitPackedWeights.Width) {
        let storage = BitPackedWeights(random(24, width).span, width: width).storage
        #expect(BitPackedWeights(width: width, count: 24, storage: storage) != nil)
        for count in [Int.min, -1, 0, 1, 15, 33, 1 << 60, .max] {
            #expect(BitPackedWeights(width: width, count: count, storage: storage) == nil, "\(count)")
        }
    }

    @Test func theFewestBitsAreTaken() {
        for least in Int8(-12)...0 {
            for greatest in Int8(0)...12 {
                let fitting = [2, 3, 4].first { least >= -(1 << ($0 - 1)) && greatest < 1 << ($0 - 1) }
                #expect(BitPackedWeights.Width(holding: [0, greatest, least, 0].span)?.rawValue == fitting, "\(least) … \(greatest)")
            }
        }
        #expect(BitPackedWeights.Width(holding: [Int8.min].span) == nil)
        #expect(BitPackedWeights.Width(holding: [Int8]().span) == .two)
    }
}
