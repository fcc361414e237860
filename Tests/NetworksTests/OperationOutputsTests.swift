// SPDX-License-Identifier: Apache-2.0
import Networks
import Tensors
import Testing

private func value(_ shape: [Int], _ type: ElementType = .float32) -> Value { Value(name: "v", type: type, shape: shape) }

private func shapes(_ operation: Networks.Operation, _ inputs: [[Int]], declared: [Value] = []) throws -> [[Int]] {
    try operation.outputs(of: inputs.map { value($0) }, declared: declared).map(\.shape)
}

struct OperationOutputsTests {
    @Test func aConvolutionCoversGroupsDilationStridesAndUnequalPads() throws {
        let window = Window(size: [3, 3], strides: [2, 1], dilations: [1, 2], padsBefore: [0, 1], padsAfter: [1, 2])
        let operation = Networks.Operation.convolution(Convolution(window: window, groups: 2))
        #expect(try shapes(operation, [[1, 4, 8, 9], [6, 2, 3, 3], [6]]) == [[1, 6, 4, 8]])
        #expect(throws: GraphError.self) { try shapes(operation, [[1, 4, 8, 9], [6, 4, 3, 3]]) }
        #expect(throws: GraphError.self) { try shapes(operation, [[1, 4, 8, 9], [6, 2, 3, 3], [5]]) }
        #expect(throws: GraphError.self) { try shapes(operation, [[1, 4, 8], [6, 2, 3, 3]]) }
        #expect(throws: GraphError.self) { try shapes(operation, [[1, 4, 1, 9], [6, 2, 3, 3]]) }
    }

    /// Against a count of the positions one by one.
    @Test func everySmallWindowHasAsManyPositionsAsFit() throws {
        for length in 1...7 { for size in 1...3 { for stride in 1...3 { for before in 0..<size { for after in 0..<size {
            let window = Window(size: [size], strides: [stride], padsBefore: [before], padsAfter: [after])
            let fitting = (0..<20).filter { $0 * stride + size <= before + length + after }.count
            guard fitting > 0 else { continue }
            #expect(try window.positions(axis: 0, length: length) == fitting)
            let started = (0..<20).filter { index in
                let start = index * stride
                return start < before + length && (index == 0 || (index - 1) * stride + size < before + length + after)
            }.count
            #expect(try window.positions(axis: 0, length: length, ceilMode: true) == started)
        } } } } }
    }

    @Test func parametersOutOfRangeAreErrors() {
        let bad: [Window] = [
            Window(size: [0, 1]), Window(size: [1]), Window(size: [1, 1], strides: [0, 1]), Window(size: [1, 1], dilations: [1, -1]),
            Window(size: [1, 1], padsBefore: [-1, 0]), Window(size: [1, 1], padsAfter: [.max, 0]), Window(size: [.max, .max]),
            Window(size: [1, 1], strides: [1]),
        ]
        for window in bad {
            let pool = Networks.Operation.pool(Pooling(kind: .maximum, window: window))
            #expect(throws: GraphError.self) { try shapes(pool, [[1, 1, 4, 4]]) }
        }
        let others: [(Networks.Operation, [[Int]])] = [
            (.softmax(axis: 2), [[2, 2]]), (.softmax(axis: -1), [[2, 2]]), (.mean(axes: [0, 0], keepsDimensions: true), [[2]]),
            (.mean(axes: [0], keepsDimensions: true), [[0]]), (.split(axis: 0, sizes: [1, 2]), [[4]]), (.split(axis: 0, sizes: [5, -1]), [[4]]),
            (.split(axis: 0, sizes: [.max, .max]), [[4]]), (.transpose(permutation: [0, 0]), [[1, 2]]),
            (.slice([SliceRange(axis: 0, start: 3, step: 2, count: 2)]), [[4]]), (.slice([SliceRange(axis: 0, start: 0, step: 0, count: 1)]), [[4]]),
            (.slice([SliceRange(axis: 0, start: .max, step: 1 << 30, count: 4)]), [[4]]),
            (.pad(Padding(mode: .constant, before: [-3], after: [0])), [[2]]), (.pad(Padding(mode: .reflect, before: [2], after: [0])), [[2]]),
            (.pad(Padding(mode: .edge, before: [1], after: [0])), [[0]]), (.pad(Padding(mode: .constant, before: [.min], after: [0])), [[2]]),
            (.pad(Padding(mode: .constant, before: [1 << 29], after: [0])), [[2]]), (.concatenation(axis: 0), [[2], [2, 2]]),
            (.concatenation(axis: 0), []), (.gemm(Gemm()), [[2, 3], [2, 3]]), (.matMul, [[2, 3], [2, 3]]), (.matMul, [[], [2]]),
            (.binary(.add, activation: .none), [[2], [3]]), (.binary(.add, activation: .none), [[2]]), (.prelu, [[2], [2, 2]]),
            (.reshape, [[2]]), (.gather(axis: 0), [[2], [1]]), (.localResponseNormalization(size: 0, alpha: 1, beta: 1, bias: 1), [[1, 1]]),
            (.binary(.add, activation: .none), [[1 << 20, 1], [1, 1 << 20]]), (.activation(.none), [Array(repeating: 1, count: 9)]),
        ]
        for (operation, inputs) in others {
            #expect(throws: GraphError.self, "\(operation)") { try shapes(operation, inputs) }
        }
    }

