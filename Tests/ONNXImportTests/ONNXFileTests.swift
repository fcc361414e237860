// SPDX-License-Identifier: Apache-2.0
import Definitions
import Networks
import ONNXImport
import TestSupport
import Tensors
import Testing

private func graph(
    bindings: [String: InputBinding] = [:], version: Int = 13, _ build: (inout ModelBuilder) -> Void
) throws -> Graph {
    var builder = ModelBuilder()
    builder.version = version
    build(&builder)
    return try ONNXFile(bytes: builder.bytes).graph(bindings: bindings)
}

/// What goes wrong when a model is read.
private func failure(
    bindings: [String: InputBinding] = [:], version: Int = 13, _ build: (inout ModelBuilder) -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) -> ImportError? {
    #expect(throws: ImportError.self, sourceLocation: sourceLocation) { try graph(bindings: bindings, version: version, build) }
}

private func floats(_ shape: [Int], _ value: Float = 1) -> Tensor {
    Tensor(shape: shape, [Float](repeating: value, count: shape.elementCount))
}

struct ONNXFileTests {
    @Test func anOpenBatchIsOneImage() throws {
        let graph = try graph {
            $0.input("x", [nil, 3, 5, 5])
            $0.constant("w", floats([2, 3, 3, 3]))
            $0.node("Conv", ["x", "w"], ["y"], ["auto_pad": .string("SAME_LOWER"), "strides": .integers([2, 1])])
            $0.output("y")
        }
        #expect(graph[graph.inputs[0]].shape == [1, 3, 5, 5])
        #expect(graph[graph.outputs[0]].shape == [1, 2, 3, 5])
        guard case .convolution(let convolution) = graph.nodes[0].operation else { return #expect(Bool(false)) }
        #expect(convolution.window.padsBefore == [1, 1] && convolution.window.padsAfter == [1, 1])
        #expect(try ONNXFile(bytes: ModelBuilder().bytes).inputs.isEmpty)
    }

    @Test func evenKernelsPadTheSideThatAutoPadNames() throws {
        for (mode, before, after) in [("SAME_UPPER", 0, 1), ("SAME_LOWER", 1, 0), ("VALID", 0, 0)] {
            let graph = try graph {
                $0.input("x", [1, 1, 4])
                $0.node("MaxPool", ["x"], ["y"], ["kernel_shape": .integers([2]), "auto_pad": .string(mode)])
                $0.output("y")
            }
            guard case .pool(let pooling) = graph.nodes[0].operation else { return #expect(Bool(false)) }
            #expect(pooling.window.padsBefore == [before] && pooling.window.padsAfter == [after])
        }
    }

    /// As exporters write `x.view(x.size(0), -1)`.
    @Test func shapesThatAreComputedAreFolded() throws {
        let graph = try graph {
            $0.input("x", [nil, 2, 3])
            $0.constant("zero", .scalar(Int64(0)))
            $0.constant("rest", Tensor(shape: [1], [-1 as Int64]))
            $0.constant("axes", Tensor(shape: [1], [0 as Int64]))
            $0.node("Shape", ["x"], ["sizes"])
            $0.node("Gather", ["sizes", "zero"], ["n"])
            $0.node("Unsqueeze", ["n", "axes"], ["list"])
            $0.node("Concat", ["list", "rest"], ["shape"], ["axis": .integer(0)])
            $0.node("Reshape", ["x", "shape"], ["y"])
            $0.output("y")
        }
        #expect(graph.nodes.count == 1)
        #expect(graph[graph.outputs[0]].shape == [1, 6])
        #expect(graph.values.count == 2)
    }

    @Test func axesMayBeAttributesOrInputs() throws {
        for version in [11, 13, 21] {
            let graph = try graph(version: version) { model in
                model.input("x", [1, 2, 1, 3])
                model.constant("axes", Tensor(shape: [1], [-2 as Int64]))
                if version < 13 {
                    model.node("Squeeze", ["x"], ["s"], ["axes": .integers([-2])])
                } else {
                    model.node("Squeeze", ["x", "axes"], ["s"])
                }
                if version < 18 {
                    model.node("ReduceMean", ["s"], ["y"], ["axes": .integers([-2]), "keepdims": .integer(0)])
                } else {
                    model.node("ReduceMean", ["s", "axes"], ["y"], ["keepdims": .integer(0)])
                }
                model.output("y")
            }
            #expect(graph[graph.outputs[0]].shape == [1, 3])
        }
    }

    @Test func earlySoftmaxIsOverAllLaterAxes() throws {
        let x = Tensor(shape: [1, 2, 2], [0, 0, 0, 0] as [Float])
        for (version, expected) in [(12, 0.25), (13, 0.5)] as [(Int, Float)] {
            let graph = try graph(version: version) {
                $0.input("x", [1, 2, 2])
                $0.node("Softmax", ["x"], ["y"], ["axis": .integer(1)])
                $0.output("y")
            }
            #expect(try evaluate(graph, inputs: [x])[0].floats.allSatisfy { $0 == expected })
        }
    }

    @Test func quantiseAndDequantiseNodesKeepTheirScales() throws {
        let graph = try graph {
            $0.input("x", [1, 1, 2, 2])
            $0.constant("scale", .scalar(Float(0.5)))
            $0.constant("zero", .scalar(UInt8(3)))
            $0.constant("w", Tensor(shape: [2, 1, 1, 1], [1, -2] as [Int8]))
            $0.constant("scales", Tensor(shape: [2], [1, 0.25] as [Float]))
            $0.constant("zeros", Tensor(shape: [2], [0, 0] as [Int8]))
            $0.node("QuantizeLinear", ["x", "scale", "zero"], ["q"])
            $0.node("DequantizeLinear", ["q", "scale", "zero"], ["d"])
            $0.node("DequantizeLinear", ["w", "scales", "zeros"], ["wd"], ["axis": .integer(0)])
            $0.node("Conv", ["d", "wd"], ["y"])
            $0.output("y")
        }
        #expect(graph.nodes.count == 4)
        let y = try evaluate(graph, inputs: [Tensor(shape: [1, 1, 2, 2], [0.25, 1, -9, 2] as [Float])])[0]
        #expect(y.floats == [0, 1, -1.5, 2, 0, -0.5, 0.75, -1])
    }

    @Test func nodesThatDoNothingDisappear() throws {
        let graph = try graph {
            $0.input("x", [1, 4])
            $0.node("Identity", ["x"], ["a"])
            $0.node("Dropout", ["a"], ["b", "mask"])
            $0.node("Relu", ["b"], ["c"])
            $0.node("Sigmoid", ["b"], ["unused"])
            $0.node("Identity", ["c"], ["y"])
            $0.output("y")
        }
        #expect(graph.nodes.map(\.operation) == [.activation(.relu)])
        #expect(graph[graph.outputs[0]].name == "y")
    }

    @Test func outputsThatAreInputsOrConstantsGetANode() throws {
        let graph = try graph {
            $0.input("x", [2])
            $0.constant("c", floats([3]))
            for name in ["x", "c"] { $0.output(name) }
        }
        #expect(graph.nodes.count == 2)
        #expect(try evaluate(graph, inputs: [floats([2], 5)]).map(\.floats) == [[5, 5], [1, 1, 1]])
    }

    @Test func inputsAreBoundToShapesConstantsAndSamples() throws {
        let build: (inout ModelBuilder) -> Void = {
            $0.input("x", [nil, nil])
            $0.input("shape", [1], type: 7)
            $0.node("Reshape", ["x", "shape"], ["y"])
            $0.output("y")
        }
        let shape = Tensor(shape: [1], [6 as Int64])
        let constant = try graph(bindings: ["x": .shape([2, 3]), "shape": .constant(shape)], build)
        #expect(constant.inputs.count == 1 && constant[constant.outputs[0]].shape == [6])
        let sampled = try graph(bindings: ["x": .sample(floats([2, 3])), "shape": .sample(shape)], build)
        #expect(sampled.inputs.count == 2 && sampled[sampled.outputs[0]].shape == [6])
        #expect(failure(bindings: ["x": .shape([2, 3])], build)?.code == .unsupported)
        #expect(failure(bindings: ["z": .shape([2])], build)?.description.contains("'z'") == true)
        #expect(failure(bindings: ["x": .shape([2, -3]), "shape": .constant(shape)], build) != nil)
        #expect(failure(bindings: ["x": .constant(shape), "shape": .constant(shape)], build) != nil)
        #expect(failure(bindings: ["shape": .constant(shape)], build)?.description.contains("'x'") == true)
    }
}

struct ImportErrorTests {
    @Test func theErrorNamesFileNodeAndOperator() {
        let error = failure {
            $0.input("x", [1])
            $0.node("Gelu", ["x"], ["y"], name: "act1")
            $0.output("y")
        }
        #expect(error?.code == .unsupported)
        #expect(error?.description == "model: node 'act1' (Gelu): not supported: operator Gelu")
    }

    @Test func unknownAttributesDomainsVersionsAndTypesAreReported() {
        func relu(_ attributes: [String: ModelBuilder.Attribute] = [:], domain: String = "", type: Int = 1, version: Int = 13) -> ImportError? {
            failure(version: version) {
                $0.input("x", [1], type: type)
                $0.node("Relu", ["x"], ["y"], domain: domain, attributes)
                $0.output("y")
            }
        }
        #expect(relu(["magic": .integer(1)])?.code == .unsupported)
        #expect(relu(domain: "com.example")?.code == .unsupported)
        #expect(relu(type: 8)?.code == .unsupported)
        #expect(relu(version: 10)?.code == .unsupported)
        #expect(relu(version: 99)?.code == .unsupported)
    }

    @Test(arguments: [
        { $0.node("Relu", ["nowhere"], ["y"]) },
        { $0.node("Relu", [], ["y"]) },
        { $0.node("Relu", ["x"], []) },
        { $0.node("Relu", ["x", "x"], ["y"]) },
        // A cycle.
        { $0.node("Relu", ["b"], ["a"]); $0.node("Relu", ["a"], ["b"]); $0.node("Relu", ["a"], ["y"]) },
        { $0.node("Relu", ["x"], ["y"]); $0.node("Sigmoid", ["x"], ["y"]) },
        { $0.node("Relu", ["x"], ["x"]) },
        { $0.node("Relu", ["x"], ["other"]) },
        { $0.constant("c", floats([1])); $0.constant("c", floats([1])); $0.node("Relu", ["x"], ["y"]) },
        { $0.input("x", [1]); $0.node("Relu", ["x"], ["y"]) },
        { $0.node("Add", ["x", "w"], ["y"]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["group": .integer(0)]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["group": .integer(.min)]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["pads": .integers([.max, .max, .max, .max])]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["pads": .integers([1])]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["dilations": .integers([.max, 1])]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["strides": .integers([0, 1]), "auto_pad": .string("SAME_UPPER")]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["kernel_shape": .integers([2, 2])]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["auto_pad": .string("MAGIC")]) },
        { $0.node("Conv", ["x", "w"], ["y"], ["group": .float(1)]) },
        { $0.node("MaxPool", ["x"], ["y"], ["kernel_shape": .integers([1 << 30, 1 << 30]), "auto_pad": .string("SAME_UPPER")]) },
        { $0.node("MaxPool", ["x"], ["y"]) },
        { $0.node("Flatten", ["x"], ["y"], ["axis": .integer(5)]) },
        { $0.node("Flatten", ["x"], ["y"], ["axis": .integer(.min)]) },
        { $0.node("Softmax", ["x"], ["y"], ["axis": .integer(.max)]) },
        { $0.node("Transpose", ["x"], ["y"], ["perm": .integers([0, 1, 2, 2])]) },
        { $0.node("Concat", ["x"], ["y"]) },
        { $0.node("Split", ["x"], ["y", "z"], ["axis": .integer(1)]) },
        { $0.node("Reshape", ["x", "w"], ["y"]) },
        { $0.constant("s", Tensor(shape: [2], [-1, -1] as [Int64])); $0.node("Reshape", ["x", "s"], ["y"]) },
        { $0.constant("s", Tensor(shape: [2], [.max, .max] as [Int64])); $0.node("Reshape", ["x", "s"], ["y"]) },
        { $0.constant("s", Tensor(shape: [1], [1 << 40] as [Int64])); $0.node("ConstantOfShape", ["s"], ["y"]) },
        { $0.constant("s", Tensor(shape: [8], [Int64](repeating: 1 << 29, count: 8))); $0.node("Pad", ["x", "s"], ["y"]) },
        { $0.constant("s", Tensor(shape: [1], [.min] as [Int64])); $0.node("Slice", ["x", "s", "s", "s", "s"], ["y"]) },
        { $0.constant("s", Tensor(shape: [1], [0] as [Int64])); $0.node("Slice", ["x", "s", "s", "s", "s"], ["y"]) },
        { $0.constant("s", Tensor(shape: [1], [1] as [Int64])); $0.node("Gather", ["x", "s"], ["y"]) },
        { $0.node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"]) },
        { $0.node("Cast", ["x"], ["y"], ["to": .integer(7)]) },
        { $0.node("Constant", [], ["y"], ["value_string": .string("a")]) },
        { $0.node("QuantizeLinear", ["x"], ["y"]) },
        { $0.initializer { $0.string(8, "c"); $0.integer(1, 4); $0.integer(2, 1); $0.bytes(9, [0]) }; $0.node("Relu", ["c"], ["y"]) },
        { $0.initializer { $0.string(8, "c"); $0.integer(1, 1 << 60); $0.integer(2, 1) }; $0.node("Relu", ["c"], ["y"]) },
        { $0.initializer { $0.string(8, "c"); $0.integer(1, -1); $0.integer(2, 1) }; $0.node("Relu", ["c"], ["y"]) },
        { $0.initializer { $0.string(8, "c"); $0.integer(1, 1); $0.integer(2, 3); $0.integer(5, 300) }; $0.node("Relu", ["c"], ["y"]) },
        { $0.initializer { $0.string(8, "c"); $0.integer(1, 1); $0.integer(2, 16); $0.bytes(9, [0, 0]) }; $0.node("Relu", ["c"], ["y"]) },
    ] as [@Sendable (inout ModelBuilder) -> Void])
    func aHostileModelIsAnErrorNotACrash(_ build: @Sendable (inout ModelBuilder) -> Void) {
        let error = failure {
            $0.input("x", [1, 3, 4, 4])
            $0.constant("w", floats([2, 3, 3, 3]))
            build(&$0)
            $0.output("y")
        }
        #expect(error?.description.contains("\n") == false)
    }

    @Test func messagesNestedWithoutEndAreAnError() {
        var bytes: [UInt8] = []
        for _ in 0..<5000 {
            var outer = ProtobufWriter()
            outer.bytes(5, bytes)
            bytes = outer.bytes
        }
        #expect(throws: ImportError.self) { try ONNXFile(bytes: bytes).graph() }
        #expect(throws: ImportError.self) { try ONNXFile(bytes: []) }
        #expect(throws: ImportError.self) { try ONNXFile(contentsOf: "/") }
        #expect(throws: ImportError.self) { try ONNXFile(contentsOf: "/dev/zero") }
    }

    @Test func aDamagedModelIsReadOrRefused() {
        var builder = ModelBuilder()
        builder.input("x", [nil, 3, 6, 6])
        builder.constant("w", floats([2, 3, 3, 3]))
        builder.constant("s", Tensor(shape: [2], [1, -1] as [Int64]))
        builder.constant("pads", Tensor(shape: [8], [0, 0, 1, 1, 0, 0, 1, 1] as [Int64]))
        builder.constant("from", Tensor(shape: [1], [0 as Int64]))
        builder.constant("to", Tensor(shape: [1], [3 as Int64]))
        builder.node("Pad", ["x", "pads"], ["p"], ["mode": .string("reflect")])
        builder.node("Conv", ["p", "w"], ["c"], ["strides": .integers([1, 1]), "pads": .integers([1, 1, 1, 1])])
        builder.node("MaxPool", ["c"], ["m"], ["kernel_shape": .integers([2, 2]), "strides": .integers([2, 2]), "ceil_mode": .integer(1)])
        builder.node("Slice", ["m", "from", "to", "to"], ["sl"])
        builder.node("Shape", ["sl"], ["sizes"])
        builder.node("Reshape", ["sl", "s"], ["r"])
        builder.node("Softmax", ["r"], ["y"], ["axis": .integer(1)])
        builder.output("y")
        builder.output("sizes")
        var generator = SeededGenerator(seed: 21)
        var sound = 0
        for _ in 0..<20_000 {
            if let file = try? ONNXFile(bytes: generator.damaged(builder.bytes)), let graph = try? file.graph() {
                sound += 1
                #expect(throws: Never.self) { try graph.check() }
            }
        }
        #expect(sound > 100, "damage should often be harmless, else this tests little")
    }

    @Test(.needs(sharedData: "models")) func aDamagedRealNetworkIsReadOrRefused() throws {
        let bytes = try readAll(sharedData("models/cifar10-resnet8-mlperftiny.onnx"))
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<300 { _ = try? ONNXFile(bytes: generator.damaged(bytes)).graph() }
        // The structure is spread over the file; damage the messages around the weights as well.
        for _ in 0..<300 {
            var damaged = bytes
            for _ in 0..<8 {
                let position = damaged.indices.randomElement(using: &generator) ?? 0
                if let text = damaged[position...].prefix(20_000).firstIndex(of: UInt8(ascii: "C")) { damaged[max(text - 3, 0)] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
            }
            _ = try? ONNXFile(bytes: damaged).graph()
        }
    }
}
