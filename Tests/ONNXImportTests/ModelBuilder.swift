// SPDX-License-Identifier: Apache-2.0
import Tensors

/// Writes protocol buffers, independently of the code that reads them.
struct ProtobufWriter {
    var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func integer(_ field: Int, _ value: Int) {
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func float(_ field: Int, _ value: Float) {
        varint(UInt64(field << 3 | 5))
        for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
    }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func string(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

    mutating func message(_ field: Int, _ fill: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        fill(&inner)
        bytes(field, inner.bytes)
    }
}

/// An ONNX model in the making.
struct ModelBuilder {
    enum Attribute {
        case integer(Int)
        case integers([Int])
        case float(Float)
        case string(String)
        case tensor((inout ProtobufWriter) -> Void)
    }

    var version = 13
    var domain = ""
    private var graph = ProtobufWriter()

    mutating func node(
        _ type: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "", _ attributes: [String: Attribute] = [:]
    ) {
        graph.message(1) { node in
            for input in inputs { node.string(1, input) }
            for output in outputs { node.string(2, output) }
            node.string(3, name)
            node.string(4, type)
            for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
                node.message(5) { attribute in
                    attribute.string(1, name)
                    switch value {
                    case .integer(let number):
                        attribute.integer(3, number)
                        attribute.integer(20, 2)
                    case .integers(let numbers):
                        for number in numbers { attribute.integer(8, number) }
                        attribute.integer(20, 7)
                    case .float(let number):
                        attribute.float(2, number)
                        attribute.integer(20, 1)
                    case .string(let text):
                        attribute.string(4, text)
                        attribute.integer(20, 3)
                    case .tensor(let fill):
                        attribute.message(5, fill)
                        attribute.integer(20, 4)
                    }
                }
            }
            node.string(7, domain)
        }
    }

    /// A constant with raw bytes.
    mutating func constant(_ name: String, _ tensor: Tensor) { graph.message(5) { $0.tensor(name, tensor) } }

    mutating func initializer(_ fill: (inout ProtobufWriter) -> Void) { graph.message(5, fill) }

    /// - Parameter shape: `nil` for an open size.
    mutating func input(_ name: String, _ shape: [Int?], type: Int = 1) { graph.message(11) { $0.declaration(name, shape, type) } }

    mutating func output(_ name: String) { graph.message(12) { $0.string(1, name) } }

    var bytes: [UInt8] {
        var model = ProtobufWriter()
        model.integer(1, 8)
        model.bytes(7, graph.bytes)
        model.message(8) {
            $0.string(1, domain)
            $0.integer(2, version)
        }
        return model.bytes
    }
}

extension ProtobufWriter {
    /// The fields of a tensor message.
    mutating func tensor(_ name: String, _ tensor: Tensor) {
        for size in tensor.shape { integer(1, size) }
        let codes: [ElementType: Int] = [.float32: 1, .uint8: 2, .int8: 3, .int32: 6, .int64: 7, .bool: 9]
        integer(2, codes[tensor.type] ?? 0)
        string(8, name)
        bytes(9, unsafe tensor.storage.withUnsafeBytes { unsafe Array($0) })
    }

    fileprivate mutating func declaration(_ name: String, _ shape: [Int?], _ type: Int) {
        string(1, name)
        message(2) { outer in
            outer.message(1) { tensor in
                tensor.integer(1, type)
                tensor.message(2) { dimensions in
                    for size in shape {
                        dimensions.message(1) { dimension in
                            if let size { dimension.integer(1, size) } else { dimension.string(2, "N") }
                        }
                    }
                }
            }
        }
    }
}