    @Test func matrixProductsFollowNumpy() throws {
        #expect(try shapes(.matMul, [[3], [3]]) == [[]])
        #expect(try shapes(.matMul, [[4], [2, 4, 1]]) == [[2, 1]])
        #expect(try shapes(.matMul, [[1, 2, 4, 3], [3]]) == [[1, 2, 4]])
        #expect(try shapes(.matMul, [[3, 1, 3, 4], [1, 2, 4, 2]]) == [[3, 2, 3, 2]])
        #expect(try shapes(.gemm(Gemm(transposesA: true, transposesB: true)), [[4, 3], [5, 4], [1, 5]]) == [[3, 5]])
    }

    @Test func layoutOperationsGiveTheirShapes() throws {
        #expect(try shapes(.concatenation(axis: 1), [[2, 1], [2, 3]]) == [[2, 4]])
        #expect(try shapes(.split(axis: 1, sizes: [0, 2, 1]), [[2, 3]]) == [[2, 0], [2, 2], [2, 1]])
        #expect(try shapes(.slice([SliceRange(axis: 1, start: 5, step: -2, count: 3)]), [[2, 6]]) == [[2, 3]])
        #expect(try shapes(.pad(Padding(mode: .constant, before: [1, -1], after: [0, -1])), [[2, 6]]) == [[3, 4]])
        #expect(try shapes(.transpose(permutation: [2, 0, 1]), [[1, 2, 3]]) == [[3, 1, 2]])
        #expect(try shapes(.mean(axes: [1], keepsDimensions: false), [[2, 3, 4]]) == [[2, 4]])
        #expect(try shapes(.reshape, [[2, 3]], declared: [value([6, 1])]) == [[6, 1]])
        #expect(throws: GraphError.self) { try shapes(.reshape, [[2, 3]], declared: [value([5])]) }
        let gathered = try Networks.Operation.gather(axis: 1).outputs(of: [value([2, 3, 4]), value([5, 6], .int64)])
        #expect(gathered == [TensorType(.float32, [2, 5, 6, 4])])
        let outOfRange = Value(name: "i", constant: Tensor(shape: [1], [Int64(3)]))
        #expect(throws: GraphError.self) { try Networks.Operation.gather(axis: 1).outputs(of: [value([2, 3, 4]), outOfRange]) }
    }

    @Test func elementTypesMustAgree() {
        let add = Networks.Operation.binary(.add, activation: .none)
        #expect(throws: GraphError.self) { try add.outputs(of: [value([1]), value([1], .int32)]) }
        #expect(throws: GraphError.self) { try add.outputs(of: [value([1], .bool), value([1], .bool)]) }
        #expect(throws: GraphError.self) { try Networks.Operation.softmax(axis: 0).outputs(of: [value([1], .int8)]) }
        #expect(throws: GraphError.self) { try Networks.Operation.activation(.sigmoid).outputs(of: [value([1], .int8)]) }
        #expect(throws: GraphError.self) { try Networks.Operation.gather(axis: 0).outputs(of: [value([1]), value([1])]) }
    }

    @Test func quantisationTakesItsTypeFromTheZeroPoint() throws {
        let quantize = Networks.Operation.quantize(axis: 1, blockSize: 0)
        #expect(try quantize.outputs(of: [value([2, 3]), value([3]), value([3], .int8)]) == [TensorType(.int8, [2, 3])])
        #expect(try quantize.outputs(of: [value([2, 3]), value([])]) == [TensorType(.uint8, [2, 3])])
        #expect(throws: GraphError.self) { try quantize.outputs(of: [value([2, 3]), value([2])]) }
        let blocked = Networks.Operation.dequantize(axis: 1, blockSize: 2)
        #expect(try blocked.outputs(of: [value([2, 3], .int16), value([2, 2])]) == [TensorType(.float32, [2, 3])])
        #expect(throws: GraphError.self) { try blocked.outputs(of: [value([2, 3], .int16), value([2, 3])]) }
        #expect(throws: GraphError.self) { try blocked.outputs(of: [value([2, 3], .int16)]) }
    }
}
