// SPDX-License-Identifier: Apache-2.0
import Definitions
import FoundationEssentials
import Networks
import ONNXImport
import TestSupport
import Tensors
import Testing

func readAll(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

/// `(37 · i + 11 · ⌊i / 97⌋) mod 256`, then `value · scale + offset`.
private func patternImage(_ shape: [Int], scale: Float, offset: Float) -> Tensor {
    let values = (0..<shape.elementCount).map { index -> Float in
        let pixel = (index * 37 + index / 97 * 11) % 256
        return Float(pixel) * scale + offset
    }
    return Tensor(shape: shape, values)
}

struct RealNetworkTests {
    @Test(.needs(sharedData: "models")) func everyNetworkImports() throws {
        let folder = sharedData("models")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".onnx") }.sorted()
        #expect(!names.isEmpty)
        for name in names {
            let graph = try ONNXFile(contentsOf: "\(folder)/\(name)").graph()
            #expect(graph.inputs.count == 1 && graph.outputs.count == 1, "\(name)")
            #expect(graph[graph.outputs[0]].shape.first == 1, "\(name)")
        }
    }

    /// Expected logits: onnxruntime's, for the same image.
    @Test(.needs(sharedData: "models"), arguments: [
        (
            "cifar10-resnet8-mlperftiny", 1, 0,
            [
                -8.983400344848633, -5.763308525085449, 1.8439202308654785, -3.1207549571990967, -27.632389068603516, -7.915523052215576,
                7.637905597686768, -17.684446334838867, -12.43772029876709, -15.855451583862305,
            ]
        ),
        (
            "cifar10-resnet20", 1 / 128, -1,
            [
                -6.557102203369141, -2.5215952396392822, 3.4369120597839355, -2.908411979675293, -1.6063454151153564, -3.053076982498169,
                15.988137245178223, -4.261073589324951, 1.8748857975006104, -0.33048510551452637,
            ]
        ),
        (
            "mnist-lenet", 1 / 128, -1,
            [
                0.28582897782325745, 2.3393714427948, 1.9152435064315796, -5.499091148376465, 4.857913017272949, -4.535314559936523,
                2.2957913875579834, 2.543260097503662, 4.613533020019531, -5.451639652252197,
            ]
        ),
    ] as [(String, Float, Float, [Float])])
    func definitionsAgreeWithAnotherEngine(_ name: String, _ scale: Float, _ offset: Float, _ expected: [Float]) throws {
        let graph = try ONNXFile(contentsOf: sharedData("models/\(name).onnx")).graph()
        let image = patternImage(graph[graph.inputs[0]].shape, scale: scale, offset: offset)
        let logits = try evaluate(graph, inputs: [image])[0].floats
        let largest = expected.map(abs).max() ?? 0
        #expect(zip(logits, expected).allSatisfy { abs($0 - $1) <= 1e-5 * largest }, "\(logits)")
    }
}
