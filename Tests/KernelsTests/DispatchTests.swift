// SPDX-License-Identifier: Apache-2.0
import Kernels
import Networks
import Tensors
import Testing

struct DispatchTests {
    private func choice(_ features: CPUFeatures, window: Int = 3, groups: Int = 1, channels: Int = 32, outputs: Int = 64) -> String {
        QuantizedConvolution(
            weights: Tensor(shape: [outputs, channels / groups, window, window], [Int8](repeating: 1, count: outputs * channels / groups * window * window)),
            bias: nil, inputHeight: 8, inputWidth: 8, inputChannels: channels,
            convolution: Convolution(window: Window(size: [window, window]), groups: groups), input: Quantization(scale: 1, zeroPoint: 0),
            weight: Quantization(scale: 1, zeroPoint: 0), output: Quantization(scale: 1, zeroPoint: 0), residual: nil, features: features
        ).kernelName
    }

    @Test func theFirstKernelOfEachKindIsPlain() {
        for kind in KernelName.Kind.allCases { #expect(KernelName.all.first { $0.kind == kind }?.features == []) }
        #expect(Set(KernelName.all.map(\.name)).count == KernelName.all.count)
    }

    @Test func withoutFeaturesEverythingIsPlain() {
        #expect(choice([]) == "qgemm_u8s8_4x4x1_plain")
        #expect(choice([], groups: 32, outputs: 32) == "qdepthwise_u8s8_1x1_plain")
        #expect(FloatActivation(.relu, features: []).kernelName == "activate_f32_plain")
    }

    #if arch(x86_64)
    @Test func eachFeatureSetHasItsKernel() {
        #expect(choice([.avx2]) == "qwinograd_u8s8_6x16x2_avx2")
        #expect(choice([.avx2], window: 2) == "qbinned_u8s8_64x1x4_avx2")
        #expect(choice([.avx2], channels: 1843) == "qbinned_u8s8_64x1x4_avx2", "more channels than 32 bits hold")
        #expect(choice([.avx2], window: 7) == "qgemm_u8s8_6x16x2_avx2", "too few pixels to fill vectors")
        #expect(choice([.avx2, .avxVNNI]) == "qgemm_u8s8_6x16x4_avxvnni")
        #expect(choice([.avx2, .avx512VNNI]) == "qgemm_u8s8_14x32x4_avx512vnni")
        #expect(choice([.avx2, .avxVNNI, .avx512VNNI], outputs: 16) == "qgemm_u8s8_14x32x4_avx512vnni")
        #expect(choice([.avx2, .avxVNNI, .avx512VNNI], window: 8) == "qgemm_u8s8_1x128x4_avx512vnni", "one pixel of output")
        #expect(choice([.avx512VNNI]) == "qgemm_u8s8_4x4x1_plain", "a kernel needs all of its features")
        #expect(choice([.avx2], window: 3, groups: 32, outputs: 32) == "qdepthwise3x3_u8s8_32x2_avx2")
        #expect(choice([.avx2], window: 5, groups: 32, outputs: 32) == "qdepthwise5x5_u8s8_32x2_avx2")
        #expect(choice([.avx2], window: 4, groups: 32, outputs: 32) == "qdepthwise_u8s8_32x2_avx2")
        #expect(choice([.avx2, .avx512VNNI], window: 3, groups: 32, outputs: 32) == "qdepthwise3x3_u8s8_64x4_avx512vnni")
        #expect(choice([.avx2, .avx512VNNI], window: 5, groups: 32, outputs: 32) == "qdepthwise5x5_u8s8_64x4_avx512vnni")
        #expect(choice([.avx2, .avx512VNNI], window: 4, groups: 32, outputs: 32) == "qdepthwise_u8s8_64x4_avx512vnni")
        #expect(choice([.avx2], groups: 32, outputs: 64) == "qgemm_u8s8_6x16x2_avx2", "two outputs an input aren't depthwise")
        #expect(QuantizedMean(pixels: 1, channels: 1, input: Quantization(scale: 1, zeroPoint: 0), output: Quantization(scale: 1, zeroPoint: 0), features: [.avx2]).kernelName == "mean_u8_avx2")
        let one = Quantization(scale: 1, zeroPoint: 0)
        #expect(ActivationTable(input: one, output: one, features: [.avx2, .avx512VNNI]).kernelName == "table_u8_avx512")
        #expect(ActivationTable(input: one, output: one, features: [.avx2, .avx512VNNI, .avx512VBMI]).kernelName == "table_u8_avx512vbmi")
    }
    #elseif arch(arm64)
    @Test func eachFeatureSetHasItsKernel() {
        #expect(choice([.neon]) == "qwinograd_u8s8_4x16x2_neon")
        #expect(choice([.neon], window: 1) == "qgemm_s8s8_2x16x4_neon")
        #expect(choice([.neon, .neonDot]) == "qgemm_s8s8_6x16x4_neondot")
        #expect(choice([.neon, .neonDot, .neonI8MM]) == "qgemm_u8s8_4x16x8_neoni8mm")
        #expect(choice([.neon], window: 3, groups: 32, outputs: 32) == "qdepthwise3x3_s8s8_16x2_neon")
        #expect(choice([.neon, .neonDot], window: 5, groups: 32, outputs: 32) == "qdepthwise5x5_s8s8_16x4_neondot")
    }
    #endif

    @Test func namesOfInstructionSetsBringWhatTheyBuildOn() {
        #expect(CPUFeatures(names: "plain") == [])
        #expect(CPUFeatures(names: "") == nil && CPUFeatures(names: "plain,") == nil)
        #expect(CPUFeatures(names: "avx2") == [.avx2])
        #expect(CPUFeatures(names: "avx512vnni") == [.avx2, .avx512VNNI])
        #expect(CPUFeatures(names: "avx512vbmi") == [.avx2, .avx512VNNI, .avx512VBMI])
        #expect(CPUFeatures(names: "avxvnni,avx512vnni") == [.avx2, .avxVNNI, .avx512VNNI])
        #expect(CPUFeatures(names: "neondot") == [.neon, .neonDot])
        #expect(CPUFeatures(names: "avx3") == nil)
        #expect(CPUFeatures.detected.isSuperset(of: CPUFeatures.current))
        #expect(CPUFeatures(names: "avxvnni,avx512vnni")?.description == "avx2,avxvnni,avx512vnni")
        #expect(CPUFeatures().description == "plain")
    }

    @Test func instructionSetsThatAreUnknownOrNotHereAreAnError() throws {
        #expect(try CPUFeatures.selected(by: "") == CPUFeatures.detected)
        #expect(try CPUFeatures.selected(by: "plain") == [])
        for level in CPUFeatures.selectable.dropLast() { #expect(try CPUFeatures.selected(by: level.name) == level.features) }
        #if arch(x86_64)
        let foreign = "neon"
        #else
        let foreign = "avx2"
        #endif
        for names in ["avx3", "plain,avx3", ",", "AVX2", foreign, "plain,\(foreign)"] {
            #expect(throws: InstructionSetError.self) { try CPUFeatures.selected(by: names) }
        }
    }
}
