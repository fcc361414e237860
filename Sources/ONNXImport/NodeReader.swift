// SPDX-License-Identifier: Apache-2.0

/// The attributes of a node, each read by name and type.
///
/// Attributes that nobody asked for are an error: one that is ignored could change what the network computes.
struct NodeReader {
    let proto: Onnx_NodeProto
    /// The version of the operator set.
    let version: Int
    private let attributes: [String: Onnx_AttributeProto]
    private var unread: Set<String>

    init(_ proto: Onnx_NodeProto, version: Int) throws(ImportError) {
        self.proto = proto
        self.version = version
        var attributes: [String: Onnx_AttributeProto] = [:]
        for attribute in proto.attribute {
            guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
                throw ImportError(.format, "attribute '\(attribute.name)' appears twice")
            }
            guard attribute.refAttrName.isEmpty else { throw ImportError(.unsupported, "an attribute of a function") }
        }
        self.attributes = attributes
        unread = Set(attributes.keys)
    }

    func checkAllRead() throws(ImportError) {
        guard let name = unread.min() else { return }
        throw ImportError(.unsupported, "attribute '\(name)'")
    }

    mutating func integer(_ name: String) throws(ImportError) -> Int? { try attribute(name, type: 2, "an integer").map { Int($0.i) } }
    mutating func float(_ name: String) throws(ImportError) -> Float? { try attribute(name, type: 1, "a number")?.f }
    mutating func integers(_ name: String) throws(ImportError) -> [Int]? { try attribute(name, type: 7, "integers")?.ints.map { Int($0) } }
    mutating func floats(_ name: String) throws(ImportError) -> [Float]? { try attribute(name, type: 6, "numbers")?.floats }
    mutating func tensor(_ name: String) throws(ImportError) -> Onnx_TensorProto? { try attribute(name, type: 4, "a tensor")?.t }

    mutating func string(_ name: String) throws(ImportError) -> String? {
        try attribute(name, type: 3, "a string").map { String(decoding: $0.s, as: UTF8.self) }
    }

    mutating func flag(_ name: String, default value: Bool = false) throws(ImportError) -> Bool {
        try integer(name).map { $0 != 0 } ?? value
    }

    /// Reads an attribute that makes no difference to results.
    mutating func ignore(_ name: String) { unread.remove(name) }

    private mutating func attribute(_ name: String, type: Int32, _ expected: String) throws(ImportError) -> Onnx_AttributeProto? {
        guard let attribute = attributes[name] else { return nil }
        guard attribute.type == type else { throw ImportError(.format, "attribute '\(name)' is not \(expected)") }
        unread.remove(name)
        return attribute
    }
}
