// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import SwiftProtobuf
package import Tensors

/// What is known of an input of a model before the model runs.
package enum InputBinding: Sendable {
    /// The shape takes the place of the one that the file declares.
    case shape([Int])
    /// The input is this constant from now on.
    case constant(Tensor)
    /// The input stays an input, of this tensor's type and shape; where the network's shapes depend on its elements, these are used.
    case sample(Tensor)
}

/// An ONNX model: a file that was read, and becomes a graph when the shapes of its inputs are bound.
///
/// Operator sets 11 to 28 are read (semantics later than 21 are those of 21 for every operator in the table). A size that the
/// file leaves open is 1 on the first axis, the batch, and an error elsewhere. Shapes, axes and pads that a file computes from
/// constants or shapes are folded. Quantise and dequantise nodes stay in the graph with the parameters that the file gives them.
package struct ONNXFile: Sendable {
    /// The largest file that is read, in bytes.
    package static let maximumSize = 1 << 31

    /// An input that isn't also an initialiser.
    package struct Input: Sendable {
        package var name: String
        package var type: ElementType
        /// `nil` for a size that the file leaves open.
        package var shape: [Int?]
    }

    let model: Onnx_ModelProto
    let folder: String?
    let path: String

    package init(contentsOf path: String) throws(ImportError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        try self.init(bytes: readFile(path, limit: Self.maximumSize), path: path, folder: folder)
    }

    /// - Parameters:
    ///   - path: for messages.
    ///   - folder: where external data lies; `nil` where none is allowed.
    package init(bytes: [UInt8], path: String = "model", folder: String? = nil) throws(ImportError) {
        self.path = path
        self.folder = folder
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        do {
            model = try Onnx_ModelProto(serializedBytes: bytes, options: options)
        } catch {
            throw ImportError(.format, "is no ONNX model, or damaged (\(error))", subject: path)
        }
        guard model.hasGraph else { throw ImportError(.format, "holds no graph", subject: path) }
    }

    package var inputs: [Input] {
        get throws(ImportError) {
            let constants = Set(model.graph.initializer.map(\.name))
            var inputs: [Input] = []
            for info in model.graph.input where !constants.contains(info.name) {
                do throws(ImportError) {
                    inputs.append(try Input(info))
                } catch {
                    throw error.within("input '\(info.name)'").within(path)
                }
            }
            return inputs
        }
    }

    /// - Throws: ``ImportError`` that names the node; the graph is checked.
    package func graph(bindings: [String: InputBinding] = [:]) throws(ImportError) -> Graph {
        do throws(ImportError) {
            var importer = try Importer(model, folder: folder, bindings: bindings)
            return try importer.run()
        } catch {
            throw error.within(path)
        }
    }
}

extension Tensor {
    /// One tensor from a file of ONNX's backend tests (`input_0.pb`).
    package init(onnxFile path: String) throws(ImportError) {
        let bytes = try readFile(path, limit: ONNXFile.maximumSize)
        let proto: Onnx_TensorProto
        do {
            proto = try Onnx_TensorProto(serializedBytes: bytes)
        } catch {
            throw ImportError(.format, "is no ONNX tensor, or damaged (\(error))", subject: path)
        }
        do throws(ImportError) {
            try self.init(proto, folder: nil)
        } catch {
            throw error.within(path)
        }
    }
}

extension ONNXFile.Input {
    fileprivate init(_ info: Onnx_ValueInfoProto) throws(ImportError) {
        guard info.type.hasTensorType else { throw ImportError(.unsupported, "an input that is no tensor") }
        name = info.name
        type = try ElementType(onnx: info.type.tensorType.elemType)
        guard info.type.tensorType.hasShape else { throw ImportError(.unsupported, "an input without a shape") }
        shape = info.type.tensorType.shape.dim.map { $0.hasDimValue ? Int($0.dimValue) : nil }
    }
}
