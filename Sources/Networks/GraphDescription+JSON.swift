// SPDX-License-Identifier: Apache-2.0
internal import JSON
internal import Tensors

// By hand: `Decodable` takes a multiple of the time, at every start of the daemon. `Encodable` writes what is read here.

extension GraphDescription {
    init(_ json: JSONValue) throws(JSONError) {
        name = try json.member("name").string()
        values = try json.member("values").elements().map { value throws(JSONError) in try ValueDescription(value) }
        nodes = try json.member("nodes").elements().map { node throws(JSONError) in try NodeDescription(node) }
        inputs = try json.member("inputs").integers()
        outputs = try json.member("outputs").integers()
    }
}

extension GraphDescription.ValueDescription {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        name = try json.member("name").string()
        type = try json.member("type").choice()
        shape = try json.member("shape").integers()
        quantization = try json.memberIfPresent("quantization").map { value throws(JSONError) in
            try GraphDescription.QuantizationDescription(value)
        }
        constant = try json.memberIfPresent("constant")?.string()
        packing = try json.memberIfPresent("packing")?.choice()
    }
}

extension GraphDescription.QuantizationDescription {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        scales = try json.memberIfPresent("scales")?.elements().map { scale throws(JSONError) in try scale.float() }
        zeroPoints = try json.memberIfPresent("zeroPoints")?.elements().map { point throws(JSONError) in
            guard let value = Int32(exactly: try point.integer()) else { throw point.wrong("an integer of 32 bits") }
            return value
        }
        axis = try json.memberIfPresent("axis")?.integer()
        tensor = try json.memberIfPresent("tensor")?.string()
    }
}

extension GraphDescription.NodeDescription {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        name = try json.member("name").string()
        operation = try Operation(json.member("operation"))
        inputs = try json.member("inputs").integers()
        outputs = try json.member("outputs").integers()
    }
}

extension JSONValue {
    /// One of a few words.
    func choice<Choice: RawRepresentable<String>>() throws(JSONError) -> Choice {
        let word = try string()
        guard let value = Choice(rawValue: word) else { throw wrong("another word than '\(word)'") }
        return value
    }
}
