// SPDX-License-Identifier: Apache-2.0
import Compilation
import Inference
import Networks
import ONNXImport
import TestSupport
import Tensors
import Testing

/// The int8 form and the float32 form of a network, as they are compiled: whether one can go on where the other was cut.
struct SharedCutTests {
    private func quantized(_ graph: Graph) throws -> Graph {
        let prepared = try graph.takingQuantizationIntoValues().optimized(for: .quantized)
        var statistics: [ValueID: ValueStatistics] = [:]
        var random = SeededGenerator(seed: 12)
        let inputs = prepared.inputs.map { id in
            Tensor(shape: prepared[id].shape, (0..<prepared[id].shape.elementCount).map { _ in Float.random(in: -2...2, using: &random) })
        }
        try Executor(prepared.saturating()).run(inputs) { id, numbers in
            statistics[id, default: ValueStatistics()].observe(numbers, shape: prepared[id].shape)
        }
        return try prepared.quantized(statistics: statistics, rule: .extremes)
    }

    /// Every cut of the float32 form is one of the int8 form as well, but its end, where nothing crosses. The int8 form has one more: behind the quantisation of the input.
    @Test(.needs(sharedData: "models"), arguments: [
        ("cifar10-resnet8-mlperftiny", 12), ("cifar10-resnet20", 26), ("cifar10-resnet56", 62), ("imagenet-mobilenetv2-1.0-224-dq", 55),
        ("imagenet-squeezenet1.1", 39), ("imagenet-mobilenetv1-0.25-224", 30), ("mnist-lenet", 7),
    ])
    func everyCutOfARealNetworkIsSharedByItsTwoForms(name: String, nodes: Int) throws {
        let graph = try ONNXFile(contentsOf: sharedData("models/\(name).onnx")).graph()
        let (board, full) = (try quantized(graph), try graph.optimized(for: .float))
        let shared = board.cutsShared(with: full)
        #expect(full.nodes.count == nodes && board.nodes.count == nodes + 1)
        #expect(Set(shared.map(\.otherPosition)) == Set(0..<nodes))
        for cut in shared where cut.position > 0 {
            #expect(cut.position == cut.otherPosition + 1)
            let crossing = board.cuts[cut.position].crossing.map { board[$0] }
            #expect(crossing.allSatisfy { $0.type == .uint8 && $0.quantization?.axis == nil || $0.type == .float32 })
        }
    }

    /// What isn't a limit is a table in int8 and part of the convolution in float32: the value before it has no counterpart.
    @Test func aCutBeforeAnActivationThatOneFormFusesIsNotShared() throws {
        var builder = GraphBuilder(seed: 4)
        var x = builder.input([1, 3, 6, 6])
        for _ in 0..<2 { x = try builder.add(.activation(.hardSwish), [builder.convolution(x, channels: 4)]) }
        let graph = try builder.finish(x)
        let (board, full) = (try quantized(graph), try graph.optimized(for: .float))
        #expect(board.kinds == "quantize convolution hardSwish convolution hardSwish")
        #expect(full.nodes.count == 2)
        #expect(board.cutsShared(with: full).map { [$0.position, $0.otherPosition] } == [[0, 0], [3, 1]])
    }
}
