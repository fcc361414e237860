// SPDX-License-Identifier: Apache-2.0
import Kernels
import Networks
import Tensors
import Testing

/// Weights of 4 bits, two to a byte.
struct NarrowWeightsTests {
    @Test(arguments: KernelName.runnable(.narrow), [false, true])
    func everyDepthAndWidthEqualsTheDefinition(_ kernel: KernelName, float: Bool) {
        var samples = Samples(seed: 20)
        for depth in Array(1...20) + [255, 1024] {
            for (pixels, outputs) in [(1, 1), (1, 15), (2, 16), (1, 17), (3, 33), (1, 128), (1, 129), (4, 300)] {
                var sample = ConvolutionCase(
                    &samples, channels: depth, height: pixels, width: 1, outputs: outputs, window: Window(size: [1, 1]),
                    residual: depth % 2 == 0, float: float, extremes: depth % 3 == 0)
                sample.weights = Tensor(shape: sample.weights.shape, sample.weights.elements(of: Int8.self).map { $0 >> 4 })
                let layer = sample.layer(kernel: kernel)
                #expect(layer.kernelName == kernel.name)
                let difference = firstDifference(sample.run(layer), sample.expected())
                #expect(difference == nil, "seed 20, \(sample): \(difference ?? "")")
            }
        }
    }

    @Test func onlyLayersOfFewPixelsWhoseWeightsFitTakeThem() {
        func choice(_ pixels: Int, least: Int8, _ features: CPUFeatures) -> String {
            var samples = Samples(seed: 21)
            var sample = ConvolutionCase(&samples, channels: 40, height: pixels, width: 1, outputs: 20, window: Window(size: [1, 1]))
            var weights = sample.weights.elements(of: Int8.self).map { $0 >> 4 }
            weights[17] = least
            sample.weights = Tensor(shape: sample.weights.shape, weights)
            return sample.layer(features: features).kernelName
        }
        #expect(choice(1, least: -8, []) == "qgemm_u8s8_4x4x1_plain", "plain C gains nothing")
        #if arch(arm64)
        #expect(choice(1, least: -8, [.neon]) == "qnarrow_u8s4_1x16x8_neon")
        #expect(choice(1, least: -8, [.neon, .neonDot]) == "qnarrow_u8s4_1x16x8_neondot")
        #expect(choice(4, least: -8, [.neon, .neonDot, .neonI8MM]) == "qnarrow_u8s4_1x16x8_neondot")
        #expect(!choice(5, least: -8, [.neon]).contains("u8s4"))
        #endif
        #if arch(x86_64)
        #expect(choice(1, least: -8, [.avx2]) == "qnarrow_u8s4_1x32x8_avx2")
        #expect(choice(1, least: -8, [.avx2, .avxVNNI]) == "qnarrow_u8s4_1x16x8_avxvnni")
        #expect(choice(4, least: -8, [.avx2, .avxVNNI, .avx512VNNI]) == "qnarrow_u8s4_1x128x8_avx512vnni")
        #expect(!choice(5, least: -8, [.avx2, .avx512VNNI]).contains("u8s4"))
        #expect(!choice(1, least: -9, [.avx2, .avx512VNNI]).contains("u8s4"))
        #expect(!choice(1, least: 8, [.avx2, .avx512VNNI]).contains("u8s4"))
        #endif
    }
}
