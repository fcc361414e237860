// SPDX-License-Identifier: Apache-2.0
import Kernels
import Networks
import Tensors
import TestSupport
import Testing

/// Weights that lie packed in a file.
struct PackedWeightsTests {
    private let shapes = [[1, 1, 1, 1], [5, 3, 3, 3], [16, 4, 1, 1], [17, 5, 1, 1], [33, 7, 3, 2], [40, 16, 5, 1], [64, 1100, 1, 1]]

    private func weights(_ shape: [Int], seed: UInt64) -> Tensor {
        var random = SeededGenerator(seed: seed)
        return Tensor(shape: shape, (0..<shape.elementCount).map { _ in Int8.random(in: -127...127, using: &random) })
    }

    @Test func unpackedWeightsAreThoseThatWerePacked() throws {
        for (seed, shape) in shapes.enumerated() {
            let tensor = weights(shape, seed: UInt64(seed))
            let packed = PackedWeights(tensor)
            #expect(packed.packedShape.elementCount == packed.storage.count)
            let again = try #require(PackedWeights(shape: shape, storage: packed.storage))
            let lent = Tensor(type: .int8, shape: shape, storage: TensorStorage(again))
            #expect(lent.elements(of: Int8.self) == tensor.elements(of: Int8.self), "\(shape)")
            #expect(lent.reshaped([shape.elementCount]).count == tensor.count)
        }
    }

    @Test func bytesThatDoNotFitAreRefused() {
        let storage = unsafe TensorStorage(count: 64) { unsafe _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
        #expect(PackedWeights(shape: [1, 1, 1, 1], storage: storage) != nil)
        for shape in [[17, 1, 1, 1], [1, 5, 1, 1], [1, 1, 2, 1], [0, 1, 1, 1], [1, 1, 1], [1, 1, 1, 1 << 62], [1 << 40, 1 << 40, 1, 1], [-1, -1, 1, 1]] {
            #expect(PackedWeights(shape: shape, storage: storage) == nil, "\(shape)")
        }
    }

    /// The kernels of four products into 32 bits do, of x86-64 as of ARM.
    @Test func packedWeightsAreReadWhereTheyLieByKernelsOfTheirOrder() {
        let inPlace: Set = [
            "qgemm_u8s8_6x16x4_avxvnni", "qgemm_u8s8_14x32x4_avx512vnni", "qgemm_u8s8_1x128x4_avx512vnni", "qgemm_s8s8_6x16x4_neondot",
        ]
        for (seed, shape) in shapes.enumerated() {
            let packed = Tensor(type: .int8, shape: shape, storage: TensorStorage(PackedWeights(weights(shape, seed: UInt64(300 + seed)))))
            for kernel in KernelName.runnable(.convolution) {
                let layer = QuantizedConvolution(
                    weights: packed, bias: nil, inputHeight: 7, inputWidth: 9, inputChannels: shape[1],
                    convolution: Convolution(window: Window(size: [shape[2], shape[3]])), input: Quantization(scale: 0.02, zeroPoint: 117),
                    weight: Quantization(scale: 0.01, zeroPoint: 0), output: Quantization(scale: 0.3, zeroPoint: 100), residual: nil,
                    kernel: kernel)
                #expect(layer.readsWeightsInPlace == inPlace.contains(kernel.name), "\(shape), \(kernel)")
            }
        }
    }

    /// On every instruction set: those whose kernels take the order as it is, and those that pack anew.
    @Test func convolutionsGiveTheSameBitsFromPackedWeights() {
        for (seed, shape) in shapes.enumerated() {
            let tensor = weights(shape, seed: UInt64(100 + seed))
            let packed = Tensor(type: .int8, shape: shape, storage: TensorStorage(PackedWeights(tensor)))
            let (height, width) = (shape[2] + 4, shape[3] + 8)
            var random = SeededGenerator(seed: UInt64(200 + seed))
            let image = (0..<height * width * shape[1]).map { _ in UInt8.random(in: 0...255, using: &random) }
            let bias = (0..<shape[0]).map { _ in Int32.random(in: -9999...9999, using: &random) }
            for (name, features) in CPUFeatures.selectable where features.isSubset(of: .current) {
                let results = [tensor, packed].map { weights -> [UInt8] in
                    let convolution = QuantizedConvolution(
                        weights: weights, bias: bias, inputHeight: height, inputWidth: width, inputChannels: shape[1],
                        convolution: Convolution(window: Window(size: [shape[2], shape[3]])), input: Quantization(scale: 0.02, zeroPoint: 117),
                        weight: Quantization(scale: 0.01, zeroPoint: 0), output: Quantization(scale: 0.3, zeroPoint: 100), residual: nil,
                        features: features)
                    var output = [UInt8](repeating: 0, count: convolution.outputHeight * convolution.outputWidth * shape[0])
                    var scratch = [UInt8](repeating: 0, count: convolution.scratchBytes)
                    var span = output.mutableSpan
                    var area = scratch.mutableSpan
                    convolution.run(input: image.span, residual: nil, output: &span, scratch: &area, rows: 0..<convolution.outputHeight)
                    return output
                }
                #expect(results[0] == results[1], "\(shape) on \(name)")
            }
        }
    }
}
