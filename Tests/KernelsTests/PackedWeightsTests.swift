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

    private func floatWeights(_ shape: [Int], seed: UInt64) -> Tensor {
        var random = SeededGenerator(seed: seed)
        return Tensor(shape: shape, (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &random) })
    }

    private func packed(_ tensor: Tensor) -> Tensor {
        Tensor(type: tensor.type, shape: tensor.shape, storage: TensorStorage(PackedWeights(tensor.reshaped(tensor.shape + Array(repeating: 1, count: 4 - tensor.shape.count)))))
    }

    @Test(arguments: [ElementType.int8, .float32]) func unpackedWeightsAreThoseThatWerePacked(type: ElementType) throws {
        for (seed, shape) in shapes.enumerated() {
            let tensor = type == .int8 ? weights(shape, seed: UInt64(seed)) : floatWeights(shape, seed: UInt64(seed))
            let packed = PackedWeights(tensor)
            #expect(packed.packedShape.elementCount * type.size == packed.storage.count)
            let again = try #require(PackedWeights(type: type, shape: shape, storage: packed.storage))
            let lent = Tensor(type: type, shape: shape, storage: TensorStorage(again))
            #expect(lent.floats == tensor.floats, "\(shape)")
            #expect(lent.reshaped([shape.elementCount]).count == tensor.count)
        }
    }

    @Test func bytesThatDoNotFitAreRefused() {
        let storage = unsafe TensorStorage(count: 64) { unsafe _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
        #expect(PackedWeights(type: .int8, shape: [1, 1, 1, 1], storage: storage) != nil)
        #expect(PackedWeights(type: .float32, shape: [16, 1, 1, 1], storage: storage) != nil)
        #expect(PackedWeights(type: .float32, shape: [16, 2, 1, 1], storage: storage) == nil)
        #expect(PackedWeights(type: .int16, shape: [1, 1, 1, 1], storage: storage) == nil)
        for shape in [[17, 1, 1, 1], [1, 5, 1, 1], [1, 1, 2, 1], [0, 1, 1, 1], [1, 1, 1], [1, 1, 1, 1 << 62], [1 << 40, 1 << 40, 1, 1], [-1, -1, 1, 1]] {
            #expect(PackedWeights(type: .int8, shape: shape, storage: storage) == nil, "\(shape)")
        }
    }

    /// The kernels that take four depths at a time do, of x86-64 as of ARM.
    @Test func packedWeightsAreReadWhereTheyLieByKernelsOfTheirOrder() {
        let inPlace: Set = [
            "qgemm_u8s8_6x16x4_avxvnni", "qgemm_u8s8_14x32x4_avx512vnni", "qgemm_u8s8_1x128x4_avx512vnni", "qgemm_s8s8_2x16x4_neon",
            "qgemm_s8s8_6x16x4_neondot",
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

    /// Strided, so that no shape is Winograd's.
    private func floatLayer(_ weights: Tensor, features: CPUFeatures = .current, stride: Int = 2, bias: [Float]? = nil, activation: Activation = .none) -> FloatConvolution {
        let shape = weights.shape
        return FloatConvolution(
            weights: weights, bias: bias, inputHeight: shape[2] + 12, inputWidth: shape[3] + 13, inputChannels: shape[1],
            convolution: Convolution(window: Window(size: [shape[2], shape[3]], strides: [stride, stride]), activation: activation), features: features)
    }

    /// There is one order for the float32 kernels of all instruction sets but AVX-512, whose tiles are of two panels side by side.
    @Test func packedFloatWeightsAreReadWhereTheyLie() {
        for (seed, shape) in shapes.enumerated() where shape[0] > 1 {
            let tensor = floatWeights(shape, seed: UInt64(400 + seed))
            for (name, features) in CPUFeatures.selectable where features.isSubset(of: .current) {
                let layer = floatLayer(packed(tensor), features: features)
                #expect(layer.readsWeightsInPlace == !layer.kernelName.hasSuffix("avx512"), "\(shape) on \(name)")
                #expect(!floatLayer(tensor, features: features).readsWeightsInPlace)
            }
        }
        let matrix = floatWeights([40, 70], seed: 9)
        let product = FloatGemm(Gemm(transposesB: true), rows: 3, weights: packed(matrix), addend: nil)
        #expect(product.readsWeightsInPlace == !product.kernelName.hasSuffix("avx512"))
        #expect(!FloatGemm(Gemm(alpha: 2, transposesB: true), rows: 3, weights: packed(matrix), addend: nil).readsWeightsInPlace)
    }

    /// The direct method, Winograd's, and a depthwise one.
    @Test func floatConvolutionsGiveTheSameBitsFromPackedWeights() {
        for (seed, shape) in (shapes + [[64, 32, 3, 3], [48, 16, 3, 3]]).enumerated() {
            let tensor = floatWeights(shape, seed: UInt64(500 + seed))
            var random = SeededGenerator(seed: UInt64(600 + seed))
            let image = (0..<(shape[2] + 12) * (shape[3] + 13) * shape[1]).map { _ in Float.random(in: -1...1, using: &random) }
            let bias = (0..<shape[0]).map { _ in Float.random(in: -1...1, using: &random) }
            for (name, features) in CPUFeatures.selectable where features.isSubset(of: .current) {
                for stride in [1, 2] {
                    let results = [tensor, packed(tensor)].map { weights -> [Float] in
                        let layer = floatLayer(weights, features: features, stride: stride, bias: bias, activation: .hardSwish)
                        #expect(layer.isWinograd == (stride == 1 && shape[2] == 3 && shape[0] > 40))
                        var output = [Float](repeating: 0, count: layer.outputHeight * layer.outputWidth * shape[0])
                        var scratch = [UInt8](repeating: 0, count: layer.scratchBytes)
                        var span = output.mutableSpan
                        var area = scratch.mutableSpan
                        layer.run(input: image.span, residual: nil, output: &span, scratch: &area, rows: 0..<layer.outputHeight)
                        return output
                    }
                    #expect(results[0] == results[1], "\(shape) on \(name)")
                }
            }
        }
    }
}
